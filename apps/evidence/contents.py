"""What goes into a pack: redacted segments, snapshots of events, and what is known of how they were made."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Min, Q, QuerySet

from apps.audit.chain import timestamp
from apps.audit.models import AuditRecord, RecordKind
from apps.core.errors import Conflict
from apps.detections.models import CameraRuntime, Event
from apps.dispatch.selectors import lease_changes
from apps.evidence.models import EvidencePack
from apps.evidence.writing import Source, of_object
from apps.recordings.models import Segment
from apps.redactions.models import Redaction
from apps.registry.models import ModelVersion
from inference_workers.contracts.redactions import result_key

MOST_FILES = 20_000  # a day of segments is 8,640; the plain archive format ends at 65,535
_ONE_MORE = MOST_FILES + 1
_BEFORE = timedelta(minutes=2)  # a segment is shorter: the index on its beginning finds it
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9]+")
# Addresses and networks of cameras are nobody's evidence.
_LEFT_OUT = ("source",)
# Changes that say how the camera was allowed and set to film. Holds, unmaskings and packs are other people's
# cases, and `camera.update` tells the address.
_OF_FILMING = (
    "camera.enable", "camera.disable", "camera.retention", "zone.create", "zone.update", "zone.delete",
    "purpose.create", "purpose.update", "purpose.end", "leaks.policy_lower",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files of a pack with what the manifest says of each, and the rows that they are of."""

    sources: tuple[Source, ...]
    told: Mapping[str, Mapping[str, Any]]
    segments: tuple[Segment, ...]
    events: tuple[Event, ...]
    redactions: tuple[Redaction, ...]


def gather(pack: EvidencePack) -> Gathered:
    """Raises Conflict when it is more than one pack holds."""
    segments = list(_segments(pack).select_related("sealed_under").order_by("started_at", "pk")[:_ONE_MORE])
    events = list(_events(pack).order_by("first_seen_at", "pk")[:_ONE_MORE])
    redactions = list(_redactions(pack).order_by("created_at", "pk"))
    if len(segments) + len(events) + len(redactions) > MOST_FILES:
        raise Conflict("pack_too_large", f"A pack holds at most {MOST_FILES} recordings and events.")
    sources: list[Source] = []
    told: dict[str, Mapping[str, Any]] = {}
    for number, segment in enumerate(segments, 1):
        name = f"segment-{number:04d}-{_moment(segment.started_at)}.mp4"
        sources.append(of_object(name, segment.object_key, segment.sha256))
        told[name] = {"kind": "segment", "segment": _segment_told(segment)}
    for number, event in enumerate((row for row in events if row.snapshot_key), 1):
        name = f"snapshot-{number:04d}-{_moment(event.first_seen_at)}.jpg"
        sources.append(of_object(name, event.snapshot_key))
        told[name] = {"kind": "snapshot", "event": str(event.pk), "redaction": event.snapshot_redaction}
    for number, row in enumerate(redactions, 1):
        name = f"redacted-{number:04d}{row.film['result_suffix']}"
        sources.append(of_object(name, _result_key(row), str(row.result["sha256"])))
        told[name] = {"kind": "redacted_file", "redaction": _redaction_told(row)}
    return Gathered(tuple(sources), told, tuple(segments), tuple(events), tuple(redactions))


def oldest_of(pack: EvidencePack) -> datetime | None:
    """The end of the first thing that goes in, or would go in now; None where nothing does."""
    found = [
        _segments(pack).aggregate(first=Min("ended_at"))["first"],
        _events(pack).aggregate(first=Min("last_seen_at"))["first"],
        pack.since if _redactions(pack).exists() else None,
    ]
    return min((at for at in found if at is not None), default=None)


def chosen_are_there(pack: EvidencePack) -> bool:
    """Whether everything that was chosen one by one belongs to the camera and the span."""
    rows = {"segments": _segments(pack), "events": _events(pack), "redactions": _redactions(pack)}
    return all(rows[name].count() == len(set(keys)) for name, keys in pack.items.items())


def _segments(pack: EvidencePack) -> QuerySet[Segment]:
    rows = Segment.objects.filter(
        camera=pack.camera_id,
        started_at__gte=pack.since - _BEFORE,
        started_at__lt=pack.until,
        ended_at__gt=pack.since,
    )
    return rows.filter(pk__in=pack.items.get("segments", [])) if pack.items else rows


def _events(pack: EvidencePack) -> QuerySet[Event]:
    rows = Event.objects.filter(
        camera=pack.camera_id, first_seen_at__lt=pack.until, last_seen_at__gte=pack.since
    )
    return rows.filter(pk__in=pack.items.get("events", [])) if pack.items else rows


