"""Looks at events, readings and pictures, written into the record before anything is shown."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from apps.audit import services as audit
from apps.cameras.grants import Viewer
from apps.detections.models import Event, FeedEntry, Reading

NOT_STATED = "not stated"
SHOWN_DIGITS = 12


def events_seen(user: Viewer, events: Iterable[Event], terms: Mapping[str, Any], purpose: str) -> None:
    """One page of the list of events, with the search that led to it."""
    _listed(user, "event", events, terms, purpose)


def readings_seen(user: Viewer, readings: Iterable[Reading], terms: Mapping[str, Any], purpose: str) -> None:
    _listed(user, "reading", readings, terms, purpose)


def feed_seen(user: Viewer, entries: Iterable[FeedEntry], purpose: str) -> None:
    """News of events; a look that brought none shows nobody and leaves no row."""
    told = Counter(entry.camera_id for entry in entries if entry.event_id is not None)
    if told:
        audit.record_listing(
            action="feed.read",
            object_type="feed",
            shown=told,
            terms={},
            acting_user=user,
            purpose=purpose or NOT_STATED,
        )


def model_of(row: Event | Reading) -> str:
    """The model version that is shown with a row, as name and the beginning of its SHA-256."""
    return f"{row.model_name}@{row.model_sha256[:SHOWN_DIGITS]}"


def _listed(
    user: Viewer,
    kind: str,
    rows: Iterable[Event] | Iterable[Reading],
    terms: Mapping[str, Any],
    purpose: str,
) -> None:
    audit.record_listing(
        action=f"{kind}.search",
        object_type=kind,
        shown=Counter(row.camera_id for row in rows),
        terms={name: _term(value) for name, value in terms.items()},
        acting_user=user,
        purpose=purpose or NOT_STATED,
    )


def _term(value: Any) -> Any:
    return str(value.pk) if isinstance(value, models.Model) else value
