"""What the runner and its decoder child say to each other: one line each, `Name {json}`.

Runner to child (stdin): `Start` once, then `RingGrant`, `Pace`. Child to runner (stdout): the others. The
end of stdin ends the child, so a killed runner leaves no decoder behind.
"""

from dataclasses import dataclass

from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.lease import Source

MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """`username` and `password` are opened already; they travel in this pipe only."""

    source: Source
    username: str | None
    password: str | None
    media_roots: tuple[str, ...]
    max_fps: float


@dataclass(frozen=True, slots=True)
class RingGrant:
    path: str


@dataclass(frozen=True, slots=True)
class Pace:
    """At most this many frames a second are placed in the ring; the others are counted."""

    max_fps: float


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step of opening was passed: a `contracts.probe.ProbeStep` value."""

    step: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream is understood. `ring_width` x `ring_height` is the size of the frames to come."""

    codec: str
    width: int
    height: int
    fps: float
    ring_width: int
    ring_height: int
    clock_offset_s: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Cumulative counts. `decoded` = placed + `rate` + `ring_full` holds in every tally."""

    decoded: int
    rate: int
    ring_full: int
    errors: int
    clock_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A frame lies in the ring. `digest` is equal for frames whose sampled pixels are identical."""

    slot: int
    generation: int
    seq: int
    grabbed_at: float
    width: int
    height: int
    digest: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Ended:
    """The last line: why the stream ended. `code` "end_of_file" is no error."""

    code: str
    message: str
    transient: bool


ToChild = Start | RingGrant | Pace
ToRunner = StepDone | Opened | Tally | Placed | Ended

_NAMES: dict[str, type[ToChild | ToRunner]] = {
    kind.__name__: kind for kind in (Start, RingGrant, Pace, StepDone, Opened, Tally, Placed, Ended)
}


def to_line(message: ToChild | ToRunner) -> bytes:
    return f"{type(message).__name__} {encode(message)}\n".encode()


def from_line(line: bytes) -> ToChild | ToRunner:
    """Raises ContractError for a line that is no message of this release."""
    name, _, text = line.partition(b" ")
    kind = _NAMES.get(name.decode("latin-1"))
    if kind is None:
        raise ContractError(f"expected a message of the decoder, got {line[:60]!r}")
    return decode(kind, text)
