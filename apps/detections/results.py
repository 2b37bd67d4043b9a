"""Writes what the data plane reports. Every message may come twice or late and changes nothing then.

The functions run inside the recorder's transaction; a `ResultBatch` carries what its messages share.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from apps.cameras.models import Camera, Zone
from apps.core.clock import now
from apps.detections.accounts import account_apply_counters
from apps.detections.feed import FeedLine, feed_append
from apps.detections.folding import fold
from apps.detections.models import CameraRuntime, Event, FeedEntry, Reading
from apps.registry.models import ModelVersion
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.results import (
    Account,
    CameraState,
    CameraStatus,
    ReadingResult,
    TrackAttribute,
    TrackResult,
)

_SNAPSHOT_KEY = re.compile(r"snapshots/([0-9a-f-]{36})/\d{4}-\d\d-\d\d/[A-Za-z0-9._-]{1,120}\.jpg")
# Clocks of two machines in one house; further ahead is a wrong one.
CLOCKS_DIFFER = timedelta(seconds=5)
MAX_ENTRIES = 64
MAX_ATTRIBUTES = 16
Kind = FeedEntry.Kind


class Outcome(StrEnum):
    """`UNKNOWN`: the camera or work item that the message is about was removed meanwhile."""

    APPLIED = "applied"
    REPEATED = "repeated"
    UNKNOWN = "unknown"


@dataclass
class ResultBatch:
    """Look-ups that the messages of one transaction share, and the feed lines that they give."""

    feed: list[FeedLine] = field(default_factory=list)
    _cameras: dict[UUID, bool] = field(default_factory=dict)
    _versions: dict[tuple[str, str], ModelVersion | None] = field(default_factory=dict)
    _versions_by_id: dict[UUID, ModelVersion | None] = field(default_factory=dict)

    def has_camera(self, camera_id: UUID) -> bool:
        if camera_id not in self._cameras:
            self._cameras[camera_id] = Camera.objects.filter(pk=camera_id).exists()
        return self._cameras[camera_id]

    def version(self, ref: ModelRef) -> ModelVersion | None:
        """By name and hash: these say what really ran, the id only what was asked for."""
        key = (ref.name, ref.sha256)
        if key not in self._versions:
            self._versions[key] = ModelVersion.objects.filter(name=ref.name, sha256=ref.sha256).first()
        return self._versions[key]

    def version_by_id(self, version_id: UUID) -> ModelVersion | None:
        if version_id not in self._versions_by_id:
            self._versions_by_id[version_id] = ModelVersion.objects.filter(pk=version_id).first()
        return self._versions_by_id[version_id]

    def finish(self) -> None:
        feed_append(self.feed)


def track_apply(message: TrackResult, batch: ResultBatch) -> Outcome:
    """Create or change the event of one track; the highest revision wins."""
    camera_id = uuid_checked(message.camera_id, "camera_id")
    if not batch.has_camera(camera_id):
        return Outcome.UNKNOWN
    key = {"camera_id": camera_id, "epoch": message.epoch, "track_id": message.track_id}
    event = Event.objects.select_for_update().filter(**key).first()
    if event is not None and event.revision >= message.revision:
        return Outcome.REPEATED
    created = event is None
    event = event or Event(**key)
    _fill_event(event, message, batch)
    event.save()
    _set_zones(event, message.zone_ids, created=created)
    if created:
        readings = Reading.objects.filter(
            camera_id=camera_id, epoch=message.epoch, track_id=message.track_id, event=None
        )
        readings.update(event=event)
    kind = Kind.EVENT_ENDED if message.ended else Kind.EVENT_UPDATED
    batch.feed.append(FeedLine(Kind.EVENT_CREATED if created else kind, camera_id, event.pk))
    return Outcome.APPLIED


def _fill_event(event: Event, message: TrackResult, batch: ResultBatch) -> None:
    event.revision = message.revision
    event.ended = message.ended
    event.label = text_checked(message.label, 60)
    event.confidence = message.confidence
    event.first_seen_at = time_checked(message.first_seen_at)
    event.last_seen_at = time_checked(message.last_seen_at)
    event.box_xyxy = list(message.best_box_xyxy)
    event.path = [list(point) for point in message.path]
    event.lease_id = message.lease_id
    _fill_model(event, message.model, batch)
    event.attributes = [_attribute(item) for item in message.attributes[:MAX_ATTRIBUTES]]
    event.attribute_text = "|".join(fold(item["value"]) for item in event.attributes)[:500]
    if message.snapshot_key is not None:
        event.snapshot_key = _snapshot_key(message.snapshot_key, message.camera_id)
        event.snapshot_redaction = text_checked(message.snapshot_redaction or "", 16)
    event.upper_colour = message.upper_colour or ""
    event.lower_colour = message.lower_colour or ""


def _attribute(said: TrackAttribute) -> dict[str, Any]:
    return {
        "cascade": text_checked(said.cascade_id, 36),
        "name": text_checked(said.name, 40),
        "value": text_checked(said.value, 80),
        "confidence": min(max(said.confidence, 0.0), 1.0),
        "looks": said.looks,
        "model_name": text_checked(said.model.name, 120),
        "model_sha256": text_checked(said.model.sha256, 64),
    }


def _fill_model(row: Event | Reading, ref: ModelRef, batch: ResultBatch) -> None:
    row.model_version = batch.version(ref)
    row.model_name = text_checked(ref.name, 120)
    row.model_sha256 = ref.sha256


def _set_zones(event: Event, zone_ids: Iterable[str], *, created: bool) -> None:
    wanted = {uuid_checked(key, "zone_ids") for key in zone_ids}
    if created and not wanted:
        return
    zones = Zone.objects.filter(camera_id=event.camera_id, pk__in=wanted)
    event.zones.set(zones)


def reading_apply(message: ReadingResult, batch: ResultBatch) -> Outcome:
    """Keep one line of text; its id is its key."""
    camera_id = uuid_checked(message.camera_id, "camera_id")
    if not batch.has_camera(camera_id):
        return Outcome.UNKNOWN
    key = uuid_checked(message.reading_id, "reading_id")
    if Reading.objects.filter(pk=key).exists():
        return Outcome.REPEATED
    reading = Reading(pk=key, camera_id=camera_id, epoch=message.epoch, track_id=message.track_id)
    _fill_reading(reading, message, batch)
    reading.save(force_insert=True)
    batch.feed.append(FeedLine(Kind.READING_CREATED, camera_id, reading.event_id))
    return Outcome.APPLIED


def _fill_reading(reading: Reading, message: ReadingResult, batch: ResultBatch) -> None:
    reading.read_at = time_checked(message.read_at)
    reading.text = text_checked(message.text, 500)
    reading.folded = fold(reading.text)
    reading.script = message.script.value
    reading.confidence = message.confidence
    reading.box_xyxy = list(message.box_xyxy)
    _fill_model(reading, message.model, batch)
    if message.snapshot_key is not None:
        reading.snapshot_key = _snapshot_key(message.snapshot_key, message.camera_id)
    if message.zone_id is not None:
        zone_id = uuid_checked(message.zone_id, "zone_id")
        reading.zone = Zone.objects.filter(pk=zone_id, camera_id=reading.camera_id).first()
    if message.track_id is not None:
        reading.event = Event.objects.filter(
            camera_id=reading.camera_id, epoch=message.epoch, track_id=message.track_id
        ).first()


def status_apply(message: CameraStatus, batch: ResultBatch) -> Outcome:
    """Keep the newest status of a camera; a change of its state is a line of the feed."""
    camera_id = uuid_checked(message.camera_id, "camera_id")
    if not batch.has_camera(camera_id):
        return Outcome.UNKNOWN
    at = time_checked(message.at)
    before = CameraRuntime.objects.filter(camera_id=camera_id).first()
    # What came from the future was said by a clock that has been set since; it must not outlast the truth.
    if before is not None and at <= before.at <= now() + CLOCKS_DIFFER:
        return Outcome.REPEATED
    told = None if before is None else (before.state, before.code)
    changed = before is None or before.is_silent or told != (message.state.value, message.code)
    since = at if before is None or before.state != message.state.value else before.since
    CameraRuntime.objects.update_or_create(
        camera_id=camera_id, defaults={"at": at, "since": since, **_runtime(message)}
    )
    if changed:
        batch.feed.append(FeedLine(Kind.CAMERA_STATE, camera_id))
    return Outcome.APPLIED


def _runtime(message: CameraStatus) -> dict[str, Any]:
    last_frame_at = message.last_frame_at
    return {
        "epoch": message.epoch,
        "state": message.state.value,
        "code": text_checked(message.code, 60),
        "detail": text_checked(message.detail, 500),
        "retry_in_s": message.retry_in_s,
        "fps": message.fps,
        "width": message.width,
        "height": message.height,
        "codec": text_checked(message.codec, 40),
        "clock_offset_s": message.clock_offset_s,
        "last_frame_at": None if last_frame_at is None else time_checked(last_frame_at),
        "served": dict(_first(message.served)),
        "waiting": {
            text_checked(place, 60): text_checked(why, 300) for place, why in _first(message.waiting)
        },
        "lease_revision": max(0, min(message.lease_revision, 2**31 - 1)),
    }


def _first(entries: Mapping[str, str]) -> list[tuple[str, str]]:
    return list(entries.items())[:MAX_ENTRIES]


def withheld_set(camera_id: UUID, code: str) -> None:
    """Say why a camera gets no lease, or (empty) that it gets one; inside the transaction of that."""
    if code:
        never = datetime(2000, 1, 1, tzinfo=UTC)  # any report of the data plane is newer
        starting = CameraState.STARTING.value  # what it is once it may, until it reports
        CameraRuntime.objects.get_or_create(
            camera_id=camera_id, defaults={"epoch": "", "at": never, "since": now(), "state": starting}
        )
    rows = CameraRuntime.objects.filter(camera_id=camera_id).exclude(withheld=code)
    if rows.update(withheld=code, since=now()):
        feed_append([FeedLine(Kind.CAMERA_STATE, camera_id)])


def account_apply(message: Account, batch: ResultBatch) -> Outcome:
    """Store the counters of a run."""
    camera_id = uuid_checked(message.camera_id, "camera_id")
    counters = [message.captured, message.analysed, message.in_flight]
    if min([*counters, *message.skipped.values(), *message.lost.values()]) < 0 or not message.balances():
        raise ContractError(f"Account: expected counters that balance, got {message}")
    if not batch.has_camera(camera_id):
        return Outcome.UNKNOWN
    applied = account_apply_counters(camera_id, message, time_checked(message.at))
    return Outcome.APPLIED if applied else Outcome.REPEATED


def uuid_checked(text: str, field_name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ContractError(f"{field_name}: expected a UUID, got {text!r:.60}") from error


def time_checked(seconds: float) -> datetime:
    """Years outside of 2000..2100 are a broken clock or an attack on whoever sorts by time."""
    if not 946_684_800 <= seconds <= 4_102_444_800:
        raise ContractError(f"expected POSIX seconds of 2000..2100, got {seconds}")
    return datetime.fromtimestamp(seconds, UTC)


def text_checked(text: str, most: int) -> str:
    """What a camera or a model says fits its column and holds no NUL, which PostgreSQL refuses."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:most]


def _snapshot_key(key: str, camera_id: str) -> str:
    match = _SNAPSHOT_KEY.fullmatch(key)
    if match is None or match[1] != camera_id or ".." in key:
        raise ContractError(f"snapshot_key: expected a snapshot of camera {camera_id}, got {key!r:.120}")
    return key
