"""Films that tests draw, and a looker that knows where the drawn face is."""

import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from inference_workers.contracts import redactions as keys
from inference_workers.contracts.lease import ModelRef, RedactionPolicy
from inference_workers.contracts.redactions import (
    RedactionEdit,
    RedactionJob,
    RedactionKind,
    RedactionOptions,
    RedactionReply,
    RedactionStep,
)
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.engine.films.looking import Looker
from inference_workers.engine.films.steps import Steps
from inference_workers.engine.frame import Detections
from inference_workers.engine.second_look import ModelLooker

WIDTH, HEIGHT, FPS = 192, 128, 10
FACE_PX = 32
FACE = ModelRef("v1", "drawn", "drawn", "0" * 64)
_BLOCKS = np.random.default_rng(7).integers(0, 255, (FACE_PX // 4, FACE_PX // 4, 3), np.uint8)
_PATTERN = np.ascontiguousarray(_BLOCKS.repeat(4, axis=0).repeat(4, axis=1))
_GROUND = np.random.default_rng(8).integers(90, 120, (HEIGHT, WIDTH, 3), np.uint8)


def face_left(number: int) -> int:
    """Where the drawn face begins in frame `number`: it walks to the right and comes back in at the left."""
    return number * 3 % (WIDTH - FACE_PX)


def face_xyxy(number: int) -> tuple[int, int, int, int]:
    left = face_left(number)
    return left, 40, left + FACE_PX, 40 + FACE_PX


def picture(number: int, *, size: tuple[int, int] = (WIDTH, HEIGHT), shade: int = 0) -> np.ndarray:
    """uint8 BGR; the face is a square of coloured blocks."""
    image = np.resize(_GROUND, (size[1], size[0], 3)) + np.uint8(shade)
    left, top, right, bottom = face_xyxy(number)
    image[top:bottom, left:right] = _PATTERN
    return np.ascontiguousarray(image)


def write_film(
    path: Path,
    frames: int = 40,
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    time_base: Fraction = Fraction(1, 10_240),
    stamps: list[int] | None = None,
    gop: int = 10,
    sound: bool = False,
    rotation_deg: int = 0,
) -> Path:
    """H.264 with the drawn face; `stamps` are time stamps in units of `time_base`."""
    with av.open(str(path), "w") as target:
        odd = size[0] % 2 or size[1] % 2
        stream = target.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p" if odd else "yuv420p"
        stream.time_base = stream.codec_context.time_base = time_base
        stream.gop_size = gop
        if rotation_deg:
            stream.set_display_rotation(-rotation_deg)
        audio = target.add_stream("aac", rate=8000) if sound else None
        step = int(Fraction(1, FPS) / time_base)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, size=size), "bgr24")
            frame.pts = number * step if stamps is None else stamps[number]
            frame.time_base = time_base
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
        if audio is not None:
            _write_sound(target, audio, frames)
    return path


def _write_sound(target: av.container.OutputContainer, stream: av.AudioStream, frames: int) -> None:
    for number in range(frames * 8000 // FPS // 1024):
        noise = np.random.default_rng(number).normal(0, 0.1, (1, 1024)).astype(np.float32)
        part = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        part.sample_rate, part.pts = 8000, number * 1024
        target.mux(stream.encode(part))
    target.mux(stream.encode())


class DrawnFaces:
    """Finds the drawn face by its pattern; blinks in the frames whose face begins at one of `blind`."""

    classes = ("face",)

    def __init__(self, blind: frozenset[int] = frozenset()) -> None:
        self._blind = blind
        self.looks = 0

    def detect(self, images: list[np.ndarray]) -> list[Detections]:
        return [self._one(image) for image in images]

    def _one(self, image: np.ndarray) -> Detections:
        import cv2

        self.looks += 1
        scale = image.shape[1] // WIDTH or 1
        pattern = cv2.resize(_PATTERN, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        match = cv2.matchTemplate(image, pattern, cv2.TM_CCOEFF_NORMED)
        _, best, _, at = cv2.minMaxLoc(match)
        if best < 0.5 or round(at[0] / scale) in self._blind:
            return Detections.empty(self.classes)
        side = FACE_PX * scale
        box = np.array([[at[0], at[1], at[0] + side, at[1] + side]], np.float32)
        return Detections(box, np.array([0.9], np.float32), np.zeros(1, np.int32), self.classes)


class Case:
    """One job in a folder of its own, driven step by step as the ledger does."""

    def __init__(
        self, root: Path, film: Path, blind: frozenset[int] = frozenset(), **options: object
    ) -> None:
        self.folder = WorkFolder(root)
        options = {"policy": RedactionPolicy()} | options
        self.job = RedactionJob("job-1", (FACE,), options=RedactionOptions(**options))
        self.faces = DrawnFaces(blind)
        self.second = DrawnFaces()
        self.steps = Steps(
            self.folder,
            lambda step: Looker((self.faces,)),
            lambda step: (ModelLooker(self.second, "second", 0.5),),
        )
        place = self.folder.path(keys.input_key("job-1"))
        place.parent.mkdir(parents=True)
        place.write_bytes(film.read_bytes())

    def step(self, kind: RedactionKind, **changes: object) -> RedactionReply:
        step = RedactionStep(self.job, kind, 1, time.time() + 60, **changes)
        return self.steps.run(step)

    def probe(self) -> int:
        """Number of segments."""
        film = self.step(RedactionKind.PROBE).film
        assert film is not None
        return len(film.segment_frames)

    def analyse(self) -> int:
        count = self.probe()
        for i in range(count):
            self.step(RedactionKind.ANALYSE, segment=i)
        return count

    def finish(self, revision: int = 0, edits: tuple[RedactionEdit, ...] = ()) -> RedactionReply:
        """Stitch, render what is not rendered yet, join."""
        covers = self.step(RedactionKind.STITCH, revision=revision, edits=edits).covers
        for i, name in enumerate(covers):
            if not self.folder.has(keys.rendered_key("job-1", i, name)):
                self.step(RedactionKind.RENDER, segment=i, covers=(name,))
        return self.step(RedactionKind.MUX, revision=revision, covers=covers)

    def all(self) -> Path:
        """The result's path."""
        self.analyse()
        return self.folder.path(self.finish().output_key)

    def tracks(self, revision: int = 0) -> dict:
        return self.folder.read_json(keys.tracks_key("job-1", revision))

    def report(self, revision: int = 0) -> dict:
        return self.folder.read_json(keys.report_key("job-1", revision))


def frames_of(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    """(seconds, BGR) of every frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            (frame.pts * stream.time_base, frame.to_ndarray(format="bgr24"))
            for frame in container.decode(stream)
        ]


def detail_left(image: np.ndarray, number: int) -> float:
    """Correlation of the drawn face's pattern with what the picture shows in its place."""
    left, top, right, bottom = face_xyxy(number)
    shown = image[top:bottom, left:right].astype(np.float64).ravel()
    drawn = _PATTERN.astype(np.float64).ravel()
    if shown.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(shown, drawn)[0, 1])
