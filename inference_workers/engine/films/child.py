"""A process that does the steps (`python -m inference_workers.engine.films.child FOLDER`).

It holds no credentials, no connection and no other job: a file that breaks a decoder breaks this process
alone. One RedactionStep as JSON per line on stdin, one RedactionReply per line on stdout; it ends when stdin
ends.
"""

import logging
import os
import signal
import sys
from pathlib import Path

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.environment import Environment
from inference_workers.contracts.redactions import RedactionReply, RedactionStep
from inference_workers.engine.child_process import limit_process
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.engine.films.steps import Steps
from inference_workers.engine.films.toolbox import Toolbox
from inference_workers.settings import read

_log = logging.getLogger(__name__)


def do(steps: Steps, step: RedactionStep) -> RedactionReply:
    """Always a reply; what went wrong is in it."""
    try:
        return steps.run(step)
    except EngineError as error:
        return failed(step, error)
    except MemoryError:
        return failed(step, EngineError("memory_short", "the file needs more memory than a step may take"))
    except Exception as error:  # noqa: BLE001 - the last edge: whoever waits is told, whatever happened
        _log.exception("a step broke")
        return failed(step, EngineError("step_failed", f"the step broke with {type(error).__name__}"))


def failed(step: RedactionStep, error: EngineError) -> RedactionReply:
    """The reply of a step that could not be done."""
    return RedactionReply(
        step.job.job_id,
        step.kind,
        step.attempt,
        step.segment,
        step.revision,
        covers=step.covers if len(step.covers) == 1 else (),
        error_code=error.code,
        error=str(error),
        transient=error.transient,
    )


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    settings = read(Environment())
    limit_process(settings.providers)
    toolbox = Toolbox(settings)
    steps = Steps(WorkFolder(Path(sys.argv[1])), toolbox.looker, toolbox.second_lookers)
    for line in sys.stdin:
        reply = do(steps, decode(RedactionStep, line))
        sys.stdout.write(f"{encode(reply)}\n")
        sys.stdout.flush()
    os._exit(0)  # FFmpeg's threads are not waited for


if __name__ == "__main__":
    main()
