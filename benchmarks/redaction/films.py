"""Writes scenes as films and reads films back, frame by frame; nothing is held in memory as a whole."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.redaction.scene import Scene, paint
from benchmarks.redaction.sequences import FPS
from benchmarks.redaction.truth import Face, Labels, Truth, load_truth
from inference_workers.engine.frame import Image


@dataclass(frozen=True, slots=True)
class Shape:
    """What must be the same before and after: frames, size, and time stamps in seconds from the first."""

    frames: int
    size_wh: tuple[int, int]
    stamps_s: tuple[float, ...]


def make_film(scene: Scene, folder: Path) -> tuple[Path, Truth]:
    """Paint a scene into `folder`, once: a second call reads what the first has written."""
    path = folder / f"{scene.name}.mp4"
    if path.is_file():
        return path, load_truth(folder, scene.name)
    folder.mkdir(parents=True, exist_ok=True)
    truth = make_reel(path, [scene], scene.crf)
    truth.save(folder)
    return path, truth


def make_reel(path: Path, scenes: Sequence[Scene], crf: int) -> Truth:
    """Scenes one after the other in one film; everybody keeps a number of their own."""
    size_wh = scenes[0].size_wh
    frames: list[tuple[Face, ...]] = []
    labels: list[Labels] = []
    first = 0
    with Writer(path, size_wh, crf) as writer:
        for scene in scenes:
            for number in range(scene.length):
                painted = paint(scene, number)
                writer.add(painted.image)
                frames.append(tuple(replace(face, person=face.person + first) for face in painted.faces))
                labels.append(np.where(painted.labels > 0, painted.labels + first, 0).astype(np.uint8))
            first += len(scene.people)
    return Truth(path.stem, size_wh, tuple(frames), np.stack(labels))


class Writer:
    """H.264 at `FPS`; the film has its name only when it is whole."""

    def __init__(self, path: Path, size_wh: tuple[int, int], crf: int) -> None:
        self._path = path
        self._part = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
        self._container = av.open(str(self._part), "w")
        stream = self._container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1"}
        self._stream = stream

    def __enter__(self) -> "Writer":
        return self

    def add(self, image: Image) -> None:
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        self._container.mux(self._stream.encode(frame))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if kind is None:
            self._part.rename(self._path)


def read_film(path: Path) -> Iterator[Image]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def shape_of(path: Path) -> Shape:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stamps = [frame.time for frame in container.decode(stream) if frame.time is not None]
        size = (stream.codec_context.width, stream.codec_context.height)
    first = min(stamps, default=0.0)
    return Shape(len(stamps), size, tuple(round(stamp - first, 4) for stamp in stamps))
