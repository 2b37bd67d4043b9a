"""Files that are broken, cut off, or no films at all: a clear refusal or a clearly marked partial result."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from inference_workers.contracts.redactions import RedactionKind
from inference_workers.engine.errors import EngineError
from tests.engine.film_parts import Case, detail_left, frames_of, write_film


def transport_stream(folder: Path) -> Path:
    """MPEG-TS: readable from any place on, as a recorder that was switched off leaves it."""
    return write_film(folder / "recorder.ts", 60, gop=10)


def refused(tmp_path: Path, name: str, content: bytes) -> EngineError:
    source = tmp_path / name
    source.write_bytes(content)
    with pytest.raises(EngineError) as caught:
        Case(tmp_path / "job", source).step(RedactionKind.PROBE)
    return caught.value


def png_bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packed = chunk(b"IDAT", zlib.compress(b"\x00" * 100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + packed + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.mp4", b"", "file_empty"),
        ("text.mp4", b"#!/bin/sh\necho hello\n" * 50, "file_unsupported"),
        ("list.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", "file_unsupported"),
        (
            "stream.mp4",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
            "file_unsupported",
        ),
        ("noise.mp4", np.random.default_rng(1).bytes(50_000), "file_unsupported"),
        ("bomb.png", png_bomb(), "image_too_large"),
        ("cut.png", png_bomb()[:40], "image_truncated"),
    ],
)
def test_what_is_no_film_is_refused_in_words(tmp_path, name, content, code) -> None:
    error = refused(tmp_path, name, content)
    assert error.code == code
    assert "expected" in str(error)
    assert str(tmp_path) not in str(error)


def test_a_film_without_its_index_is_refused(tmp_path) -> None:
    whole = write_film(tmp_path / "whole.mp4", 20).read_bytes()
    assert refused(tmp_path, "cut.mp4", whole[: len(whole) // 2]).code == "file_unsupported"


def test_sound_alone_is_no_film(tmp_path) -> None:
    import av

    with av.open(str(tmp_path / "talk.mp4"), "w") as target:
        stream = target.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        target.mux(stream.encode(frame))
        target.mux(stream.encode())
    assert refused(tmp_path, "voice.mp4", (tmp_path / "talk.mp4").read_bytes()).code == "no_video"


def test_a_film_that_is_cut_off_is_redacted_as_far_as_it_goes(tmp_path) -> None:
    whole = transport_stream(tmp_path).read_bytes()
    source = tmp_path / "cut.ts"
    source.write_bytes(whole[: len(whole) * 6 // 10])
    shown = frames_of(Case(tmp_path / "job", source).all())
    assert 25 <= len(shown) <= 45
    assert max(detail_left(image, i) for i, (_, image) in enumerate(shown)) < 0.35


def test_a_cut_off_film_with_its_index_in_front_is_marked_partial(tmp_path) -> None:
    source = tmp_path / "front.mp4"
    write_film(tmp_path / "back.mkv", 60)  # Matroska says its length in front
    whole = (tmp_path / "back.mkv").read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    case = Case(tmp_path / "job", source)
    case.all()
    report = case.report()
    assert report["partial"] is True
    assert report["unreadable_s"][-1][1] == pytest.approx(6.0, abs=0.3)


def test_a_damaged_middle_is_covered_whole_and_named_in_the_report(tmp_path) -> None:
    source = write_film(tmp_path / "whole.mp4", 60, gop=10)
    content = bytearray(source.read_bytes())
    start, end = int(len(content) * 0.4), int(len(content) * 0.5)
    content[start:end] = np.random.default_rng(2).bytes(end - start)
    source.write_bytes(bytes(content))
    case = Case(tmp_path / "job", source)
    shown = frames_of(case.all())
    report = case.report()
    assert report["partial"] is True
    assert report["unreadable_s"]
    assert 40 <= len(shown) <= 60
    by_time = {round(float(at) * 10): image for at, image in shown}
    assert max(detail_left(image, number) for number, image in by_time.items()) < 0.5
    assert {0, 1, 2, 57, 58, 59} <= by_time.keys()


def test_a_film_that_changes_its_size_keeps_the_first_one(tmp_path) -> None:
    first = write_film(tmp_path / "a.ts", 20).read_bytes()
    second = write_film(tmp_path / "b.ts", 20, size=(256, 160)).read_bytes()
    source = tmp_path / "both.ts"
    source.write_bytes(first + second)
    shown = frames_of(Case(tmp_path / "job", source).all())
    assert {image.shape[:2] for _, image in shown} == {(128, 192)}
    assert len(shown) >= 38