def _redactions(pack: EvidencePack) -> QuerySet[Redaction]:
    keys = pack.items.get("redactions", [])
    return Redaction.objects.filter(pk__in=keys, deleted_at=None, ready_revision__isnull=False)


def _result_key(row: Redaction) -> str:
    return result_key(str(row.pk), row.ready_revision or 0, str(row.film["result_suffix"]))


def _moment(at: datetime) -> str:
    return _NOT_A_NAME.sub("", timestamp(at)[:19]) + "Z"


def _segment_told(segment: Segment) -> dict[str, Any]:
    return {
        "id": str(segment.pk),
        "from": timestamp(segment.started_at),
        "until": timestamp(segment.ended_at),
        "pictures": segment.frames,
        "size_px": [segment.width, segment.height],
        "redaction": segment.redaction,
        "models": segment.served,
        "lease": segment.lease_id,
        "tracks": segment.track_ids,
        "original": _original_told(segment),
    }


def _original_told(segment: Segment) -> dict[str, Any] | None:
    """The sealed original that this was made of, by the hash of the file in the store; None for none."""
    if not segment.original_sha256:
        return None
    key = segment.sealed_under
    return {
        "sealed_sha256": segment.original_sha256,
        "sealed_bytes": segment.original_bytes,
        "kept": bool(segment.original_key),
        "sealed_under": key.fingerprint if key is not None else None,
    }


def _redaction_told(row: Redaction) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "input_sha256": row.input_sha256,
        "options": row.options,
        "models": row.chosen_models,
        "revision": row.ready_revision,
        "summary": row.result.get("summary", {}),
    }


def events_told(events: Iterable[Event]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(event.pk),
            "class": event.label,
            "confidence": round(event.confidence, 4),
            "from": timestamp(event.first_seen_at),
            "until": timestamp(event.last_seen_at),
            "track": event.track_id,
            "model": {"name": event.model_name, "sha256": event.model_sha256},
            "attributes": [
                {name: item[name] for name in ("name", "value", "confidence", "model_name", "model_sha256")}
                for item in event.attributes
            ],
            "lease": event.lease_id,
        }
        for event in events
    ]


def leases_told(pack: EvidencePack) -> list[dict[str, Any]]:
    """What the camera was allowed to do in the span: the lease in force at its beginning, and each change."""
    rows = lease_changes([pack.camera])
    inside = list(rows.filter(issued_at__gte=pack.since, issued_at__lt=pack.until))
    before = rows.filter(issued_at__lt=pack.since).first()
    return [
        {
            "id": str(row.pk),
            "revision": row.revision,
            "from": timestamp(row.issued_at),
            "why": row.reason,
            "withheld": row.withheld,
            "settings": {name: value for name, value in row.contents.items() if name not in _LEFT_OUT},
        }
        for row in reversed([*inside, *([before] if before is not None else [])])
    ]


def models_told(segments: Iterable[Segment]) -> dict[str, dict[str, str]]:
    """The versions that served, by the ids under which the segments name them."""
    named = {version for segment in segments for version in segment.served.values()}
    ids = [key for key in map(_uuid, named) if key is not None]
    rows = ModelVersion.objects.filter(pk__in=ids)
    return {str(row.pk): {"name": row.name, "sha256": row.sha256} for row in rows}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def clock_told(pack: EvidencePack) -> dict[str, Any]:
    """How far the camera's clock was from ours when it was last compared; times are those of our clock."""
    row = CameraRuntime.objects.filter(camera=pack.camera_id).first()
    if row is None or row.clock_offset_s is None:
        return {"offset_s": None, "compared_at": None}
    return {"offset_s": round(row.clock_offset_s, 3), "compared_at": timestamp(row.at)}


def record_rows(pack: EvidencePack, gathered: Gathered) -> QuerySet[AuditRecord]:
    """Entries about these objects, how the camera was set to film in the span, and the way of this pack.

    What else happened to the camera stays out as a whole: an entry cannot be shortened.
    """
    named = Q(object_type="evidence_pack", object_id=str(pack.pk))
    for kind, rows in (("segment", gathered.segments), ("event", gathered.events)):
        named |= Q(object_type=kind, object_id__in=[str(row.pk) for row in rows])
    named |= Q(object_type="redaction", object_id__in=[str(row.pk) for row in gathered.redactions])
    changes = Q(camera_id=pack.camera_id, kind=RecordKind.CHANGE, at__gte=pack.since, at__lt=pack.until)
    return AuditRecord.objects.filter(named | (changes & Q(action__in=_OF_FILMING)))
