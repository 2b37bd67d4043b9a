"""Progress of file redactions as messages: the ledger says it, a knock only makes viewers look."""

import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from apps.accounts.models import User
from apps.redactions.models import Redaction
from apps.redactions.progress import Progress, progress_of
from apps.redactions.selectors import redactions_of

REDACTIONS_GROUP = "vidette.redactions"
NEWEST = 50
logger = logging.getLogger(__name__)


def redaction_messages(user: User, known: dict[UUID, int]) -> list[dict[str, Any]]:
    """What changed since `known` (version by id), which is brought up to date. Raises Forbidden."""
    rows = list(redactions_of(user)[:NEWEST])
    changed = [row for row in rows if known.get(row.pk) != row.version]
    known.clear()
    known.update({row.pk: row.version for row in rows})
    progress = progress_of(changed) if changed else {}
    return [_message(row, progress[row.pk]) for row in changed]


def _message(row: Redaction, progress: Progress) -> dict[str, Any]:
    remaining_s = progress.remaining_s
    return {
        "type": "redaction",
        "id": str(row.pk),
        "state": row.state,
        "share": round(progress.share, 4),
        "remaining_s": round(remaining_s, 1) if remaining_s is not None else None,
        "phase": progress.phase,
        "waiting": progress.waiting,
        "done": progress.done,
        "total": progress.total,
        "revision": row.revision,
        "tracks_revision": row.tracks_revision,
        "ready_revision": row.ready_revision,
        "error_code": row.error_code,
    }


def on_redaction_changed(redaction_id: str) -> None:
    """After a commit, in whatever process it was."""
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(REDACTIONS_GROUP, {"type": "redactions.look"})
    except (RedisError, OSError) as error:
        # Viewers also look every few seconds.
        logger.warning("redactions: could not knock: %s", error)
