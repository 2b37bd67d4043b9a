"""Paints people who move over a backdrop, and writes down exactly where each face is to be seen."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.redaction.heads import Cut, Head, turned
from benchmarks.redaction.truth import Face, Labels
from inference_workers.engine.frame import Image

FRONTAL_YAW = math.radians(20)
FRONTAL_ROLL = math.radians(20)
FRONTAL_SMEAR = 0.12
# Of the pixels of a whole face this share is left by rounding alone, at 12 px.
_WHOLE = 0.93

Backdrop = Callable[[int], Image]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a face is: its middle and height in pixels, angles in radians, `smear_px` its motion's trail."""

    x: float
    y: float
    height_px: float
    yaw: float = 0.0
    roll: float = 0.0
    smear_px: tuple[float, float] = (0.0, 0.0)
    light: float = 1.0


@dataclass(frozen=True, slots=True)
class Person:
    """`pose` gives where the face is in a frame, or None while the person is not there."""

    head: Head
    pose: Callable[[int], Pose | None]
    coat_bgr: tuple[int, int, int] = (70, 60, 55)


@dataclass(frozen=True, slots=True)
class Thing:
    """A pillar, a sign, a van: a picture whose upper left corner is at `place`; it stands in front."""

    picture: Image
    place: Callable[[int], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the camera does to the picture: gain, noise (sigma in grey levels), flicker of the light."""

    gain: float = 1.0
    noise: float = 2.0
    flicker: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """People are drawn in their order, each over those before; things over all of them."""

    name: str
    size_wh: tuple[int, int]
    length: int
    backdrop: Backdrop
    people: Sequence[Person]
    things: Sequence[Thing] = ()
    sensor: Sensor = field(default_factory=Sensor)
    crf: int = 16
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Painted:
    """One frame: picture, whose face each pixel shows (1 + number of the person), and the faces."""

    image: Image
    labels: Labels
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class Laid:
    """A head that has been drawn; `matrix` (2, 3) takes pixels of the cut into the picture."""

    index: int
    head: Head
    pose: Pose
    cut: Cut
    matrix: NDArray[np.float32]


def paint(scene: Scene, number: int) -> Painted:
    width, height = scene.size_wh
    canvas = scene.backdrop(number).astype(np.float32)
    labels = np.zeros((height, width), np.uint8)
    drawn: list[Laid] = []
    for index, person in enumerate(scene.people):
        pose = person.pose(number)
        if pose is not None:
            _body(canvas, labels, pose, person.coat_bgr)
            cut, matrix = _placed(person.head, pose)
            _lay(canvas, labels, cut, matrix, index + 1)
            drawn.append(Laid(index, person.head, pose, cut, matrix))
    for thing in scene.things:
        _put(canvas, labels, thing, number)
    faces = tuple(face for face in (_face(laid, labels) for laid in drawn) if _touches(face, scene.size_wh))
    return Painted(_exposed(canvas, scene, number), labels, faces)


def _placed(head: Head, pose: Pose) -> tuple[Cut, NDArray[np.float32]]:
    """The head in its size, and the (2, 3) matrix that lays it into the picture."""
    cut = turned(head, pose.yaw, pose.height_px)
    high, wide = cut.alpha.shape
    cosine, sine = math.cos(pose.roll), math.sin(pose.roll)
    middle = np.array([(wide - 1) / 2, (high - 1) / 2])
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([pose.x, pose.y]) - rotation @ middle
    smeared = _smeared(cut, pose.smear_px)
    lit = Cut(smeared.colour * pose.light, smeared.alpha, smeared.face)
    return lit, np.column_stack([rotation, shift]).astype(np.float32)


def _smeared(cut: Cut, smear_px: tuple[float, float]) -> Cut:
    length = math.hypot(*smear_px)
    if length < 1.0:
        return cut
    kernel = _trail(smear_px)
    pad = kernel.shape[0] // 2
    layers = [
        cv2.copyMakeBorder(layer, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
        for layer in (cut.colour, cut.alpha, cut.face)
    ]
    colour, alpha = (cv2.filter2D(layer, -1, kernel) for layer in layers[:2])
    return Cut(np.asarray(colour), np.asarray(alpha), np.asarray(layers[2]))


def _trail(smear_px: tuple[float, float]) -> NDArray[np.float32]:
    """A line of the given direction and length through the middle of a square, its sum 1."""
    half = math.ceil(max(map(abs, smear_px)) / 2) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    start = (round((half - smear_px[0] / 2) * 16), round((half - smear_px[1] / 2) * 16))
    end = (round((half + smear_px[0] / 2) * 16), round((half + smear_px[1] / 2) * 16))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _lay(
    canvas: NDArray[np.float32], labels: Labels, cut: Cut, matrix: NDArray[np.float32], mark: int
) -> None:
    part, inner = _window(canvas.shape[:2], cut.alpha.shape, matrix)
    if part is None:
        return
    size = (part[1].stop - part[1].start, part[0].stop - part[0].start)
    colour, alpha, face = (
        cv2.warpAffine(layer, inner, size, flags=cv2.INTER_LINEAR)
        for layer in (cut.colour, cut.alpha, cut.face)
    )
    canvas[part] = canvas[part] * (1 - alpha[..., None]) + colour
    seen = labels[part]
    seen[alpha > 0.5] = 0
    seen[face > 0.5] = mark


def _window(
    shape: tuple[int, int], cut_shape: tuple[int, int], matrix: NDArray[np.float32]
) -> tuple[tuple[slice, slice] | None, NDArray[np.float32]]:
    """The part of the canvas that the laid picture touches, and the matrix seen from its corner."""
    high, wide = cut_shape
    corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]]) @ matrix.T
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    top = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, (shape[1], shape[0]))
    if (low >= top).any():
        return None, matrix
    inner = matrix.copy()
    inner[:, 2] -= low
    return (slice(int(low[1]), int(top[1])), slice(int(low[0]), int(top[0]))), inner


def _body(canvas: NDArray[np.float32], labels: Labels, pose: Pose, coat: tuple[int, int, int]) -> None:
    """Neck, shoulders and a coat, so that a head belongs to somebody."""
    high = pose.height_px
    neck, base = pose.y + 0.45 * high, pose.y + 4.4 * high
    outline = [
        (-0.22, neck), (0.22, neck), (0.28, neck + 0.32 * high), (0.95, neck + 0.55 * high),
        (1.1, neck + 1.3 * high), (0.85, base), (-0.85, base), (-1.1, neck + 1.3 * high),
        (-0.95, neck + 0.55 * high), (-0.28, neck + 0.32 * high),
    ]  # fmt: skip
    points = np.array([[(pose.x + u * high) * 16, y * 16] for u, y in outline]).round().astype(np.int32)
    light = pose.light
    cv2.fillPoly(canvas, [points], tuple(part * light for part in coat), cv2.LINE_AA, 4)
    cv2.fillPoly(labels, [points], 0, cv2.LINE_8, 4)


def _put(canvas: NDArray[np.float32], labels: Labels, thing: Thing, number: int) -> None:
    left, top = (round(side) for side in thing.place(number))
    high, wide = thing.picture.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + wide, canvas.shape[1]), min(top + high, canvas.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    canvas[y1:y2, x1:x2] = thing.picture[y1 - top : y2 - top, x1 - left : x2 - left]
    labels[y1:y2, x1:x2] = 0


def _face(laid: Laid, labels: Labels) -> Face:
    """Where the face would be if nothing stood before it, and how much of it is to be seen."""
    pose = laid.pose
    rows, columns = np.nonzero(laid.cut.face > 0.5)
    points = np.column_stack([columns, rows, np.ones(len(rows))]) @ laid.matrix.T
    low, top = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    visible = min(1.0, np.count_nonzero(labels == laid.index + 1) / max(len(rows), 1))
    turned_away = max(abs(pose.yaw) / FRONTAL_YAW, abs(pose.roll) / FRONTAL_ROLL) >= 1
    smeared = math.hypot(*pose.smear_px) >= FRONTAL_SMEAR * pose.height_px
    frontal = bool(laid.head.frontal and visible >= _WHOLE and not turned_away and not smeared)
    return Face(laid.index, (float(low[0]), float(low[1]), float(top[0]), float(top[1])), visible, frontal)


def _touches(face: Face, size_wh: tuple[int, int]) -> bool:
    left, top, right, bottom = face.box_xyxy
    return right > 0 and bottom > 0 and left < size_wh[0] and top < size_wh[1]


def _exposed(canvas: NDArray[np.float32], scene: Scene, number: int) -> Image:
    sensor = scene.sensor
    random = np.random.default_rng((scene.seed, number))
    gain = sensor.gain * (1 + sensor.flicker * random.uniform(-1, 1))
    noise = random.standard_normal(canvas.shape, np.float32) * sensor.noise
    return np.clip(canvas * gain + noise, 0, 255).astype(np.uint8)
