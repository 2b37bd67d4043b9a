"""Does the steps of redactions beside the live cameras: threads of their own, each with a child process.

The Celery task only hands a step over: a step takes seconds, and a worker that did it itself would let the
live cameras wait. Lost with the process is what was under way; the control plane's ledger sends it again.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, Full, Queue

from inference_workers.contracts.redactions import RedactionKind, RedactionReply, RedactionStep
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.child import failed
from inference_workers.engine.films.process import FilmProcess
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.redact_files import StepFiles

SWEEP_EVERY_S = 300.0
STEP_MS = (100.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 30_000.0, 60_000.0, 120_000.0)
logger = logging.getLogger(__name__)

Tell = Callable[[RedactionReply], None]


class FilmDesk:
    """Takes steps, answers each of them once through `tell`.

    Args:
        at_once: steps at a time; as many again may wait.
        tell: sends a reply; called from the desk's threads.
    """

    def __init__(
        self, files: StepFiles, counters: Counters, tell: Tell, environment: Mapping[str, str], at_once: int
    ) -> None:
        self._files = files
        self._counters = counters
        self._tell = tell
        self._environment = environment
        self._at_once = at_once
        self._waiting: Queue[RedactionStep] = Queue(maxsize=at_once)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def take(self, step: RedactionStep) -> None:
        """Accept a step, or answer at once that this worker is busy."""
        self._start()
        try:
            self._waiting.put_nowait(step)
        except Full:
            self._counters.error("worker_busy")
            busy = EngineError("worker_busy", "this worker has enough files to work on", transient=True)
            self._tell(failed(step, busy))

    def stop(self) -> None:
        """End the children; what is under way is sent again by the ledger."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self) -> None:
        with self._lock:
            if self._threads or self._stopping.is_set():
                return
            self._threads = [
                threading.Thread(target=self._work, name=f"films-{i}", daemon=True)
                for i in range(self._at_once)
            ]
            for thread in self._threads:
                thread.start()

    def _work(self) -> None:
        process = FilmProcess(self._files.folder.root.resolve(), self._environment)
        swept_at = 0.0
        try:
            while not self._stopping.is_set():
                if time.time() - swept_at > SWEEP_EVERY_S:
                    swept_at = time.time()
                    self._files.sweep(swept_at)
                with suppress(Empty):
                    self._answer(self._waiting.get(timeout=0.5), process)
        finally:
            process.close()

    def _answer(self, step: RedactionStep, process: FilmProcess) -> None:
        started_at = time.time()
        try:
            reply = self._do(step, process)
        except EngineError as error:
            reply = failed(step, error)
        except Exception as error:  # edge of the thread: it must live on for the next file
            logger.exception("a step of a redaction broke")
            reply = failed(step, EngineError("step_failed", f"the step broke with {type(error).__name__}"))
        if reply.error_code is not None:
            self._counters.error(reply.error_code)
        self._counters.observe(f"redact_ms.{step.kind}", (time.time() - started_at) * 1000, STEP_MS)
        try:
            self._tell(reply)
        except Exception:  # edge of the thread: the ledger asks again when no answer comes
            logger.exception("the answer to a step of a redaction could not be told")
            self._counters.error("reply_lost")

    def _do(self, step: RedactionStep, process: FilmProcess) -> RedactionReply:
        if time.time() > step.deadline_at:
            raise EngineError("deadline_passed", "the step waited longer than its deadline", transient=True)
        self._files.fetch(step)
        if self._files.is_done(step):
            return self._files.answer_again(step)
        reply = process.run(step)
        if reply.error_code is None:
            self._files.leave(step)
            if step.kind is RedactionKind.MUX:
                self._files.forget(step.job.job_id)
        return reply
