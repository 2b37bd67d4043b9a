"""Another file of a version, made in the scratch folder; the worker installs it from there."""

from dataclasses import replace

from inference_workers.contracts.evaluations import EvaluationReply, EvaluationStep
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.bench import Bench, required
from inference_workers.engine.evaluation.calls import model_key, side_key
from inference_workers.engine.evaluation.variants import make_variant
from inference_workers.engine.frame import Image
from inference_workers.engine.onnx_files import read_checked
from inference_workers.engine.pictures import decode_picture
from inference_workers.engine.side_file import NAME, read_side_file


def finish_variant(bench: Bench, step: EvaluationStep) -> EvaluationReply:
    """Make the file and its side file; the reply carries the hash of the file."""
    variant = required(step.variant)
    parent = variant.parent
    if not NAME.fullmatch(parent.name):
        raise EngineError("model_missing", f"expected the name of a model, got {parent.name!r:.80}")
    path = bench.settings.model_dir / f"{parent.name}.onnx"
    side = read_side_file(path.with_suffix(".json"))
    data = read_checked(path, parent.sha256)
    if side.sha256 != parent.sha256:
        raise EngineError("model_wrong_hash", f"{parent.name}: its side file describes another version")
    made, made_side = make_variant(data, parent.name, side, variant.kind, _calibration(bench, step))
    for key, content in (
        (model_key(step.job_id), made),
        (side_key(step.job_id), made_side.to_json().encode()),
    ):
        with bench.folder.new_file(key) as target:
            target.write_bytes(content)
    result = {
        "name": variant.name,
        "kind": variant.kind.value,
        "sha256": made_side.sha256,
        "parent_sha256": side.sha256,
        "bytes": len(made),
        "parent_bytes": len(data),
        "calibrated_on": list(variant.calibration),
    }
    summary = {"bytes": float(len(made)), "parent_bytes": float(len(data))}
    return replace(bench.leave(step, result, summary), output_sha256=made_side.sha256)


def _calibration(bench: Bench, step: EvaluationStep) -> list[Image]:
    variant = required(step.variant)
    if not variant.calibration:
        return []
    _labelled, read = bench.labels(step)
    return [decode_picture(read(sha256)) for sha256 in variant.calibration]
