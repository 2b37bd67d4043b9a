"""A recorded window through two versions, part by part."""

import hashlib
from dataclasses import dataclass

from inference_workers.contracts.evaluations import (
    EvaluationReply,
    EvaluationStep,
    RecordedPart,
    outcome_key,
    portion_key,
    shown_key,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation import replaying
from inference_workers.engine.evaluation.bench import Bench, required
from inference_workers.engine.evaluation.calls import portions_of
from inference_workers.engine.evaluation.replaying import FrameDifference, PartCounts


@dataclass(frozen=True, slots=True)
class ReplayedPortion:
    """One recorded part: counts, how many pictures differ, and those that differ most."""

    counts: PartCounts
    differing: int
    frames: tuple[FrameDifference, ...]


def replay(bench: Bench, step: EvaluationStep, number: int) -> None:
    """Run both versions on one part."""
    asked = required(step.replay)
    part = asked.parts[number]
    frames = (
        frame
        for frame in replaying.decoded(_video(bench, part), part)
        if asked.since <= frame[1] <= asked.until
    )
    candidate, base = bench.detector(asked.candidate)[0], bench.detector(asked.base)[0]
    counts, differing = replaying.compare_part(frames, part, candidate, base, asked.iou)
    chosen = tuple(replaying.chosen(differing, asked.shown))
    bench.folder.write(portion_key(step.job_id, number), ReplayedPortion(counts, len(differing), chosen))


def _video(bench: Bench, part: RecordedPart) -> bytes:
    video = bench.bytes_of(part.object_key)
    if hashlib.sha256(video).hexdigest() != part.sha256:
        raise EngineError("recording_changed", "a recorded segment is not the one that was recorded")
    return video


def finish_replay(bench: Bench, step: EvaluationStep) -> EvaluationReply:
    """Counts over the window, and the pictures that differ most, in order of time."""
    asked = required(step.replay)
    parts = [
        bench.folder.read(ReplayedPortion, portion_key(step.job_id, number))
        for number in range(portions_of(step))
    ]
    chosen = replaying.chosen([frame for part in parts for frame in part.frames], asked.shown)
    totals = replaying.totals([part.counts for part in parts])
    differing = sum(part.differing for part in parts)
    sums = {name: float(sum(totals[name].values())) for name in ("matched", "only_candidate", "only_base")}
    summary = {
        "frames": float(totals["frames"]), "differing": float(differing), "shown": float(len(chosen)), **sums,
    }  # fmt: skip
    result = {**totals, "differing": differing, "shown": [frame.plain() for frame in chosen]}
    return bench.leave(step, result, summary)


def show_part(bench: Bench, step: EvaluationStep, number: int) -> None:
    """The chosen pictures of one part, with faces covered a second time."""
    asked = required(step.replay)
    part = asked.parts[number]
    shown = bench.folder.read_json(outcome_key(step.job_id))["shown"]
    wanted = {
        int(frame["frame"]): place
        for place, frame in enumerate(shown)
        if frame["segment_id"] == part.segment_id
    }
    if not wanted:
        return
    for frame_number, _at, image in replaying.decoded(_video(bench, part), part):
        if frame_number in wanted:
            key = shown_key(step.job_id, f"{wanted[frame_number]:03d}")
            bench.show(key, image, asked.face_models)
