"""The accounting of frames: captured = analysed + skipped + lost + in flight, at every moment.

The data plane sends cumulative counters per run (epoch) of a camera. When a run ends without a last word,
because its process died or its lease ended, what was in flight then is lost, with a reason.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from apps.cameras.models import Camera
from apps.detections.models import FrameAccount
from inference_workers.contracts.results import Account

ENDED = "process_restart"
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Accounting:
    """Sums over all runs of one camera."""

    camera_id: UUID
    captured: int = 0
    analysed: int = 0
    in_flight: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    since: datetime | None = None
    at: datetime | None = None

    @property
    def skipped_total(self) -> int:
        return sum(self.skipped.values())

    @property
    def lost_total(self) -> int:
        return sum(self.lost.values())

    @property
    def balances(self) -> bool:
        return self.captured == self.analysed + self.skipped_total + self.lost_total + self.in_flight


def account_apply_counters(camera_id: UUID, message: Account, at: datetime) -> bool:
    """Store newer counters of a run; a new run closes the older ones. False: repeated or late."""
    rows = FrameAccount.objects.filter(camera_id=camera_id)
    row = rows.filter(epoch=message.epoch).first()
    if row is not None and (row.captured, row.at) >= (message.captured, at):
        return False
    if row is None:
        started_at = at
        _close(list(rows.filter(closed=False, started_at__lte=at)))
        superseded = rows.filter(started_at__gt=at).exists()
    else:
        started_at = row.started_at
        superseded = rows.filter(started_at__gt=started_at).exists()
    FrameAccount.objects.update_or_create(
        camera_id=camera_id,
        epoch=message.epoch,
        defaults={"started_at": started_at, "at": at, **_counters(message, closed=superseded)},
    )
    return True


def _counters(message: Account, *, closed: bool) -> dict[str, object]:
    lost = dict(message.lost)
    if closed and message.in_flight:
        lost[ENDED] = lost.get(ENDED, 0) + message.in_flight
    return {
        "captured": message.captured,
        "analysed": message.analysed,
        "in_flight": 0 if closed else message.in_flight,
        "skipped": dict(message.skipped),
        "lost": lost,
        "closed": closed,
    }


def _close(rows: list[FrameAccount]) -> int:
    for row in rows:
        if row.in_flight:
            row.lost = {**row.lost, ENDED: row.lost.get(ENDED, 0) + row.in_flight}
        row.in_flight = 0
        row.closed = True
        row.save(update_fields=["lost", "in_flight", "closed"])
    return len(rows)


def accounts_close_silent(at: datetime) -> int:
    """Close runs that have said nothing for a while; a run that speaks again is opened by its counters."""
    return _close(list(FrameAccount.objects.filter(closed=False, at__lt=at - SILENT_AFTER)))


def accounting_for(camera: Camera) -> Accounting:
    """The figures of one camera over all its runs."""
    return _summed(camera.pk, list(FrameAccount.objects.filter(camera=camera)))


def accounting_of(cameras: Sequence[Camera]) -> list[Accounting]:
    """The figures of each of these cameras, in their order, by one query."""
    runs: dict[UUID, list[FrameAccount]] = defaultdict(list)
    for row in FrameAccount.objects.filter(camera__in=[camera.pk for camera in cameras]):
        runs[row.camera_id].append(row)
    return [_summed(camera.pk, runs[camera.pk]) for camera in cameras]


def _summed(camera_id: UUID, rows: list[FrameAccount]) -> Accounting:
    skipped: dict[str, int] = {}
    lost: dict[str, int] = {}
    for row in rows:
        _add(skipped, row.skipped)
        _add(lost, row.lost)
    return Accounting(
        camera_id=camera_id,
        captured=sum(row.captured for row in rows),
        analysed=sum(row.analysed for row in rows),
        in_flight=sum(row.in_flight for row in rows),
        skipped=skipped,
        lost=lost,
        since=min((row.started_at for row in rows), default=None),
        at=max((row.at for row in rows), default=None),
    )


def _add(total: dict[str, int], part: dict[str, int]) -> None:
    for reason, count in part.items():
        total[reason] = total.get(reason, 0) + count
