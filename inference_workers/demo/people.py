"""A walking figure with a real face, so that face detection fires and its cover can be seen."""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from inference_workers.demo.canvas import (
    Colour,
    Image,
    Sprite,
    blit,
    disc,
    polygon,
    scaled,
    shadow,
    sprite,
)

Point = tuple[float, float]

HEAD_SHARE = 0.135  # of the figure's height, chin to crown
# Outline of head and neck in the 512x512 picture, drawn by hand.
_OUTLINE = np.array(
    [
        *[(190, 32), (225, 16), (260, 20), (290, 43), (302, 77), (297, 107), (280, 128), (270, 137)],
        *[(267, 150), (257, 170), (253, 184), (225, 192), (195, 184), (185, 167), (180, 143)],
        *[(177, 130), (160, 110), (153, 87), (155, 63), (170, 40)],
    ]
)
_CROP_TOP, _CROP_BOTTOM, _CROP_LEFT, _CROP_RIGHT = 10, 198, 146, 308
_HEAD_TOP, _CHIN = 16, 178


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a figure wears; `brightness` is that of the face (the light it stands in)."""

    coat: Colour
    trousers: Colour
    shoes: Colour = (40, 36, 34)
    skin: Colour = (150, 178, 214)
    brightness: float = 1.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a figure stands. `phase` runs 0..2π per two steps; `facing` is 1 to the right, -1 to the left."""

    foot: Point
    height_px: float
    phase: float
    facing: int = 1
    striding: float = 1.0


@cache
def face() -> Sprite:
    """The head of the astronaut picture, cut out."""
    from skimage import data

    rgb: Image = data.astronaut()  # type: ignore[no-untyped-call]
    picture = rgb[..., ::-1]
    outline = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(outline, [_OUTLINE], 255, cv2.LINE_AA)
    mask = cv2.GaussianBlur(cv2.erode(outline, np.ones((3, 3), np.uint8)), (5, 5), 0)
    cut = (slice(_CROP_TOP, _CROP_BOTTOM), slice(_CROP_LEFT, _CROP_RIGHT))
    return sprite(picture[cut], (mask[cut] / 255.0).astype(np.float32))


