"""What an uploaded model file is, by its first bytes. Names and extensions are never asked."""

from dataclasses import dataclass

START_BYTES = 512
ONNX = "onnx"
SAFETENSORS = "safetensors"
# The header of safetensors is JSON and begins right behind its length (8 bytes, little endian).
MAX_SAFETENSORS_HEADER = 100_000_000
_ONNX_IR_VERSION = range(3, 64)
_OTHERS = (
    (b"PK\x03\x04", "a zip archive (PyTorch's .pt and .pth are such archives and hold pickles)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a script"),
    (b"<", "XML or HTML"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the real file with `git lfs pull`"),
)
_PICKLE_TEXT = (b"(dp", b"(lp", b"cos\n", b"c__builtin__", b"cposix", b"cbuiltins", b"(i", b"]q", b"}q")


@dataclass(frozen=True, slots=True)
class Recognised:
    """`artifact` is ONNX, SAFETENSORS or empty; then `looks_like` says what the bytes seem to be."""

    artifact: str
    looks_like: str = ""


def recognise(start: bytes) -> Recognised:
    """Judge the first START_BYTES of a file (all of a shorter one). Decides nothing but what it is."""
    if not start:
        return Recognised("", "an empty file")
    if len(start) > 9 and start[8:9] == b"{" and 2 <= _length(start) <= MAX_SAFETENSORS_HEADER:
        return Recognised(SAFETENSORS)
    # Field 1 of ModelProto, the version of the format, is written first by every exporter.
    if len(start) > 16 and start[0] == 0x08 and start[1] in _ONNX_IR_VERSION:
        return Recognised(ONNX)
    return Recognised("", _other(start))


def _length(start: bytes) -> int:
    return int.from_bytes(start[:8], "little")


def _other(start: bytes) -> str:
    is_binary_pickle = start[0] == 0x80 and start[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05")
    if is_binary_pickle or start.startswith(_PICKLE_TEXT):
        return "a Python pickle, which can run code"
    known = next((words for magic, words in _OTHERS if start.startswith(magic)), "")
    if not known and start[257:262] == b"ustar":
        known = "a tar archive"
    if not known and start[4:8] == b"TFL3":
        known = "a TensorFlow Lite file"
    if not known and not start.strip(b"\0"):
        known = "nothing but zeros (a sparse or unfinished file)"
    return known or "other bytes"
