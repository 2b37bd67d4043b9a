"""Two measurements side by side: the verdict, the pictures that got worse, the time both take."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inference_workers.contracts.evaluations import (
    Compare,
    EvaluationReply,
    EvaluationStep,
    LabelledSet,
    outcome_key,
    shown_key,
)
from inference_workers.engine.evaluation import comparing
from inference_workers.engine.evaluation.bench import Bench, Reader, required
from inference_workers.engine.evaluation.calls import PORTION, timed_pictures
from inference_workers.engine.evaluation.comparing import PictureDifference
from inference_workers.engine.evaluation.measuring import Measurement, Portion, hardware
from inference_workers.engine.evaluation.set_steps import joined, portions
from inference_workers.engine.evaluation.verdicts import Verdict, judge, summary_of
from inference_workers.engine.pictures import decode_picture


def finish_compare(bench: Bench, step: EvaluationStep) -> EvaluationReply:
    """The whole comparison; the pictures that it shows are made afterwards."""
    compare, (labelled, read) = required(step.compare), bench.labels(step)
    count = -(-len(labelled.pictures) // PORTION)
    candidate = joined(labelled, portions(bench, compare.candidate_id, count))
    base = joined(labelled, portions(bench, compare.base_id, count))
    pictures = comparing.differences(candidate, base, compare.candidate_score, compare.base_score)
    missed = comparing.must_pass_missed(pictures, base.pictures, compare.must_pass)
    verdict = judge(
        candidate,
        base,
        resamples=compare.resamples,
        seed=compare.seed,
        margin=compare.margin,
        served=[comparing.served(pictures, side) for side in ("candidate", "base")],
        must_pass_missed=[base.pictures[item.place].labelled.name for item in missed],
    )
    shown = _shown(missed, comparing.worst_first(pictures, compare.worst), compare.worst)
    times = _times(bench, compare, labelled, read)
    summary = {
        **summary_of(verdict),
        "candidate_p50_ms": times["candidate"]["p50"],
        "base_p50_ms": times["base"]["p50"],
        "shown": float(len(shown)),
    }
    result = _plain(compare, verdict, base, shown) | {"times": times}
    return replace(bench.leave(step, result, summary, {"reason": verdict.reason}), verdict=verdict.word)


def _plain(
    compare: Compare, verdict: Verdict, base: Measurement, shown: Sequence[PictureDifference]
) -> dict[str, Any]:
    return {
        "verdict": verdict.word,
        "reason": verdict.reason,
        "mean": verdict.mean.plain(),
        "parts": [part.plain() for part in verdict.parts],
        "must_pass": {"pictures": len(compare.must_pass), "missed": list(verdict.must_pass_missed)},
        "terms": {
            "resamples": compare.resamples,
            "seed": compare.seed,
            "margin": compare.margin,
            "candidate_score": compare.candidate_score,
            "base_score": compare.base_score,
        },
        "worst": [item.plain(base.pictures[item.place]) for item in shown],
    }


def _shown(
    missed: Sequence[PictureDifference], worst: Sequence[PictureDifference], most: int
) -> list[PictureDifference]:
    """Must-pass pictures that failed first, each picture once."""
    places = {item.place for item in missed}
    return [*missed, *(item for item in worst if item.place not in places)][:most]


def _times(bench: Bench, compare: Compare, labelled: LabelledSet, read: Reader) -> dict[str, Any]:
    """Both versions at their serving scores, in turns on the same pictures: load hits both alike."""
    images = [decode_picture(read(sha256)) for sha256 in timed_pictures(labelled)]
    versions = {"candidate": bench.detector(compare.candidate), "base": bench.detector(compare.base)}
    ms: dict[str, list[float]] = {name: [] for name in versions}
    for image in images:
        for name, (detector, _memory) in versions.items():
            started = time.perf_counter()
            detector.detect([image])
            ms[name].append((time.perf_counter() - started) * 1000)
    run_as = Portion((), 0, bench.settings.inference_threads, bench.settings.providers)
    found: dict[str, Any] = {"pictures": len(images), "hardware": hardware([run_as])}
    for name, (_detector, memory_bytes) in versions.items():
        p50, p95 = (round(float(np.percentile(ms[name], share)), 3) for share in (50, 95))
        found[name] = {"p50": p50, "p95": p95, "memory_bytes": memory_bytes}
    return found


def show_picture(bench: Bench, step: EvaluationStep, number: int) -> None:
    """One of the pictures that got worse, with its faces covered."""
    compare, (_labelled, read) = required(step.compare), bench.labels(step)
    worst = bench.folder.read_json(outcome_key(step.job_id))["worst"][number]
    image = decode_picture(read(worst["sha256"]))
    bench.show(shown_key(step.job_id, f"{number:03d}"), image, compare.face_models)