@cache
def _ground_shadow(width_px: int) -> Sprite:
    return shadow(width_px, max(4, width_px // 5))


@dataclass(frozen=True, slots=True)
class _Swing:
    """How one limb hangs: where it starts, its angle forward in radians, and how far the foot is lifted."""

    start: Point
    angle: float
    colour: Colour
    lift: float = 0.0


def draw_figure(canvas: Image, pose: Pose, outfit: Outfit) -> None:
    """Draw one figure, far limbs first."""
    height = pose.height_px
    bob = abs(math.sin(pose.phase)) * 0.012 * height * pose.striding
    x, y = pose.foot[0], pose.foot[1] - bob
    hip, shoulder = (x, y - 0.48 * height), (x, y - 0.815 * height)
    width = max(8, round(0.42 * height / 8) * 8)
    blit(canvas, _ground_shadow(width), round(x - width / 2), round(pose.foot[1] - width / 10))
    swing = math.sin(pose.phase) * 0.46 * pose.striding
    lean = 0.02 * height * pose.facing
    lift = math.cos(pose.phase)
    _arm(canvas, _Swing((shoulder[0] - lean, shoulder[1]), swing, _darker(outfit.coat)), pose, outfit)
    _leg(canvas, _Swing(hip, -swing, _darker(outfit.trousers), lift), pose, outfit)
    _leg(canvas, _Swing(hip, swing, outfit.trousers, -lift), pose, outfit)
    _torso(canvas, hip, shoulder, height, outfit)
    _head(canvas, shoulder, pose, outfit)
    _arm(canvas, _Swing((shoulder[0] + lean, shoulder[1]), -swing, outfit.coat), pose, outfit)


def _darker(colour: Colour, factor: float = 0.68) -> Colour:
    blue, green, red = (round(part * factor) for part in colour)
    return blue, green, red


def _lighter(colour: Colour) -> Colour:
    blue, green, red = (round(part + (255 - part) * 0.22) for part in colour)
    return blue, green, red


def _limb(canvas: Image, a: Point, b: Point, widths: Point, colour: Colour) -> None:
    """A tapered limb with a lighter edge towards the light (upper left)."""
    length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
    nx, ny = -(b[1] - a[1]) / length, (b[0] - a[0]) / length
    if nx > 0:
        nx, ny = -nx, -ny
    near, far = widths[0] / 2, widths[1] / 2
    disc(canvas, a, near, colour)
    disc(canvas, b, far, colour)
    edge = [(a[0] + nx * near, a[1] + ny * near), (b[0] + nx * far, b[1] + ny * far)]
    other = [(b[0] - nx * far, b[1] - ny * far), (a[0] - nx * near, a[1] - ny * near)]
    polygon(canvas, edge + other, colour)
    inner = [
        (b[0] + nx * far * 0.45, b[1] + ny * far * 0.45),
        (a[0] + nx * near * 0.45, a[1] + ny * near * 0.45),
    ]
    polygon(canvas, edge + inner, _lighter(colour))


def _leg(canvas: Image, swing: _Swing, pose: Pose, outfit: Outfit) -> None:
    height, hip, colour = pose.height_px, swing.start, swing.colour
    forward = swing.angle * pose.facing
    bend = max(0.0, swing.lift) * 0.75 * pose.striding
    knee = (hip[0] + math.sin(forward) * 0.25 * height, hip[1] + math.cos(forward) * 0.25 * height)
    low = forward - bend * pose.facing
    ankle = (knee[0] + math.sin(low) * 0.225 * height, knee[1] + math.cos(low) * 0.225 * height)
    toe = (ankle[0] + 0.055 * height * pose.facing, ankle[1] + 0.008 * height)
    _limb(canvas, ankle, toe, (0.036 * height, 0.03 * height), outfit.shoes)
    _limb(canvas, knee, ankle, (0.066 * height, 0.046 * height), colour)
    _limb(canvas, hip, knee, (0.088 * height, 0.066 * height), colour)


def _arm(canvas: Image, swing: _Swing, pose: Pose, outfit: Outfit) -> None:
    height, colour = pose.height_px, swing.colour
    forward = swing.angle * pose.facing * 0.9
    start = (swing.start[0], swing.start[1] + 0.02 * height)
    elbow = (start[0] + math.sin(forward) * 0.17 * height, start[1] + math.cos(forward) * 0.17 * height)
    low = forward + 0.35 * pose.facing
    hand = (elbow[0] + math.sin(low) * 0.15 * height, elbow[1] + math.cos(low) * 0.15 * height)
    _limb(canvas, elbow, hand, (0.05 * height, 0.036 * height), colour)
    disc(canvas, hand, 0.021 * height, outfit.skin)
    _limb(canvas, start, elbow, (0.06 * height, 0.05 * height), colour)


def _torso(canvas: Image, hip: Point, shoulder: Point, height: float, outfit: Outfit) -> None:
    wide, narrow = 0.115 * height, 0.088 * height
    top, bottom = shoulder[1], hip[1] + 0.05 * height
    left = [(hip[0] - narrow, bottom), (hip[0] - narrow * 0.96, hip[1] - 0.08 * height)]
    right = [(hip[0] + narrow * 0.96, hip[1] - 0.08 * height), (hip[0] + narrow, bottom)]
    collar = 0.05 * height
    upper = [
        (shoulder[0] - wide, top + 0.035 * height),
        (shoulder[0] - collar, top - 0.018 * height),
        (shoulder[0] + collar, top - 0.018 * height),
        (shoulder[0] + wide, top + 0.035 * height),
    ]
    polygon(canvas, left + upper + right, outfit.coat)
    polygon(
        canvas, [*left, upper[0], (shoulder[0] - wide * 0.55, top + 0.02 * height)], _lighter(outfit.coat)
    )
    seam = hip[0]
    polygon(
        canvas,
        [(seam - 1, top), (seam + 1, top), (seam + 1, bottom), (seam - 1, bottom)],
        _darker(outfit.coat, 0.8),
    )


def _head(canvas: Image, shoulder: Point, pose: Pose, outfit: Outfit) -> None:
    head_px = HEAD_SHARE * pose.height_px
    factor = head_px / (_CHIN - _HEAD_TOP)
    item = scaled(face(), factor, outfit.brightness, mirrored=pose.facing < 0)
    width, _height = item.size_wh
    top = shoulder[1] - 0.012 * pose.height_px - (_CHIN - _CROP_TOP) * factor
    blit(canvas, item, round(shoulder[0] - width / 2), round(top))
