"""The file of a segment: who watches it is on record before its first byte leaves."""

from django.db import transaction
from django.http import HttpResponseBase

from apps.audit import services as audit
from apps.cameras.grants import Viewer
from apps.core.large_objects import object_response
from apps.core.pictures import REDACTION_HEADER
from apps.recordings.models import Segment
from apps.recordings.selectors import segment_look_up

CONTENT_TYPE = "video/mp4"


def segment_response(user: Viewer, segment_id: object, purpose: str, wanted: str = "") -> HttpResponseBase:
    """The file or the part of it that the header `Range` asks for; each answer has its access row."""
    segment = segment_look_up(user, segment_id, purpose=purpose)
    response = object_response(segment.object_key, CONTENT_TYPE, wanted)
    if response.status_code in (200, 206):
        with transaction.atomic():
            audit.record_access(
                action="segment.view",
                object_type="segment",
                object_id=str(segment.pk),
                camera_id=segment.camera_id,
                redacted=True,
                details=_details(segment, wanted),
                acting_user=user,
                purpose=purpose,
            )
    response[REDACTION_HEADER] = redaction_of(segment)
    return response


def redaction_of(segment: Segment) -> str:
    """One word for the whole: "tracks" when all its pictures are, "mosaic" when all are, else "mixed"."""
    kinds = [name for name, count in segment.redaction.items() if count]
    return str(kinds[0]) if len(kinds) == 1 else "mixed"


def _details(segment: Segment, wanted: str) -> dict[str, object]:
    return {
        "started_at": segment.started_at,
        "ended_at": segment.ended_at,
        "redaction": segment.redaction,
        "models": segment.served,
        **({"range": wanted[:40]} if wanted else {}),
    }
