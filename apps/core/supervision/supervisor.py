"""Starts the processes, watches them, starts again what died or fell silent, stops all in order."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
import redis
from django.utils.translation import gettext as _

from apps.core.supervision import health
from apps.core.supervision.backoff import Backoff
from apps.core.supervision.child import Child
from apps.core.supervision.status import Line, StatusBoard, lived

TICK_S = 0.2
HEALTH_EVERY_S = 2.0
MEMORY_EVERY_S = 5.0
LOG_SHOWN_AFTER = (2, 6)
STOP_PATIENCE_S = 5.0
STOP_LAST_PATIENCE_S = 3.0


@dataclass(slots=True)
class Watched:
    """A child and what the supervisor knows of it."""

    child: Child
    backoff: Backoff = field(default_factory=Backoff)
    start_at: float = 0.0
    well: bool = False
    misses: int = 0
    memory_mb: int = 0
    restarts: int = 0
    last_word_at: float = 0.0  # POSIX seconds, as its heartbeat says
    heard_at: float = 0.0  # when that word was new here, on this process's monotonic clock

    @property
    def name(self) -> str:
        return self.child.spec.name

    def lived_s(self) -> float:
        return time.monotonic() - self.child.started_at

    def spoke(self) -> bool:
        """Whether it wrote a heartbeat since its start; an older one is its predecessor's."""
        return self.last_word_at >= time.time() - self.lived_s()

    def silence_s(self) -> float:
        return time.monotonic() - max(self.heard_at, self.child.started_at)

    def listen(self, words: dict[str, float] | None) -> None:
        """Takes note of a new heartbeat.

        Only what changes counts, by a clock that stands still while the machine sleeps: neither a clock that
        is set nor a laptop that was closed makes a process look hung. Without Redis (`words` is None) nobody
        can say anything, so the silence begins anew.
        """
        word_at = words.get(self.child.spec.heartbeat or "", 0.0) if words is not None else None
        if word_at is None or word_at != self.last_word_at:
            self.heard_at = time.monotonic()
        if word_at is not None:
            self.last_word_at = word_at


class Supervisor:
    """Runs until it is told to stop; single-threaded, so that it can fork safely."""

    def __init__(
        self, children: list[Child], *, board: StatusBoard, redis_client: redis.Redis, host: str, port: int
    ) -> None:
        self._watched = [Watched(child) for child in children]
        self._board = board
        self._redis = redis_client
        self._host = host
        self._port = port
        self._stopping = False
        self._next_health_at = 0.0
        self._next_memory_at = 0.0
        self.on_tick: list[Callable[[], None]] = []

    def stop_soon(self) -> None:
        """Safe to call from a signal handler."""
        self._stopping = True

    def start(self) -> None:
        for watched in self._watched:
            if not watched.child.runs():
                watched.child.start()

    def add(self, children: list[Child]) -> None:
        self._watched += [Watched(child) for child in children]

    def run(self) -> None:
        """Watches until `stop_soon`."""
        while not self._stopping:
            self._tick(time.monotonic())
            time.sleep(TICK_S)

    def _tick(self, now: float) -> None:
        for watched in self._watched:
            self._revive(watched, now)
        if now >= self._next_health_at:
            self._next_health_at = now + HEALTH_EVERY_S
            self._examine()
        if now >= self._next_memory_at:
            self._next_memory_at = now + MEMORY_EVERY_S
            self._measure()
        self._board.show([self._line(watched) for watched in self._watched])
        for action in self.on_tick:
            action()

    def _revive(self, watched: Watched, now: float) -> None:
        if watched.child.runs():
            return
        if watched.start_at == 0.0:
            self._note_death(watched, now)
        elif now >= watched.start_at:
            watched.start_at = 0.0
            watched.restarts += 1
            watched.child.start()

    def _note_death(self, watched: Watched, now: float) -> None:
        watched.well, watched.misses = False, 0
        wait_s = watched.backoff.died(watched.lived_s())
        watched.start_at = now + wait_s
        watched.child.kill()  # what it left behind in its session
        reason = _exit_in_words(watched.child.exit_code())
        message = _("%(name)s ended (%(reason)s); it starts again in %(wait).1f s.")
        self._board.say(message % {"name": watched.name, "reason": reason, "wait": wait_s})
        if watched.backoff.failures in LOG_SHOWN_AFTER:
            self._show_log(watched)

    def _show_log(self, watched: Watched) -> None:
        """Two quick deaths are no accident: say what the process said last."""
        self._board.say(_("The last lines of %(path)s:") % {"path": watched.child.log_path})
        for line in watched.child.last_lines():
            self._board.say(f"    {line[:300]}")

    def _examine(self) -> None:
        words = health.heartbeat_times(self._redis)
        for watched in self._watched:
            watched.listen(words)
            if not watched.child.runs():
                continue
            watched.well = self._is_well(watched)
            if self._has_hung(watched):
                message = _("%(name)s runs but does not answer; it is started again.")
                self._board.say(message % {"name": watched.name})
                watched.child.kill()
        for child in (watched.child for watched in self._watched):
            child.rotate_log()

    def _is_well(self, watched: Watched) -> bool:
        spec = watched.child.spec
        if spec.url is not None:
            found = health.answers(self._host, self._port, spec.url)
            watched.misses = 0 if found else watched.misses + 1
            return found
        if spec.heartbeat is not None:
            return watched.spoke()
        return watched.lived_s() > HEALTH_EVERY_S

    @staticmethod
    def _has_hung(watched: Watched) -> bool:
        spec = watched.child.spec
        if spec.url is not None:
            return watched.misses >= health.MISSES_UNTIL_RESTART and watched.lived_s() > health.STARTING_S
        return spec.heartbeat is not None and health.is_silent(watched.silence_s(), spoke=watched.spoke())

    def _measure(self) -> None:
        for watched in self._watched:
            watched.memory_mb = _memory_mb(watched.child.pid)

    def _line(self, watched: Watched) -> Line:
        if not watched.child.runs():
            return Line(watched.name, _("restarting"), str(watched.child.log_path))
        facts = [f"{watched.memory_mb} MB", lived(watched.lived_s())]
        state = _("runs") if watched.well else _("starting")
        if watched.child.spec.heartbeat is not None and watched.well:
            silence_s = watched.silence_s()
            state = _("silent") if silence_s > health.QUIET_AFTER_S else state
            facts.append(_("heard %(seconds)d s ago") % {"seconds": int(silence_s)})
        if watched.restarts:
            facts.append(_("restarts: %(count)d") % {"count": watched.restarts})
        return Line(watched.name, state, ", ".join(facts))

    def stop_all(self) -> None:
        """Those that produce work first, then the recorder and Redis, which keep what they made."""
        first = [watched.child for watched in self._watched if not watched.child.spec.last_to_stop]
        last = [watched.child for watched in self._watched if watched.child.spec.last_to_stop]
        _stop(first, STOP_PATIENCE_S)
        for child in reversed(last):
            _stop([child], STOP_LAST_PATIENCE_S / len(last))


def _stop(children: list[Child], patience_s: float) -> None:
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + patience_s
    while any(child.runs() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in children:
        child.kill()


def _exit_in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return _("signal %(number)d") % {"number": -code}
    return _("exit code %(code)s") % {"code": code}


def _memory_mb(pid: int | None) -> int:
    """Resident memory of a process and its descendants; 0 when it is gone."""
    if pid is None:
        return 0
    try:
        parent = psutil.Process(pid)
        return sum(_resident(process) for process in (parent, *parent.children(recursive=True))) // 2**20
    except psutil.Error:
        return 0


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
