"""A process that does parts of jobs (`python -m inference_workers.engine.evaluation.child FOLDER`).

It holds no credentials and no connection: a picture that breaks a decoder breaks this process alone. One Call
as JSON per line on stdin, one EvaluationReply per line on stdout; it ends when stdin ends.
"""

import logging
import os
import signal
import sys
from pathlib import Path

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.environment import Environment
from inference_workers.contracts.evaluations import EvaluationReply, EvaluationStep
from inference_workers.engine.child_process import limit_process
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.bench import Bench
from inference_workers.engine.evaluation.calls import Call
from inference_workers.engine.evaluation.steps import run
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.settings import read

_log = logging.getLogger(__name__)


def do(bench: Bench, call: Call) -> EvaluationReply:
    """Always a reply; what went wrong is in it."""
    try:
        return run(bench, call)
    except EngineError as error:
        return failed(call.step, error)
    except MemoryError:
        return failed(call.step, EngineError("memory_short", "the job needs more memory than it may take"))
    except Exception as error:  # noqa: BLE001 - the last edge: whoever waits is told, whatever happened
        _log.exception("a part of a job broke")
        return failed(call.step, EngineError("step_failed", f"the job broke with {type(error).__name__}"))


def failed(step: EvaluationStep, error: EngineError) -> EvaluationReply:
    """The reply of a job that could not be done."""
    return EvaluationReply(
        step.job_id,
        step.kind,
        step.attempt,
        error_code=error.code,
        error=str(error)[:500],
        transient=error.transient,
    )


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    settings = read(Environment())
    limit_process(settings.providers)
    bench = Bench(WorkFolder(Path(sys.argv[1])), settings)
    for line in sys.stdin:
        reply = do(bench, decode(Call, line))
        sys.stdout.write(f"{encode(reply)}\n")
        sys.stdout.flush()
    os._exit(0)  # onnxruntime's threads are not waited for


if __name__ == "__main__":
    main()
