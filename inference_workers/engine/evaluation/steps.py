"""Which function does which part of which kind of job."""

from collections.abc import Callable, Mapping

from inference_workers.contracts.evaluations import EvaluationKind, EvaluationReply, EvaluationStep
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation import (
    compare_steps,
    replay_steps,
    set_steps,
    variant_steps,
)
from inference_workers.engine.evaluation.bench import Bench
from inference_workers.engine.evaluation.calls import Call, Phase

Part = Callable[[Bench, EvaluationStep, int], None]
Finish = Callable[[Bench, EvaluationStep], EvaluationReply]
K = EvaluationKind

_PARTS: Mapping[tuple[EvaluationKind, Phase], Part] = {
    (K.CHECK, Phase.PORTION): set_steps.check,
    (K.MEASURE, Phase.PORTION): set_steps.measure,
    (K.REPLAY, Phase.PORTION): replay_steps.replay,
    (K.COMPARE, Phase.SHOW): compare_steps.show_picture,
    (K.REPLAY, Phase.SHOW): replay_steps.show_part,
}
_FINISHES: Mapping[EvaluationKind, Finish] = {
    K.CHECK: set_steps.finish_check,
    K.MEASURE: set_steps.finish_measure,
    K.COMPARE: compare_steps.finish_compare,
    K.REPLAY: replay_steps.finish_replay,
    K.VARIANT: variant_steps.finish_variant,
}


def run(bench: Bench, call: Call) -> EvaluationReply:
    """Do one part. Raises EngineError; what was written lies below the job's prefix."""
    step = call.step
    if call.phase is Phase.FINISH:
        return _FINISHES[step.kind](bench, step)
    part = _PARTS.get((step.kind, call.phase))
    if part is None:
        raise EngineError("call_unknown", f"a {step.kind} has no part of the kind {call.phase}")
    part(bench, step, call.number)
    return EvaluationReply(step.job_id, step.kind, step.attempt)
