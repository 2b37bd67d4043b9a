"""From an entry of the results stream to rows: one decoder and one apply function per kind of message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apps.detections.results import (
    Outcome,
    ResultBatch,
    account_apply,
    reading_apply,
    status_apply,
    track_apply,
)
from apps.dispatch.confirmations import lease_confirm
from apps.dispatch.work import reply_apply
from apps.evaluations import ledger as evaluations
from apps.monitoring.leaks import leak_sample_apply
from apps.recordings.results import segment_apply
from apps.redactions import ledger as redactions
from apps.registry.checking import check_apply, install_apply
from apps.rollouts.results import window_apply
from apps.unmasking.services import reveal_apply
from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.comparison import VersionWindow
from inference_workers.contracts.evaluations import EvaluationReply
from inference_workers.contracts.model_checks import CheckReply, InstallReply
from inference_workers.contracts.recording import SegmentResult
from inference_workers.contracts.redactions import RedactionReply
from inference_workers.contracts.results import (
    Account,
    CameraStatus,
    LeakSample,
    ReadingResult,
    TrackResult,
)
from inference_workers.contracts.reveals import RevealReply
from inference_workers.contracts.uploads import AnalyseImageReply

Apply = Callable[[Any, ResultBatch], Outcome]


def _status_apply(message: CameraStatus, batch: ResultBatch) -> Outcome:
    outcome = status_apply(message, batch)
    if outcome is Outcome.APPLIED:
        lease_confirm(message)
    return outcome


def _of_ledger(apply: Callable[[Any], bool | None]) -> Apply:
    """For apps below the detections, which do not know their words."""

    def applied(message: Any, _batch: ResultBatch) -> Outcome:
        known = apply(message)
        if known is None:
            return Outcome.UNKNOWN
        return Outcome.APPLIED if known else Outcome.REPEATED

    return applied


_KINDS: dict[str, tuple[type[Any], Apply]] = {
    "TrackResult": (TrackResult, track_apply),
    "ReadingResult": (ReadingResult, reading_apply),
    "CameraStatus": (CameraStatus, _status_apply),
    "Account": (Account, account_apply),
    "LeakSample": (LeakSample, leak_sample_apply),
    "VersionWindow": (VersionWindow, window_apply),
    "SegmentResult": (SegmentResult, segment_apply),
    "RevealReply": (RevealReply, reveal_apply),
    "AnalyseImageReply": (AnalyseImageReply, reply_apply),
    "RedactionReply": (RedactionReply, redactions.reply_apply),
    "EvaluationReply": (EvaluationReply, evaluations.reply_apply),
    "CheckReply": (CheckReply, _of_ledger(check_apply)),
    "InstallReply": (InstallReply, _of_ledger(install_apply)),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream as it came."""

    entry_id: bytes
    fields: dict[bytes, bytes]

    def apply(self, batch: ResultBatch) -> Outcome:
        """Raises ContractError when this is no message of ours."""
        kind = self.fields.get(b"type", b"").decode("utf-8", "replace")
        if kind not in _KINDS:
            raise ContractError(f"type: expected one of {sorted(_KINDS)}, got {kind!r:.60}")
        contract, apply = _KINDS[kind]
        return apply(decode(contract, self.fields.get(b"data", b"")), batch)
