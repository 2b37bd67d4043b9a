"""Reading the header of a safetensors file strictly (huggingface/safetensors, "Format").

8 bytes length (little endian), a JSON object of that length, then the bytes of all tensors without a gap. The
header is data of a stranger: every number is checked before it is used.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference_workers.contracts.model_files import MAX_SAFETENSORS_HEADER
from inference_workers.engine.errors import EngineError

_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
_FLOATS = {"F16": np.float16, "F32": np.float32, "F64": np.float64}
_BF16_EXPONENT = 0x7F80
MAX_TENSORS = 200_000
MAX_AXES = 16
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """`begin` and `end` are bytes from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def read_header(path: Path) -> list[TensorEntry]:
    """Every tensor of the file, in the order of its bytes. Raises EngineError `safetensors_header`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(MAX_SAFETENSORS_HEADER, size - 8):
            raise _refuse(f"a header of 2 to {MAX_SAFETENSORS_HEADER} bytes inside of the file", length)
        header = _parsed(file.read(length))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _refuse("__metadata__ as an object of texts", metadata)
    if not 1 <= len(header) <= MAX_TENSORS:
        raise _refuse(f"1 to {MAX_TENSORS} tensors", len(header))
    tensors = sorted(
        (_entry(name, value, 8 + length) for name, value in header.items()), key=lambda e: (e.begin, e.end)
    )
    _require_whole(tensors, 8 + length, size)
    return tensors


def require_finite(path: Path, tensors: list[TensorEntry]) -> int:
    """Count the numbers of the file. Raises EngineError `safetensors_numbers` for NaN and infinity."""
    with path.open("rb") as file:
        for tensor in tensors:
            for part in _parts(file, tensor):
                if not _finite(part, tensor.dtype):
                    raise EngineError(
                        "safetensors_numbers",
                        f"tensor {tensor.name!r:.80}: expected finite numbers, it holds NaN or infinity",
                    )
    return sum(tensor.count for tensor in tensors)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise _refuse("a header of JSON", error) from error
    if not isinstance(header, dict):
        raise _refuse("a JSON object", type(header).__name__)
    return header


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _entry(name: str, value: Any, origin: int) -> TensorEntry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise _refuse(f"dtype, shape and data_offsets for {name!r:.60}", value)
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if dtype not in _BITS:
        raise _refuse(f"a known type for {name!r:.60}", dtype)
    if not _naturals(shape) or len(shape) > MAX_AXES:
        raise _refuse(f"a shape of at most {MAX_AXES} whole numbers for {name!r:.60}", shape)
    if not _naturals(offsets) or len(offsets) != 2:
        raise _refuse(f"two whole numbers as data_offsets of {name!r:.60}", offsets)
    entry = TensorEntry(name, dtype, tuple(shape), origin + offsets[0], origin + offsets[1])
    needed = entry.count * _BITS[dtype] // 8
    if entry.end - entry.begin != needed:
        raise _refuse(f"{needed} bytes for {name!r:.60} of shape {shape!s:.60}", entry.end - entry.begin)
    return entry


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**62 for item in value)


def _require_whole(tensors: list[TensorEntry], start: int, size: int) -> None:
    """No overlap, no gap, nothing behind the end: bytes that no tensor owns could be anything."""
    place = start
    for tensor in tensors:
        if tensor.begin != place:
            kind = "an overlap" if tensor.begin < place else "a gap"
            raise _refuse(f"tensors side by side, {tensor.name!r:.60} at {place - start}", kind)
        place = tensor.end
    if place != size:
        raise _refuse(f"a file that ends with its last tensor, at {place} bytes", f"{size} bytes")


def _parts(file: Any, tensor: TensorEntry) -> Iterator[bytes]:
    file.seek(tensor.begin)
    rest = tensor.end - tensor.begin
    while rest > 0:
        part = file.read(min(_PART, rest))
        if not part:
            raise _refuse(f"{rest} more bytes of {tensor.name!r:.60}", "the end of the file")
        rest -= len(part)
        yield part


def _finite(part: bytes, dtype: str) -> bool:
    if dtype in _FLOATS:
        return bool(np.isfinite(np.frombuffer(part, _FLOATS[dtype])).all())
    if dtype == "BF16":
        words = np.frombuffer(part, "<u2")
        return not bool(((words & _BF16_EXPONENT) == _BF16_EXPONENT).any())
    return True


def _refuse(expected: str, got: object) -> EngineError:
    return EngineError("safetensors_header", f"expected {expected}, got {str(got)!r:.120}")
