"""A hole in the policy, end to end: what leaves uncovered is found, and the lease covers whole persons.

Both planes as they are: the sink of the streams process, the idle thread of the worker with the detector
that every installation has, the recorder, the lease in Redis.
"""

import time

import numpy as np
import pytest
import skimage.data

from apps.audit.models import AuditRecord
from apps.detections.models import FeedEntry
from apps.dispatch.recorder import Recorder
from apps.dispatch.services import lease_push
from apps.monitoring.models import Alert
from apps.monitoring.selectors import exports_allowed, leak_guard
from apps.monitoring.services import alert_close
from inference_workers.contracts.codec import decode
from inference_workers.contracts.leaks import PictureKind
from inference_workers.contracts.lease import Lease
from inference_workers.contracts.names import LEASES
from inference_workers.engine.frame import Frame
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.redaction import redact
from inference_workers.streams.leaks import SampleSink
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.loaded import LoadedModels
from inference_workers.tasks.second_look import Lookers, SecondLooks
from tests.engine.onnx_graphs import worker_settings

pytestmark = pytest.mark.django_db(transaction=True)
FACE = np.array([[181.5, 58.2, 269.9, 177.8]])
NOBODY = np.zeros((0, 4))


class Leaving:
    """Pictures of one camera on their way to viewers, each of them sampled and looked at again."""

    def __init__(self, redis, folder):
        self._redis = redis
        self._now = 0.0
        self._sink = SampleSink(redis, clock=lambda: self._now)
        directory = ModelDirectory(worker_settings(folder))
        lookers = Lookers(directory.cards, LoadedModels(directory))
        self._looks = SecondLooks(redis, lookers, Counters(), lambda: False, share=1.0)

    def show(self, lease, faces, count):
        image = np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])
        for seq in range(count):
            frame = Frame(image, lease.camera_id, "e1", seq, time.time())
            redacted = redact(frame, faces, lease.redaction)
            while not self._sink.offer(redacted, lease, PictureKind.LIVE):
                self._now += 5
            self._looks.take_one(1.0)
        Recorder(self._redis).drain()


def leased(redis, camera) -> Lease:
    return decode(Lease, redis.hget(LEASES, str(camera.pk)))


def test_a_planted_leak_raises_everything_and_a_person_ends_it(redis, camera, bob, settings, tmp_path):
    settings.LEAK_RAISES_POLICY = True
    lease_push(str(camera.pk))
    lease, leaving = leased(redis, camera), Leaving(redis, tmp_path)
    assert lease.redaction.targets == ("face",)

    leaving.show(lease, FACE, 4)
    assert not Alert.objects.exists()
    assert exports_allowed(camera)

    leaving.show(lease, NOBODY, 3)
    alert = Alert.objects.get()
    assert (alert.camera_id, alert.state, alert.facts["leaky"]) == (camera.pk, "open", 3)
    assert not exports_allowed(camera)
    assert leased(redis, camera).redaction.targets == ("face", "person")
    assert leased(redis, camera).revision == lease.revision + 1
    assert FeedEntry.objects.filter(kind="alert_opened", alert_id=alert.pk).count() == 1
    assert AuditRecord.objects.get(action="leaks.alert").details["policy_raised"] is True

    alert_close(acting_user=bob, alert=alert, version=alert.version, note="a hole was planted", lower=True)
    assert exports_allowed(camera)
    assert leak_guard(camera).policy_raised_at is None
    assert leased(redis, camera).redaction.targets == ("face",)
