"""Celery of the control plane: short housekeeping on the queue `control`, and the clock that starts it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

app = Celery("vidette")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
