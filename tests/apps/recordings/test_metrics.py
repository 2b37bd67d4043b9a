"""What the metrics page says about recording."""

import json
import time

import pytest

from apps.monitoring.metrics import metrics_text
from apps.retention.models import DoomedObject
from inference_workers.contracts.names import HEARTBEATS

pytestmark = pytest.mark.django_db


def test_segments_and_waiting_deletions_are_counted(redis):
    from apps.core.clock import now

    beat = {"at": time.time(), "segments_stored": 7, "segments_waiting": 2, "segments_lost": 1}
    redis.hset(HEARTBEATS, "streams", json.dumps(beat))
    DoomedObject.objects.create(key="snapshots/x", store="events", since=now())
    text = metrics_text().decode()
    assert 'vidette_segments{outcome="stored",process="streams"} 7.0' in text
    assert 'vidette_segments{outcome="lost",process="streams"} 1.0' in text
    assert "vidette_objects_to_delete 1.0" in text
