"""The step-by-step test of a camera: asked by the control plane, run in the data plane."""

from dataclasses import dataclass
from enum import StrEnum

from inference_workers.contracts.lease import Source


class ProbeStep(StrEnum):
    """In the order in which they are tried; a failed step leaves those after it `skipped`."""

    NAME = "name_resolution"
    NETWORK = "network_allowed"
    CONNECT = "connect"
    SIGN_IN = "sign_in"
    CODEC = "codec"
    FRAME_RATE = "frame_rate"
    CLOCK = "clock_offset"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """The message on the Redis list `PROBES`; each step's outcome is pushed to `reply_to` as it is known."""

    probe_id: str
    source: Source
    reply_to: str
    preview_key: str
    deadline_at: float


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """`status`: "ok", "failed", "skipped" or "done" (the last message). `code` is stable, `detail` a fact.

    The preview picture (whole-frame mosaic until faces were looked for) lies at `preview_key`.
    """

    probe_id: str
    step: ProbeStep | None
    status: str
    code: str = ""
    detail: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    codec: str = ""
    clock_offset_s: float | None = None
