"""What the worker asks of its child process: one part of a job at a time."""

from dataclasses import dataclass
from enum import StrEnum

from inference_workers.contracts import evaluations as keys
from inference_workers.contracts.evaluations import EvaluationKind, EvaluationStep, LabelledSet

PORTION = 64
TIMED_PICTURES = 24


class Phase(StrEnum):
    """`PORTION` looks at some pictures, `FINISH` makes the result of all portions, `SHOW` makes pictures."""

    PORTION = "portion"
    FINISH = "finish"
    SHOW = "show"


@dataclass(frozen=True, slots=True)
class Call:
    """One part. `number`: of the portion, or of what `SHOW` shows."""

    step: EvaluationStep
    phase: Phase
    deadline_at: float
    number: int = 0


def portions_of(step: EvaluationStep) -> int:
    """Into how many portions a job is cut; none where it is done at once."""
    if step.kind in (EvaluationKind.CHECK, EvaluationKind.MEASURE) and step.labelled is not None:
        return -(-step.labelled.pictures // PORTION)
    return len(step.replay.parts) if step.replay is not None else 0


def portion_pictures(labelled: LabelledSet, number: int) -> tuple[str, ...]:
    """Hashes of the pictures of one portion."""
    part = labelled.pictures[number * PORTION : (number + 1) * PORTION]
    return tuple(picture.sha256 for picture in part)


def timed_pictures(labelled: LabelledSet) -> tuple[str, ...]:
    """Pictures on which two versions are timed in turns: spread over the set."""
    every = max(1, len(labelled.pictures) // TIMED_PICTURES)
    return tuple(picture.sha256 for picture in labelled.pictures[::every][:TIMED_PICTURES])


def finish_reads(step: EvaluationStep, labelled: LabelledSet | None) -> list[str]:
    """Object keys that FINISH needs besides the labels."""
    own = [keys.portion_key(step.job_id, number) for number in range(portions_of(step))]
    if step.labelled is None or labelled is None:
        return own
    set_id = step.labelled.set_id
    if step.compare is not None:
        count = -(-step.labelled.pictures // PORTION)
        jobs = (step.compare.candidate_id, step.compare.base_id)
        own += [keys.portion_key(job, number) for job in jobs for number in range(count)]
        own += [keys.picture_key(set_id, sha256) for sha256 in timed_pictures(labelled)]
    if step.variant is not None:
        own += [keys.picture_key(set_id, sha256) for sha256 in step.variant.calibration]
    return own
