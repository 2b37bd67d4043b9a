"""The state of one camera as a person sees it. Pure: time is passed in.

A camera that stops, freezes or sends garbage has to be noticed within 10 s; the limits below add up to less.
"""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from inference_workers.contracts.results import CameraState, CameraStatus
from inference_workers.engine.sources.messages import Tally

STALLED_AFTER_S = 3.0
GIVE_UP_AFTER_S = 8.0
OPENING_LIMIT_S = 9.0
FROZEN_AFTER_S = 8.0
REPEAT_S = 5.0
_RATE_WINDOW_S = 3.0
_MIN_RATE_S = 0.5
_BAD_SHARE = 0.5

_REFUSED = frozenset(
    {
        "network_refused",
        "redirect_refused",
        "scheme_refused",
        "networks_invalid",
        "url_invalid",
        "credentials_in_url",
        "credentials_unreadable",
        "sign_in_refused",
        "sign_in_unknown",
        "file_refused",
        "device_refused",
        "pattern_unknown",
        "lease_invalid",
    }
)
_BAD_DATA = frozenset({"bad_data", "no_video", "picture_too_large", "decoder_garbage"})
_STOPPED = frozenset({"end_of_file", "lease_expired", "lease_withdrawn", "clock_set_back", "shutdown"})


def state_for(code: str) -> CameraState:
    """The state that an error code of a source means."""
    if code in _REFUSED:
        return CameraState.REFUSED
    if code in _BAD_DATA:
        return CameraState.BAD_DATA
    return CameraState.STOPPED if code in _STOPPED else CameraState.UNREACHABLE


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next attempt: 1, 2, 4, 8 s with up to a quarter taken off at random.

    The limit leaves room for one hanging attempt (5 s), so a camera is back within 15 s of its return. A
    refused sign-in waits up to a minute instead: cameras lock accounts that fail too often.
    """

    limit_s: float = 8.0
    sign_in_limit_s: float = 60.0
    _next_s: float = 1.0

    def reset(self) -> None:
        self._next_s = 1.0

    def next_wait_s(self, code: str) -> float:
        limit_s = self.sign_in_limit_s if code == "sign_in_refused" else self.limit_s
        wait_s = min(self._next_s, limit_s)
        self._next_s = min(self._next_s * 2, max(limit_s, self.limit_s))
        return wait_s * random.uniform(0.75, 1.0)  # noqa: S311 - spreads attempts, guards nothing


@dataclass(slots=True)
class StatusBook:
    """What is known of one camera, and when it has to be told.

    Args:
        detects_freeze: only live sources freeze; a file may hold still for as long as it likes.
    """

    camera_id: str
    epoch: str
    detects_freeze: bool = True
    _facts: CameraStatus = field(init=False)
    _told: CameraStatus | None = None
    _arrivals: deque[tuple[float, int]] = field(default_factory=deque)
    _last_frame_at: float | None = None
    _digest: int | None = None
    _same_since: float = 0.0
    _errors: int = 0
    _error_times: deque[tuple[float, int]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._facts = CameraStatus(self.camera_id, self.epoch, 0.0, CameraState.STARTING)

    @property
    def state(self) -> CameraState:
        return self._facts.state

    @property
    def last_frame_at(self) -> float | None:
        """When the last frame arrived in this attempt."""
        return self._last_frame_at

    def start_attempt(self) -> None:
        """A failed state stays on the tile until a frame comes; "starting" would only flicker there."""
        self._last_frame_at = None
        self._digest = None
        self._errors = 0
        self._arrivals.clear()
        self._error_times.clear()
        if self.state in (CameraState.STREAMING, CameraState.FROZEN, CameraState.STOPPED):
            self._set(CameraState.STARTING, "", "")

    def opened(self, codec: str, width: int, height: int, clock_offset_s: float | None) -> None:
        self._facts = replace(
            self._facts, codec=codec, width=width, height=height, clock_offset_s=clock_offset_s
        )

    def lease(self, revision: int) -> None:
        """The lease that is in force from now on."""
        self._facts = replace(self._facts, lease_revision=revision)

    def served(self, models: Mapping[str, str], waiting: Mapping[str, str]) -> None:
        """Which bytes answered last for each stage, and why the version of the lease does not yet."""
        self._facts = replace(self._facts, served=dict(models), waiting=dict(waiting))

    def frame(self, now: float, digest: int, tally: Tally) -> None:
        """A frame arrived; the tally's counts say how many were decoded and how many packets were broken."""
        self._arrivals.append((now, tally.decoded))
        self._last_frame_at = now
        if digest != self._digest:
            self._digest, self._same_since = digest, now
        if tally.clock_offset_s is not None:
            self._facts = replace(self._facts, clock_offset_s=tally.clock_offset_s)
        self.count_errors(now, tally.errors)

    def _fps(self) -> float:
        """Decoded frames a second over the last 3 s, whether they were used or not.

        What a crowded machine reads in one go tells no rate: then the last one that was known stands.
        """
        if not self._arrivals:
            return 0.0
        (first_at, first), (last_at, last) = self._arrivals[0], self._arrivals[-1]
        if last_at - first_at < _MIN_RATE_S:
            return self._facts.fps
        return round((last - first) / (last_at - first_at), 1)

    def count_errors(self, now: float, errors: int) -> None:
        if errors > self._errors:
            self._error_times.append((now, errors - self._errors))
            self._errors = errors

    def ended(self, code: str, detail: str, retry_in_s: float | None) -> None:
        self._set(state_for(code), code, detail, retry_in_s)

    def silent_for_s(self, now: float, since: float) -> float:
        """Seconds without a frame, counted from `since` while none has come."""
        return now - (self._last_frame_at if self._last_frame_at is not None else since)

    def look(self, now: float) -> None:
        """Judge a running stream: streaming, stalled, frozen or garbage."""
        self._forget(now)
        if self._last_frame_at is None:
            return
        broken = sum(count for _, count in self._error_times)
        if broken > len(self._arrivals) * _BAD_SHARE / (1 - _BAD_SHARE) and broken > 2:
            self._set(CameraState.BAD_DATA, "decode_errors", f"{broken} broken packets in 3 s")
        elif now - self._last_frame_at > STALLED_AFTER_S:
            self._set(CameraState.STALLED, "no_frames", f"no picture for {now - self._last_frame_at:.0f} s")
        elif self.detects_freeze and now - self._same_since > FROZEN_AFTER_S:
            self._set(CameraState.FROZEN, "identical_frames", "every picture is the same")
        else:
            self._set(CameraState.STREAMING, "", "")

    def due(self, now: float, shown_at: float | None) -> CameraStatus | None:
        """The message to send now: on a change at once, else every 5 s."""
        self._facts = replace(self._facts, fps=self._fps())
        message = replace(self._facts, at=now, last_frame_at=shown_at)
        told = self._told
        changed = told is None or _urgent(told) != _urgent(message)
        if told is not None and not changed and now - told.at < REPEAT_S:
            return None
        self._told = message
        return message

    def _set(self, state: CameraState, code: str, detail: str, retry_in_s: float | None = None) -> None:
        self._facts = replace(self._facts, state=state, code=code, detail=detail[:300], retry_in_s=retry_in_s)

    def _forget(self, now: float) -> None:
        while self._arrivals and now - self._arrivals[0][0] > _RATE_WINDOW_S:
            self._arrivals.popleft()
        while self._error_times and now - self._error_times[0][0] > _RATE_WINDOW_S:
            self._error_times.popleft()


def _urgent(status: CameraStatus) -> tuple[object, ...]:
    """What is told at once when it changes: the state, its reason, which lease is in force, who serves."""
    served, waiting = tuple(status.served.items()), tuple(status.waiting.items())
    return status.state, status.code, status.lease_revision, served, waiting
