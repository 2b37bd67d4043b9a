"""The feed as messages: what happened behind a number, as far as the viewer may know it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse

from apps.accounts.models import User
from apps.detections.feed import feed_after, feed_head
from apps.detections.models import CameraRuntime, Event, FeedEntry
from apps.monitoring.models import Alert

__all__ = ["feed_head", "feed_messages"]

Message = dict[str, Any]
_TYPES = {
    FeedEntry.Kind.CAMERA_STATE: "camera",
    FeedEntry.Kind.ALERT_OPENED: "alert",
    FeedEntry.Kind.ALERT_CHANGED: "alert",
}


def feed_messages(user: User, after: int) -> list[Message]:
    """Messages behind `after`, oldest first. Each names in `after` the number that came before it.

    Numbers run over all cameras; a viewer of some of them sees jumps, and only `after` tells a gap.
    """
    entries = feed_after(user, after)
    events = _events(entries)
    states = _states(entries)
    alerts = _alerts(entries)
    messages = []
    for entry in entries:
        message = _message(entry, after, events, states)
        if entry.alert_id is not None and (alert := alerts.get(entry.alert_id)) is not None:
            message["alert"] = alert_summary(alert)
        messages.append(message)
        after = entry.seq
    return messages


def _events(entries: Sequence[FeedEntry]) -> dict[UUID, Event]:
    ids = {entry.event_id for entry in entries if entry.event_id is not None}
    return Event.objects.select_related("camera__site").in_bulk(ids) if ids else {}


def _alerts(entries: Sequence[FeedEntry]) -> dict[UUID, Alert]:
    ids = {entry.alert_id for entry in entries if entry.alert_id is not None}
    return Alert.objects.select_related("camera").in_bulk(ids) if ids else {}


def _states(entries: Sequence[FeedEntry]) -> dict[UUID, CameraRuntime]:
    ids = {entry.camera_id for entry in entries if entry.kind == FeedEntry.Kind.CAMERA_STATE}
    return CameraRuntime.objects.in_bulk(ids) if ids else {}


def _message(
    entry: FeedEntry, after: int, events: dict[UUID, Event], states: dict[UUID, CameraRuntime]
) -> Message:
    message: Message = {
        "type": _TYPES.get(FeedEntry.Kind(entry.kind), "event"),
        "seq": entry.seq,
        "after": after,
        "kind": entry.kind,
        "camera_id": str(entry.camera_id),
        "at": entry.at.isoformat(),
    }
    if entry.event_id is not None and (event := events.get(entry.event_id)) is not None:
        message["event"] = event_summary(event)
    if state := states.get(entry.camera_id):
        message["state"] = state_summary(state)
    return message


def event_summary(event: Event) -> Message:
    return {
        "id": str(event.pk),
        "camera_id": str(event.camera_id),
        "camera": event.camera.name,
        "label": event.label,
        "confidence": round(event.confidence, 4),
        "first_seen_at": event.first_seen_at.isoformat(),
        "last_seen_at": event.last_seen_at.isoformat(),
        "ended": event.ended,
        "status": event.status,
        "model": event.model_name,
        "url": reverse("console:event", args=[event.pk]),
    }


def alert_summary(alert: Alert) -> Message:
    return {
        "id": str(alert.pk),
        "camera_id": str(alert.camera_id),
        "camera": alert.camera.name,
        "kind": alert.kind,
        "state": alert.state,
        "opened_at": alert.opened_at.isoformat(),
        "url": reverse("console:alert", args=[alert.pk]),
    }


def state_summary(runtime: CameraRuntime) -> Message:
    own = runtime.shown_state == runtime.state
    return {
        "state": runtime.shown_state,
        "code": runtime.shown_code,
        "detail": runtime.detail if own else "",
        "since": runtime.since.isoformat(),
        "at": runtime.at.isoformat(),
        "retry_in_s": runtime.retry_in_s if own else None,
        "fps": runtime.fps,
    }
