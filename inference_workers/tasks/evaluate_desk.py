"""Does evaluation jobs beside the live cameras: one thread, and a child process that steps back behind them.

The Celery task only hands a job over. What is under way when this process dies is sent again by the control
plane's ledger; portions that reached the object store are not done again.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, Full, Queue

from inference_workers.contracts import evaluations as keys
from inference_workers.contracts.evaluations import (
    EvaluationKind,
    EvaluationReply,
    EvaluationStep,
    LabelledSet,
)
from inference_workers.engine.child_process import ChildProcess
from inference_workers.engine.errors import EngineError
from inference_workers.engine.evaluation.calls import (
    Call,
    Phase,
    finish_reads,
    portion_pictures,
    portions_of,
)
from inference_workers.engine.evaluation.child import failed
from inference_workers.engine.evaluation.labels import read_labels
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.objects import Objects
from inference_workers.tasks.counters import Counters

CALL_S = 900.0
RESERVE_BYTES = 512 * 1024**2
CHILD = "inference_workers.engine.evaluation.child"
logger = logging.getLogger(__name__)

Tell = Callable[[EvaluationReply], None]
Progress = Callable[[EvaluationStep, int, int], None]


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where jobs find and leave their files. `folder` holds copies below the names of their objects."""

    objects: Objects
    folder: WorkFolder

    def bring(self, wanted: Iterable[str]) -> None:
        """Raises EngineError `object_missing`, `object_store_unreachable`, `disk_full`."""
        for key in wanted:
            if self.folder.has(key):
                continue
            if shutil.disk_usage(self.folder.root).free < self.objects.size(key) + RESERVE_BYTES:
                raise EngineError("disk_full", "the worker's disk is full; free some", transient=True)
            with self.folder.new_file(key) as path:
                self.objects.get_file(key, path)

    def forget(self, key_or_prefix: str) -> None:
        """Remove copies: labelled pictures lie here unredacted, so they go as soon as nobody reads them."""
        path = self.folder.path(key_or_prefix)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


