"""Another file of a version, made in the scratch folder; the worker leaves it in the object store."""

from dataclasses import replace

from inference_workers.contracts.evaluations import EvaluationReply, EvaluationStep, made_key
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.bench import Bench, required
from inference_workers.engine.evaluation.variants import make_variant
from inference_workers.engine.frame import Image
from inference_workers.engine.onnx_files import read_checked
from inference_workers.engine.pictures import decode_picture
from inference_workers.engine.side_file import NAME, read_side_file


def finish_variant(bench: Bench, step: EvaluationStep) -> EvaluationReply:
    """Make the file; the reply carries its hash and its side file."""
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
    with bench.folder.new_file(made_key(step.job_id)) as target:
        target.write_bytes(made)
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
    reply = bench.leave(step, result, summary)
    return replace(reply, output_sha256=made_side.sha256, side_file=made_side.to_json())


def _calibration(bench: Bench, step: EvaluationStep) -> list[Image]:
    variant = required(step.variant)
    if not variant.calibration:
        return []
    _labelled, read = bench.labels(step)
    return [decode_picture(read(sha256)) for sha256 in variant.calibration]
