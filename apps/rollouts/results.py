"""Takes windows of model versions into the database; one that comes twice changes nothing."""

import re
from dataclasses import asdict
from typing import Any

from apps.detections.results import Outcome, ResultBatch, text_checked, time_checked, uuid_checked
from apps.rollouts.models import VersionWindow
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.comparison import (
    LATENCY_BUCKETS,
    MAX_CLASSES,
    MAX_RUN_KINDS,
    SCORE_BINS,
    Role,
    Seen,
)
from inference_workers.contracts.comparison import VersionWindow as WindowMessage
from inference_workers.contracts.frames import Clock

MAX_WINDOW_S = 3600.0
MAX_COUNT = 2**31 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RUN_KIND = re.compile(rf"(?:{'|'.join(Clock)})/[1-9][0-9]{{0,2}}")


def window_apply(message: WindowMessage, batch: ResultBatch) -> Outcome:
    """Keep one window. A camera or a version that is gone meanwhile leaves nothing to judge."""
    camera_id = uuid_checked(message.camera_id, "camera_id")
    values = _checked(message)
    version = batch.version_by_id(uuid_checked(message.version_id, "version_id"))
    if not batch.has_camera(camera_id) or version is None:
        return Outcome.UNKNOWN
    key = {
        "camera_id": camera_id,
        "stage": message.stage.value,
        "version": version,
        "role": message.role.value,
        "started_at": time_checked(message.started_at),
    }
    _row, created = VersionWindow.objects.get_or_create(**key, defaults=values)
    return Outcome.APPLIED if created else Outcome.REPEATED


def _checked(message: WindowMessage) -> dict[str, Any]:
    if not 0 < message.ended_at - message.started_at <= MAX_WINDOW_S:
        raise ContractError(f"ended_at: expected up to {MAX_WINDOW_S:.0f} s after started_at")
    if not _SHA256.fullmatch(message.sha256):
        raise ContractError(f"sha256: expected 64 hexadecimal digits, got {message.sha256!r:.80}")
    if (message.role is Role.SHADOW) != (message.beside is not None):
        raise ContractError(
            "beside: expected the serving version's side of a shadow's window, and of no other"
        )
    _require_counts("errors, skipped", (message.errors, message.skipped), 2)
    counts = {
        "errors": message.errors,
        "skipped": message.skipped,
        "seen": _seen(message.seen),
    }
    if (beside := message.beside) is not None:
        _require_counts("beside", (beside.matched, beside.only_base, beside.only_candidate), 3)
        counts["beside"] = {
            "version_id": str(uuid_checked(beside.version_id, "beside.version_id")),
            "sha256": text_checked(beside.sha256, 64),
            "seen": _seen(beside.seen),
            "matched": beside.matched,
            "only_base": beside.only_base,
            "only_candidate": beside.only_candidate,
        }
    return {
        "sha256": message.sha256,
        "ended_at": time_checked(message.ended_at),
        "epoch": text_checked(message.epoch, 36),
        "lease_id": text_checked(message.lease_id, 36),
        "frames": message.seen.frames,
        "counts": counts,
    }


def _seen(seen: Seen) -> dict[str, Any]:
    if len(seen.detections) > MAX_CLASSES + 1:
        raise ContractError(f"detections: expected at most {MAX_CLASSES + 1} classes")
    _require_counts("detections", tuple(seen.detections.values()), len(seen.detections))
    _require_counts("scores", seen.scores, SCORE_BINS)
    _require_runs(seen)
    numbers = (seen.frames, seen.hard_frames, seen.tracks_started, seen.tracks_ended)
    _require_counts("seen", (*numbers, seen.tracks_short, seen.track_gaps), 6)
    return {
        **asdict(seen),
        "detections": {text_checked(name, 80): count for name, count in seen.detections.items()},
        "scores": list(seen.scores),
        "latency": {kind: list(counts) for kind, counts in seen.latency.items()},
    }


def _require_runs(seen: Seen) -> None:
    if len(seen.latency) > MAX_RUN_KINDS:
        raise ContractError(f"latency: expected at most {MAX_RUN_KINDS} kinds of runs")
    for kind, counts in seen.latency.items():
        if not _RUN_KIND.fullmatch(kind):
            raise ContractError(f"latency: expected kinds of runs as 'cpu/1' or 'wall/8', got {kind!r:.80}")
        _require_counts(f"latency of {kind}", counts, LATENCY_BUCKETS)


def _require_counts(name: str, counts: tuple[int, ...], size: int) -> None:
    if len(counts) != size or not all(0 <= count <= MAX_COUNT for count in counts):
        raise ContractError(f"{name}: expected {size} counts of 0 or more, got {counts!r:.80}")
