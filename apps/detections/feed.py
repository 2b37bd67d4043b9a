"""The feed: an append-only outbox that viewers read, and the knock that makes them look.

The channel layer drops messages without a word when it is full (PITFALLS 8). So it carries no news, only
'look'; what happened is read from the database by number.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import Max
from redis.exceptions import RedisError

from apps.accounts.roles import Capability
from apps.cameras.grants import Viewer
from apps.cameras.selectors import cameras_for
from apps.core.clock import now
from apps.core.events import publish
from apps.detections.models import FeedEntry, FeedHead

FEED_GROUP = "vidette.feed"
PAGE = 200
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedLine:
    """An entry that has no number yet."""

    kind: FeedEntry.Kind
    camera_id: UUID
    event_id: UUID | None = None
    alert_id: UUID | None = None


def feed_append(lines: Sequence[FeedLine]) -> None:
    """Number and write the lines; call it last in a transaction, the head stays locked until its end."""
    if not lines:
        return
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("feed_append: expected a transaction, the number and the change belong together")
    head, _created = FeedHead.objects.select_for_update().get_or_create(pk=1)
    at = now()
    FeedEntry.objects.bulk_create(
        FeedEntry(
            seq=head.seq + place,
            kind=line.kind,
            event_id=line.event_id,
            alert_id=line.alert_id,
            camera_id=line.camera_id,
            at=at,
        )
        for place, line in enumerate(lines, start=1)
    )
    FeedHead.objects.filter(pk=1).update(seq=head.seq + len(lines))
    transaction.on_commit(_knock, robust=True)
    for event_id in {line.event_id for line in lines if line.event_id is not None}:
        publish("event.changed", event_id=str(event_id))


def _knock() -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(FEED_GROUP, {"type": "feed.look"})
    except (RedisError, OSError) as error:
        # Viewers also look every few seconds, so a lost knock costs a delay and nothing else.
        logger.warning("feed: could not knock: %s", error)


def feed_after(user: Viewer, seq: int, *, limit: int = PAGE) -> list[FeedEntry]:
    """Entries newer than `seq` that `user` may see, oldest first, at most `limit`."""
    cameras = cameras_for(user, Capability.SEE_EVENTS).order_by().values("pk")
    return list(FeedEntry.objects.filter(seq__gt=seq, camera_id__in=cameras).order_by("seq")[:limit])


def feed_head() -> int:
    """The newest number that is committed; 0 before the first entry."""
    return FeedHead.objects.aggregate(seq=Max("seq"))["seq"] or 0
