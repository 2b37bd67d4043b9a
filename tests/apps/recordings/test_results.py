"""What the data plane says about a segment is checked, and kept once."""

from dataclasses import replace
from uuid import uuid4

import pytest

from apps.core.clock import now
from apps.detections.results import Outcome
from apps.recordings.models import Segment
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.recording import RecordingMode, SealedOriginal, SegmentResult
from tests.apps.recordings.conftest import result_for

pytestmark = pytest.mark.django_db


def test_a_segment_is_kept_once(camera, apply):
    message = result_for(camera, now())
    assert apply(message) is Outcome.APPLIED
    assert apply(message) is Outcome.REPEATED
    row = Segment.objects.get()
    assert (row.camera, row.frames, row.redaction) == (camera, 50, {"tracks": 48, "mosaic": 2})
    assert row.sealed_under is None


def test_the_message_survives_the_stream(camera):
    message = result_for(camera, now())
    assert decode(SegmentResult, encode(message)) == message


def test_a_segment_of_a_removed_camera_is_dropped(camera, apply):
    message = result_for(camera, now())
    camera.delete()
    assert apply(message) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"object_key": "segments/x/2026-01-01/x.mp4"},
        {"object_key": "snapshots/x"},
        {"sha256": "no"},
        {"frames": 49},
        {"frames": 0},
        {"ended_at": 1_700_000_000.0},
        {"width": -1},
        {"reason": RecordingMode.OFF},
        {"segment_id": "../../etc"},
        {"redaction": {"tracks": 51, "mosaic": -1}},
    ],
)
def test_hostile_messages_are_refused(camera, apply, changes):
    with pytest.raises(ContractError):
        apply(replace(result_for(camera, now()), **changes))
    assert Segment.objects.count() == 0


def test_an_original_under_a_foreign_key_is_refused(camera, apply):
    message = result_for(camera, now())
    original = SealedOriginal(
        f"originals/{camera.pk}/2026-01-01/{message.segment_id}.sealed", "ab" * 32, 100, str(uuid4())
    )
    with pytest.raises(ContractError, match="key of camera"):
        apply(replace(message, original=original))
