"""Proof of effect: the data plane's own word that a change of a lease is in force there."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from apps.dispatch.models import LeaseChange
from inference_workers.contracts.results import CameraStatus

# How a stream says that it has ended because nobody allows it any more.
_OBEYED = ("lease_withdrawn", "lease_expired")
_SKEW = timedelta(seconds=2)  # by how much the clocks of the two planes may differ


def lease_confirm(message: CameraStatus) -> int:
    """Note for each change that this status proves when the data plane said so; returns how many."""
    at = datetime.fromtimestamp(message.at, UTC)
    waiting = LeaseChange.objects.filter(camera=UUID(message.camera_id), confirmed_at=None)
    if message.code in _OBEYED:
        waiting = waiting.filter(issued_at__lte=at + _SKEW)
    else:
        waiting = waiting.filter(revision__lte=message.lease_revision)
    return waiting.update(confirmed_at=at)
