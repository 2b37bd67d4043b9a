"""The clock asks for nothing that no worker knows."""

import pytest
from django.conf import settings

from webapp.celery import app

pytestmark = pytest.mark.database_neutral


def test_every_task_of_the_clock_is_known_to_the_control_worker():
    app.loader.import_default_modules()
    asked = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert asked - app.tasks.keys() == set()
