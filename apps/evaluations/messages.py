"""What the data plane is told of a job, made from its row at the moment it is sent."""

import time
from typing import Any

from apps.core.errors import Unavailable
from apps.evaluations.manifests import manifest_read
from apps.evaluations.models import Evaluation, JobKind
from apps.recordings.models import Segment
from apps.redactions.options import models_now
from apps.registry.models import ModelVersion
from inference_workers.contracts.evaluations import (
    Compare,
    EvaluationKind,
    EvaluationStep,
    LabelledSet,
    MakeVariant,
    Measure,
    RecordedPart,
    Replay,
    SetRef,
    VariantKind,
)
from inference_workers.contracts.lease import ModelRef, Stage

DEADLINE_S = 6 * 3600.0
WORST_SHOWN = 20


def message_of(job: Evaluation) -> EvaluationStep:
    told: dict[str, Any] = _TOLD[JobKind(job.kind)](job)
    return EvaluationStep(
        job_id=str(job.pk),
        kind=EvaluationKind(job.kind),
        attempt=job.attempts,
        deadline_at=time.time() + DEADLINE_S,
        labelled=_set_ref(job),
        **told,
    )


def _set_ref(job: Evaluation) -> SetRef | None:
    version = job.set_version
    if version is None:
        return None
    return SetRef(str(version.labelled_set_id), version.sha256, version.pictures)


def ref_of(version: ModelVersion) -> ModelRef:
    return ModelRef(str(version.pk), version.name, version.family, version.sha256)


def face_models() -> tuple[ModelRef, ...]:
    """What covers the faces in pictures that are shown; none: the worker makes them a mosaic."""
    try:
        return tuple(ModelRef(**ref) for ref in models_now(("face",))[Stage.FACES.value])
    except Unavailable:
        return ()


def _check(_job: Evaluation) -> dict[str, Any]:
    return {}


def _measure(job: Evaluation) -> dict[str, Any]:
    return {"measure": Measure(ref_of(_candidate(job)))}


def _compare(job: Evaluation) -> dict[str, Any]:
    candidate, base = _candidate(job), _base(job)
    options = job.options
    compare = Compare(
        candidate=ref_of(candidate),
        base=ref_of(base),
        candidate_id=str(job.candidate_measure_id),
        base_id=str(job.base_measure_id),
        candidate_score=float(candidate.thresholds.get("score", 0.5)),
        base_score=float(base.thresholds.get("score", 0.5)),
        must_pass=tuple(options["must_pass"]),
        face_models=face_models(),
        resamples=int(options["resamples"]),
        seed=int(options["seed"]),
        margin=float(options["margin"]),
        worst=WORST_SHOWN,
    )
    return {"compare": compare}


def _replay(job: Evaluation) -> dict[str, Any]:
    if job.since is None or job.until is None:
        raise ValueError(f"replay {job.pk}: expected a window")
    segments = Segment.objects.filter(pk__in=job.options["segments"]).order_by("started_at", "pk")
    replay = Replay(
        candidate=ref_of(_candidate(job)),
        base=ref_of(_base(job)),
        since=job.since.timestamp(),
        until=job.until.timestamp(),
        parts=tuple(
            RecordedPart(
                str(row.pk), row.object_key, row.sha256, row.started_at.timestamp(), row.ended_at.timestamp()
            )
            for row in segments
        ),
        face_models=face_models(),
    )
    return {"replay": replay}


def _variant(job: Evaluation) -> dict[str, Any]:
    options = job.options
    kind = VariantKind(options["kind"])
    chosen = _calibration(job, int(options["calibration"])) if kind is VariantKind.INT8 else ()
    return {"variant": MakeVariant(ref_of(_candidate(job)), kind, str(options["name"]), chosen)}


def _calibration(job: Evaluation, count: int) -> tuple[str, ...]:
    """Pictures spread evenly over the set, in the order of their hashes: the same every time."""
    labelled = _labels(job)
    hashes = sorted({picture.sha256 for picture in labelled.pictures})
    step = max(1, len(hashes) // max(1, count))
    return tuple(hashes[::step][:count])


def _labels(job: Evaluation) -> LabelledSet:
    version = job.set_version
    if version is None:
        raise ValueError(f"{job.kind} {job.pk}: expected a labelled set")
    return manifest_read(str(version.labelled_set_id), version.sha256)


def _candidate(job: Evaluation) -> ModelVersion:
    if job.candidate is None:
        raise ValueError(f"{job.kind} {job.pk}: expected a version")
    return job.candidate


def _base(job: Evaluation) -> ModelVersion:
    if job.base is None:
        raise ValueError(f"{job.kind} {job.pk}: expected a version to compare with")
    return job.base


_TOLD = {
    JobKind.CHECK: _check,
    JobKind.MEASURE: _measure,
    JobKind.COMPARE: _compare,
    JobKind.REPLAY: _replay,
    JobKind.VARIANT: _variant,
}
