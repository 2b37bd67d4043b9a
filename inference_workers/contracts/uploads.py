"""Durable work on uploaded material: the ledger row in the database is the truth, this is its message."""

from dataclasses import dataclass, field

from inference_workers.contracts.frames import Found
from inference_workers.contracts.lease import ModelRef, RedactionPolicy, Script


@dataclass(frozen=True, slots=True)
class AnalyseImage:
    """The message of task `gpu.analyse_image`: one picture in the object store.

    The worker reads `input_key`, writes the redacted JPEG to `output_key` and pushes an
    `AnalyseImageReply` to the Redis list `reply_to` as well as to the results stream.
    """

    work_id: str
    attempt: int
    input_key: str
    output_key: str
    models: dict[str, ModelRef]
    script: Script
    redaction: RedactionPolicy
    reply_to: str
    deadline_at: float


@dataclass(frozen=True, slots=True)
class AnalyseImageReply:
    """`error_code` is stable, `error` is the sentence; both are None when the work was done."""

    work_id: str
    attempt: int
    width: int = 0
    height: int = 0
    found: tuple[Found, ...] = ()
    redaction: str = ""
    output_sha256: str = ""
    served: dict[str, str] = field(default_factory=dict)
    duration_ms: float = 0.0
    error_code: str | None = None
    error: str | None = None
