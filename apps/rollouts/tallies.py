"""From windows that the data plane reported to what the guards compare."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from apps.detections.models import Event, EventFlag
from apps.monitoring.models import LeakSample
from apps.rollouts.guards import Compared, Guard, Metric, Tally
from apps.rollouts.models import Rollout, VersionRole, VersionWindow

_WRONG = (EventFlag.Reason.WRONG_CLASS, EventFlag.Reason.NOT_THERE)
_SAME_FRAMES = frozenset(Metric) - {Metric.WRONG, Metric.LEAKS}


def windows_since(rollout: Rollout, cameras: Iterable[UUID], since: datetime) -> list[VersionWindow]:
    """Windows of both versions on these cameras, begun after the rollout did."""
    begun = max(since, rollout.started_at) if rollout.started_at else since
    rows = VersionWindow.objects.filter(
        camera__in=list(cameras),
        stage=rollout.stage,
        version__in=[rollout.base_id, rollout.candidate_id],
        ended_at__gt=since,
        started_at__gte=begun - timedelta(seconds=1),
    )
    return list(rows.order_by("ended_at"))


def compared(rollout: Rollout, windows: Sequence[VersionWindow]) -> Compared:
    """Sums over windows. All but errors comes from shadows' windows alone: these tell both sides."""
    base, candidate = str(rollout.base_id), str(rollout.candidate_id)
    total = Compared()
    for window in windows:
        version = str(window.version_id)
        own = Tally(errors=window.counts["errors"])
        if version == base:
            total += Compared(base=own)
        elif version == candidate:
            total += Compared(candidate=own)
        beside = window.counts.get("beside")
        if (
            window.role == VersionRole.SHADOW
            and beside
            and {version, beside["version_id"]} == {base, candidate}
        ):
            total += _pair(window.counts["seen"], beside, shadow_is_base=version == base)
    return total


def _pair(seen: dict[str, Any], beside: dict[str, Any], *, shadow_is_base: bool) -> Compared:
    """`only_base` of a message is the serving version's side, whichever that is."""
    shadow, serving = _tally(seen), _tally(beside["seen"])
    sides = (shadow, serving) if shadow_is_base else (serving, shadow)
    alone = (beside["only_candidate"], beside["only_base"])
    only = alone if shadow_is_base else alone[::-1]
    return Compared(*sides, beside["matched"], *only)


def _tally(seen: dict[str, Any]) -> Tally:
    """Windows of releases before tell no runs: then the latency has no samples, and its guard holds."""
    return Tally(
        frames=seen["frames"],
        latency=seen.get("latency", {}),
        detections=seen["detections"],
        scores=tuple(seen["scores"]),
        hard_frames=seen["hard_frames"],
        tracks=seen["tracks_ended"] + seen["track_gaps"],
        breaks=seen["tracks_short"] + seen["track_gaps"],
    )


def looks_of(
    rollout: Rollout, guards: Sequence[Guard], cameras: set[UUID], at: datetime
) -> dict[Metric, Compared]:
    """What each guard has to judge within its own window."""
    found: dict[Metric, Compared] = {}
    longest = max((guard.window_s for guard in guards if guard.metric in _SAME_FRAMES), default=0)
    windows = windows_since(rollout, cameras, at - timedelta(seconds=longest)) if longest else []
    sums: dict[int, Compared] = {}
    for guard in guards:
        since = at - timedelta(seconds=guard.window_s)
        if guard.metric in _SAME_FRAMES:
            if guard.window_s not in sums:
                sums[guard.window_s] = compared(rollout, [row for row in windows if row.ended_at > since])
            found[guard.metric] = sums[guard.window_s]
        elif guard.metric is Metric.WRONG:
            found[guard.metric] = _verdicts(rollout, since)
        else:
            found[guard.metric] = _leaks(rollout, cameras, since)
    return found


def _verdicts(rollout: Rollout, since: datetime) -> Compared:
    """Events of each version since the rollout began, and those of them that operators called wrong."""
    begun = max(since, rollout.started_at) if rollout.started_at else since
    wrong = Q(flags__reason__in=_WRONG) | Q(status="dismissed")

    def of(version_id: Any) -> Tally:
        events = Event.objects.filter(model_version=version_id, first_seen_at__gte=begun)
        counts = events.aggregate(
            judged=Count("pk", distinct=True), wrong=Count("pk", filter=wrong, distinct=True)
        )
        return Tally(judged=counts["judged"], wrong=counts["wrong"])

    return Compared(of(rollout.base_id), of(rollout.candidate_id))


def _leaks(rollout: Rollout, cameras: set[UUID], since: datetime) -> Compared:
    """Second looks at the candidate's cameras, beside those at all others."""
    begun = max(since, rollout.started_at) if rollout.started_at else since

    def of(condition: Q) -> Tally:
        counts = LeakSample.objects.filter(condition, at__gte=begun).aggregate(
            looked_at=Count("pk"), leaky=Count("pk", filter=Q(leaks__gt=0))
        )
        return Tally(looked_at=counts["looked_at"], leaky=counts["leaky"])

    inside = Q(camera__in=cameras)
    return Compared(of(~inside), of(inside))