class EvaluationDesk:
    """Takes jobs, answers each of them once through `tell`. One at a time; one more may wait."""

    def __init__(
        self,
        place: Workplace,
        counters: Counters,
        tell: Tell,
        progress: Progress,
        environment: Mapping[str, str],
    ) -> None:
        self._place = place
        self._counters = counters
        self._tell = tell
        self._progress = progress
        self._environment = environment
        self._waiting: Queue[EvaluationStep] = Queue(maxsize=1)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def take(self, step: EvaluationStep) -> None:
        """Accept a job, or answer at once that this worker is busy."""
        self._start()
        try:
            self._waiting.put_nowait(step)
        except Full:
            self._counters.error("worker_busy")
            busy = EngineError("worker_busy", "this worker has enough jobs to work on", transient=True)
            self._tell(failed(step, busy))

    def stop(self) -> None:
        """End the child; what is under way is sent again by the ledger."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._work, name="evaluations", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        child = ChildProcess[Call, EvaluationReply](
            CHILD, EvaluationReply, self._place.folder.root.resolve(), self._environment
        )
        try:
            while not self._stopping.is_set():
                with suppress(Empty):
                    self._answer(self._waiting.get(timeout=0.5), child)
        finally:
            child.close()

    def _answer(self, step: EvaluationStep, child: "ChildProcess[Call, EvaluationReply]") -> None:
        started_at = time.time()
        try:
            reply = JobRun(self._place, child, step, self._progress).run()
        except EngineError as error:
            reply = failed(step, error)
        except Exception as error:  # edge of the thread: it must live on for the next job
            logger.exception("an evaluation broke")
            reply = failed(step, EngineError("step_failed", f"the job broke with {type(error).__name__}"))
        finally:
            self._place.forget("datasets")
            self._place.forget(keys.job_prefix(step.job_id))
            for part in step.replay.parts if step.replay is not None else ():
                self._place.forget(part.object_key)
        if reply.error_code is not None:
            self._counters.error(reply.error_code)
        try:
            self._tell(replace(reply, duration_ms=(time.time() - started_at) * 1000))
        except Exception:  # edge of the thread: the ledger asks again when no answer comes
            logger.exception("the answer to an evaluation could not be told")
            self._counters.error("reply_lost")


@dataclass(frozen=True, slots=True)
class JobRun:
    """One attempt of one job."""

    place: Workplace
    child: "ChildProcess[Call, EvaluationReply]"
    step: EvaluationStep
    progress: Progress

    def run(self) -> EvaluationReply:
        """Raises EngineError; else the reply of the whole job, everything it names being stored."""
        if time.time() > self.step.deadline_at:
            raise EngineError("deadline_passed", "the job waited longer than its deadline", transient=True)
        labelled = self._labels()
        total = portions_of(self.step) + 1
        for number in range(total - 1):
            self.progress(self.step, number, total)
            self._portion(labelled, number)
        self.progress(self.step, total - 1, total)
        self.place.bring(finish_reads(self.step, labelled))
        reply = self._ask(Phase.FINISH)
        self._show(reply)
        if self.step.variant is not None:
            self._leave(keys.made_key(self.step.job_id))
        self._leave(keys.outcome_key(self.step.job_id))
        return reply

    def _labels(self) -> LabelledSet | None:
        ref = self.step.labelled
        if ref is None:
            return None
        key = keys.manifest_key(ref.set_id, ref.sha256)
        self.place.bring([key])
        return read_labels(self.place.folder.path(key).read_bytes(), ref)

    def _portion(self, labelled: LabelledSet | None, number: int) -> None:
        key = keys.portion_key(self.step.job_id, number)
        if self.place.objects.exists(key):
            return
        reads = self._portion_reads(labelled, number)
        self.place.bring(reads)
        self._ask(Phase.PORTION, number)
        self._leave(key)
        for read in reads:
            self.place.forget(read)

    def _portion_reads(self, labelled: LabelledSet | None, number: int) -> list[str]:
        if self.step.replay is not None:
            return [self.step.replay.parts[number].object_key]
        if labelled is None or self.step.labelled is None:
            return []
        set_id = self.step.labelled.set_id
        return [keys.picture_key(set_id, sha256) for sha256 in portion_pictures(labelled, number)]

    def _show(self, reply: EvaluationReply) -> None:
        """Redacted pictures of what the result names; one that cannot be made is left out, and counted."""
        if self.step.kind not in (EvaluationKind.COMPARE, EvaluationKind.REPLAY):
            return
        for number, reads in enumerate(self._shown_reads(reply)):
            self.place.bring(reads)
            self._ask(Phase.SHOW, number)
            for read in reads:
                self.place.forget(read)
        prefix = f"{keys.job_prefix(self.step.job_id)}/pictures"
        for path in sorted(self.place.folder.path(prefix).glob("*.jpg")):
            self._leave(f"{prefix}/{path.name}")

    def _shown_reads(self, reply: EvaluationReply) -> list[list[str]]:
        if self.step.replay is not None:
            return [[part.object_key] for part in self.step.replay.parts]
        ref = self.step.labelled
        worst = self.place.folder.read_json(reply.output_key)["worst"]
        return [[keys.picture_key(ref.set_id, item["sha256"])] for item in worst] if ref else []

    def _leave(self, key: str) -> None:
        self.place.objects.put_file(key, self.place.folder.path(key))

    def _ask(self, phase: Phase, number: int = 0) -> EvaluationReply:
        deadline_at = min(self.step.deadline_at, time.time() + CALL_S)
        reply = self.child.run(Call(self.step, phase, deadline_at, number))
        if reply.error_code is not None:
            raise EngineError(reply.error_code, reply.error or "", transient=reply.transient)
        return reply
