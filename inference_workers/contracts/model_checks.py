"""Checking an uploaded model and installing it: durable work whose ledger is the version's row.

The control plane stores bytes and asks; the data plane alone looks into them, in a process without network
and secrets, and answers with one line per check. A version that passed is signed by the control plane, and
installed under that signature.
"""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from inference_workers.contracts.models import ModelCard

TASK_CHECK_MODEL = "gpu.check_model"
TASK_INSTALL_MODEL = "gpu.install_model"


class CheckName(StrEnum):
    """In the order of the work. A check whose ground is missing is skipped, never passed."""

    FORMAT = "format"
    HASH = "hash"
    SIDE_FILE = "side_file"
    LICENCE = "licence"
    FAMILY = "family"
    STRUCTURE = "structure"
    EXTERNAL = "external"
    OPSET = "opset"
    OPERATORS = "operators"
    GRAPH = "graph"
    INPUT = "input"
    LOAD = "load"
    INFERENCE = "inference"
    OUTPUTS = "outputs"
    RESOURCES = "resources"
    HEADER = "header"
    NUMBERS = "numbers"


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """`detail`: what was found, or what was expected and what came; plain text that may quote the file."""

    check: CheckName
    outcome: CheckOutcome
    detail: str
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class FamilyContract:
    """What a version has to keep to be one of its family; sides in pixels."""

    task: str
    postprocess: str
    classes: tuple[str, ...]
    min_side: int = 32
    max_side: int = 4096


@dataclass(frozen=True, slots=True)
class CheckModel:
    """The message of `gpu.check_model`: one file in the object store.

    `side_file` is the text of the side file; for safetensors it is empty, and `licence` comes from the form.
    """

    version_id: str
    attempt: int
    name: str
    object_key: str
    sha256: str
    size_bytes: int
    artifact: str
    side_file: str
    licence: str
    deadline_at: float
    family: FamilyContract | None = None


@dataclass(frozen=True, slots=True)
class CheckReply:
    """What became of one check. `error_code` is set when nothing could be decided; then `lines` is empty.

    `sandbox` names the layers that held while the file was looked at. `median_ms` and `memory_bytes` are of
    the smoke inference; 0 when it was not reached. `side_file` is the text that was used (the data plane's
    own for known bytes), `card` what it says; None when it is not readable or the file is no ONNX.
    """

    version_id: str
    attempt: int
    lines: tuple[CheckLine, ...] = ()
    sandbox: tuple[str, ...] = ()
    median_ms: float = 0.0
    memory_bytes: int = 0
    parameters: int = 0
    opset: int = 0
    side_file: str = ""
    card: ModelCard | None = None
    error_code: str | None = None
    error: str | None = None
    transient: bool = False

    @property
    def passed(self) -> bool:
        """Every check was made and none failed: a skipped one is not a passed one."""
        return bool(self.lines) and all(line.outcome is CheckOutcome.PASSED for line in self.lines)


@dataclass(frozen=True, slots=True)
class InstallModel:
    """The message of `gpu.install_model`: put a checked file under its name into the model directory."""

    version_id: str
    attempt: int
    name: str
    object_key: str
    sha256: str
    side_file: str
    statement: str
    signature: str
    deadline_at: float


@dataclass(frozen=True, slots=True)
class InstallReply:
    """`error_code` is None when the model directory announces the version from now on."""

    version_id: str
    attempt: int
    error_code: str | None = None
    error: str | None = None
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """What the control plane signs (Ed25519) about a version that passed.

    `side_sha256` covers how the file is fed, so that nobody exchanges the preprocessing under a signed file.
    """

    name: str
    sha256: str
    side_sha256: str
    family: str
    licence: str
    source: str
    signed_at: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """The file NAME.statement beside a model. `statement` is signed as it stands, byte by byte."""

    statement: str
    key_id: str
    signature: str


def side_sha256(text: str) -> str:
    """Hash of a side file by what it says: the same facts in another layout are the same side file."""
    canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def model_key(version_id: str) -> str:
    """Object key of an uploaded model file."""
    return f"models/{version_id}/artifact"
