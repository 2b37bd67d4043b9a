"""How far a redaction is and how long it will still take, from the ledger alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q, Sum

from apps.redactions.models import (
    ACTIVE_STATES,
    Redaction,
    RedactionState,
    RedactionStep,
    StepKind,
    StepState,
)

# What a step weighs before one of its kind was measured in this job: about the proportions of a film.
_WEIGHTS = {
    StepKind.PROBE: 1.0,
    StepKind.ANALYSE: 10.0,
    StepKind.FOLLOW: 3.0,
    StepKind.STITCH: 2.0,
    StepKind.RENDER: 8.0,
    StepKind.MUX: 2.0,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """`share` 0..1 of the present piece of work; `remaining_s` None while nothing was measured.

    `phase` is the kind of step under way, `waiting` says that no step is in a worker's hands.
    """

    share: float
    remaining_s: float | None
    phase: str
    done: int
    total: int
    waiting: bool


@dataclass(slots=True)
class _Kind:
    left: int = 0
    running: int = 0
    done_now: int = 0
    done_ever: int = 0
    took_ms: float = 0.0


def progress_of(redactions: Iterable[Redaction]) -> dict[UUID, Progress]:
    """One query for all of them."""
    rows = {redaction.pk: redaction for redaction in redactions}
    kinds: dict[UUID, dict[StepKind, _Kind]] = defaultdict(lambda: defaultdict(_Kind))
    counted = (
        RedactionStep.objects.filter(redaction__in=rows)
        .order_by()
        .values("redaction_id", "kind")
        .annotate(
            left=Count("pk", filter=Q(state__in=(StepState.QUEUED, StepState.RUNNING))),
            running=Count("pk", filter=Q(state=StepState.RUNNING)),
            done_ever=Count("pk", filter=Q(state=StepState.DONE)),
            done_now=Count("pk", filter=Q(state=StepState.DONE, finished_at__gte=F("redaction__round_at"))),
            took_ms=Sum("duration_ms", filter=Q(state=StepState.DONE), default=0.0),
        )
    )
    for row in counted:
        counts: dict[str, Any] = dict(row)
        redaction_id, kind = counts.pop("redaction_id"), StepKind(counts.pop("kind"))
        kinds[redaction_id][kind] = _Kind(**counts)
    return {key: _progress(redaction, kinds[key]) for key, redaction in rows.items()}


def _progress(redaction: Redaction, kinds: Mapping[StepKind, _Kind]) -> Progress:
    counts = {kind: kinds.get(kind, _Kind()) for kind in StepKind}
    left = {kind: counts[kind].left + extra for kind, extra in _not_planned(redaction, counts).items()}
    done = sum(counts[kind].done_now for kind in StepKind)
    if redaction.state not in (*ACTIVE_STATES, RedactionState.PAUSED):
        share = 1.0 if redaction.state == RedactionState.DONE else 0.0
        return Progress(share, None, "", done, done, waiting=False)
    weigh = _costs(counts)
    done_cost = sum(counts[kind].done_now * weigh[kind] for kind in StepKind)
    left_cost = sum(left[kind] * weigh[kind] for kind in StepKind)
    phase = next((kind.value for kind in StepKind if counts[kind].left), "")
    return Progress(
        share=done_cost / (done_cost + left_cost) if done_cost + left_cost else 0.0,
        remaining_s=_remaining(counts, left_cost),
        phase=phase,
        done=done,
        total=done + sum(left.values()),
        waiting=not any(counts[kind].running for kind in StepKind),
    )


def _not_planned(redaction: Redaction, counts: Mapping[StepKind, _Kind]) -> dict[StepKind, int]:
    """Steps that will follow but are not written down yet, as far as one can tell."""
    segments = len(redaction.film.get("segment_frames", ())) or 1
    first = redaction.ready_revision is None
    extra = dict.fromkeys(StepKind, 0)
    if first and not redaction.film:
        extra[StepKind.ANALYSE] = segments
    if first and not counts[StepKind.STITCH].done_ever and not counts[StepKind.STITCH].left:
        extra[StepKind.STITCH] = 1
    renders_known = counts[StepKind.RENDER].left or counts[StepKind.RENDER].done_now
    if redaction.ready_revision != redaction.rendered_revision:
        if not renders_known:
            extra[StepKind.RENDER] = segments if first else 1
        extra[StepKind.MUX] = 0 if counts[StepKind.MUX].left else 1
    return extra


def _costs(counts: Mapping[StepKind, _Kind]) -> dict[StepKind, float]:
    """What one step of a kind costs in ms: measured in this job, else scaled from what was measured."""
    measured = {
        kind: counts[kind].took_ms / counts[kind].done_ever for kind in StepKind if counts[kind].done_ever
    }
    heavy = {kind: cost for kind, cost in measured.items() if kind in (StepKind.ANALYSE, StepKind.RENDER)}
    scale = next((cost / _WEIGHTS[kind] for kind, cost in heavy.items()), 1000.0)
    return {kind: measured.get(kind) or _WEIGHTS[kind] * scale for kind in StepKind}


def _remaining(counts: Mapping[StepKind, _Kind], left_cost_ms: float) -> float | None:
    if not counts[StepKind.ANALYSE].done_ever:
        return None
    return left_cost_ms / 1000 / int(settings.REDACTION_STEPS_AT_ONCE)
