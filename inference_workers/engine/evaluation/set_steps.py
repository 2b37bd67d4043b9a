"""Jobs on one labelled set: every picture is opened once, and a version runs on all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_workers.contracts.evaluations import EvaluationReply, EvaluationStep, LabelledSet, portion_key
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.bench import Bench, required
from inference_workers.engine.evaluation.calls import PORTION, portions_of
from inference_workers.engine.evaluation.labels import light_of, luma_of, open_picture
from inference_workers.engine.evaluation.measuring import (
    LOWEST_SCORE,
    Measurement,
    Portion,
    figures,
    look,
    measurement,
)

_MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found in one picture; `problem` is empty when it can be used."""

    sha256: str
    light: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CheckedPortion:
    """The pictures of one portion, in the order of the set."""

    pictures: tuple[Checked, ...]


def check(bench: Bench, step: EvaluationStep, number: int) -> None:
    """Open the pictures of one portion; what is wrong with one is said and does not stop the others."""
    labelled, read = bench.labels(step)
    found = []
    for picture in labelled.pictures[number * PORTION : (number + 1) * PORTION]:
        try:
            image = open_picture(read(picture.sha256), picture)
            found.append(Checked(picture.sha256, light_of(picture, luma_of(image))))
        except EngineError as error:
            found.append(Checked(picture.sha256, problem=f"{picture.name}: {error}"[:300]))
    bench.folder.write(portion_key(step.job_id, number), CheckedPortion(tuple(found)))


def finish_check(bench: Bench, step: EvaluationStep) -> EvaluationReply:
    """Counts per light and camera; `words` holds what is wrong."""
    labelled, _read = bench.labels(step)
    found = [
        checked
        for number in range(portions_of(step))
        for checked in bench.folder.read(CheckedPortion, portion_key(step.job_id, number)).pictures
    ]
    problems = [checked.problem for checked in found if checked.problem]
    counts: dict[str, float] = {}
    lights = (f"light:{checked.light}" for checked in found if checked.light)
    cameras = (f"camera:{picture.camera}" for picture in labelled.pictures if picture.camera)
    for name in (*lights, *cameras):
        counts[name] = counts.get(name, 0) + 1
    words = {f"problem{i:03d}": text for i, text in enumerate(problems[:_MAX_PROBLEMS])}
    return bench.leave(step, {"counts": counts, "problems": problems}, counts, words)


def measure(bench: Bench, step: EvaluationStep, number: int) -> None:
    """Run the version on the pictures of one portion."""
    labelled, read = bench.labels(step)
    detector, memory_bytes = bench.detector(required(step.measure).model, LOWEST_SCORE)
    seen = look(detector, labelled, labelled.pictures[number * PORTION : (number + 1) * PORTION], read)
    portion = Portion(seen, memory_bytes, bench.settings.inference_threads, bench.settings.providers)
    bench.folder.write(portion_key(step.job_id, number), portion)


def portions(bench: Bench, job_id: str, count: int) -> list[Portion]:
    return [bench.folder.read(Portion, portion_key(job_id, number)) for number in range(count)]


def joined(labelled: LabelledSet, parts: Sequence[Portion]) -> Measurement:
    return measurement(labelled, [seen for portion in parts for seen in portion.seen])


def finish_measure(bench: Bench, step: EvaluationStep) -> EvaluationReply:
    """The figures of the version on the whole set."""
    labelled, _read = bench.labels(step)
    parts = portions(bench, step.job_id, portions_of(step))
    result = figures(joined(labelled, parts), parts)
    summary = {
        **result["official"],
        "p50_ms": result["latency_ms"]["p50"],
        "p95_ms": result["latency_ms"]["p95"],
        "memory_bytes": float(result["memory_bytes"]),
        "pictures": float(result["pictures"]),
        "objects": float(result["objects"]),
    }
    return bench.leave(step, result, summary, {"cpu": result["hardware"]["cpu"]})
