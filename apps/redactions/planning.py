"""Which steps a redaction needs next: a pure function of what is wanted and of what is done.

The order of the contract: PROBE, ANALYSE of every segment, FOLLOW of drawn regions, STITCH, RENDER of every
segment, MUX. A step's key names what it makes, so a segment that was rendered under the same covers is never
planned again, not after an edit and not after its undo.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.redactions.models import StepKind

PLACES = {kind: place for place, kind in enumerate(StepKind)}


@dataclass(frozen=True, slots=True)
class Planned:
    """A step to be done; `edit_id` for FOLLOW."""

    kind: StepKind
    segment: int = 0
    revision: int = 0
    covers: str = ""
    edit_id: str = ""

    @property
    def key(self) -> str:
        return step_key(self.kind, self.segment, self.revision, self.covers, self.edit_id)


def step_key(
    kind: StepKind | str, segment: int = 0, revision: int = 0, covers: str = "", edit_id: str = ""
) -> str:
    match StepKind(kind):
        case StepKind.PROBE:
            return "probe"
        case StepKind.ANALYSE:
            return f"analyse:{segment:05d}"
        case StepKind.FOLLOW:
            return f"follow:{edit_id}"
        case StepKind.STITCH:
            return f"stitch:{revision:04d}"
        case StepKind.RENDER:
            return f"render:{segment:05d}:{covers}"
        case StepKind.MUX:
            return f"mux:{revision:04d}"


@dataclass(frozen=True, slots=True)
class Region:
    """A drawn region that has to be followed; one edit makes one revision."""

    edit_id: str
    revision: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """`revision`: the tracks that are wanted; `rendered`: the revision whose film is wanted (None: none)."""

    segments: int
    revision: int
    rendered: int
    regions: tuple[Region, ...] = ()


def steps_next(wanted: Wanted, done: Mapping[str, Mapping[str, Any]]) -> list[Planned]:
    """The steps of the first stage that is not complete; empty when all that is wanted is there.

    `done` holds the results of finished steps by key. `wanted.segments` counts only after PROBE.
    """
    for stage in _stages(wanted, done):
        missing = [step for step in stage if step.key not in done]
        if missing:
            return missing
    return []


def _stages(wanted: Wanted, done: Mapping[str, Mapping[str, Any]]) -> Iterable[Sequence[Planned]]:
    yield [Planned(StepKind.PROBE)]
    yield [Planned(StepKind.ANALYSE, segment) for segment in range(wanted.segments)]
    yield [
        Planned(StepKind.FOLLOW, revision=region.revision, edit_id=region.edit_id)
        for region in wanted.regions
    ]
    yield [Planned(StepKind.STITCH, revision=wanted.revision)]
    if wanted.rendered != wanted.revision:
        yield [Planned(StepKind.STITCH, revision=wanted.rendered)]
    yield renders(wanted.rendered, done)
    yield [Planned(StepKind.MUX, revision=wanted.rendered)]


def renders(revision: int, done: Mapping[str, Mapping[str, Any]]) -> list[Planned]:
    """The segments of a revision, each under the covers that its stitching named."""
    covers = done[step_key(StepKind.STITCH, revision=revision)]["covers"]
    return [
        Planned(StepKind.RENDER, segment, revision, covers=str(covers[segment]))
        for segment in range(len(covers))
    ]
