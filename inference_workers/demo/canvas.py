"""Drawing on uint8 BGR pictures: gradients, floors in perspective, shadows, sprites, grain."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]  # blue, green, red

WIDTH_PX, HEIGHT_PX = 1280, 720
_SHIFT = 4  # fractional bits of a coordinate: movement below one pixel looks smooth
_GRAIN_PICTURES = 6


@dataclass(frozen=True, slots=True)
class Sprite:
    """Premultiplied colour, float32 (H, W, 3), and the share of the background that stays, (H, W, 1)."""

    colour: npt.NDArray[np.float32]
    keep: npt.NDArray[np.float32]

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.keep.shape[1], self.keep.shape[0]


def sprite(image: Image, alpha: npt.NDArray[np.float32]) -> Sprite:
    """`image` BGR and `alpha` 0..1 of the same height and width."""
    weight = alpha[..., None]
    return Sprite((image * weight).astype(np.float32), (1 - weight).astype(np.float32))


def scaled(source: Sprite, factor: float, brightness: float = 1.0, mirrored: bool = False) -> Sprite:
    """The sprite at another size; never smaller than 2 pixels."""
    width, height = (max(2, round(side * factor)) for side in source.size_wh)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    colour = (cv2.resize(source.colour, (width, height), interpolation=method) * brightness).astype(
        np.float32
    )
    keep = cv2.resize(source.keep, (width, height), interpolation=method)[..., None].astype(np.float32)
    if mirrored:
        colour, keep = colour[:, ::-1], keep[:, ::-1]
    return Sprite(colour, keep)


def blit(canvas: Image, item: Sprite, left: int, top: int) -> None:
    """Lay a sprite over the canvas; what lies outside is cut."""
    width, height = item.size_wh
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    part = (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left))
    below = canvas[y1:y2, x1:x2]
    mixed = below * item.keep[part] + item.colour[part]
    np.clip(mixed, 0, 255, out=mixed)
    canvas[y1:y2, x1:x2] = mixed


def gradient(top: Colour, bottom: Colour, height: int = HEIGHT_PX, width: int = WIDTH_PX) -> Image:
    """A vertical gradient with a touch of dither, so that no bands show."""
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    start, end = np.array(top, np.float32), np.array(bottom, np.float32)
    plane = np.repeat(start + (end - start) * share, width, axis=1)
    plane += np.random.default_rng(1).uniform(-0.7, 0.7, plane.shape[:2])[..., None]
    drawn: Image = np.clip(plane, 0, 255).astype(np.uint8)
    return drawn


@dataclass(frozen=True, slots=True)
class Ground:
    """Colours of a floor next to the camera and at the horizon, and of its joints."""

    near: Colour
    far: Colour
    joints: Colour
    tiles: int = 9


def floor(canvas: Image, horizon_px: int, ground: Ground) -> None:
    """A tiled floor from the horizon down, in central perspective."""
    height, width = canvas.shape[:2]
    canvas[horizon_px:] = gradient(ground.far, ground.near, height - horizon_px, width)
    vanishing = (width / 2, horizon_px - 90.0)
    for x in np.linspace(-2.2 * width, 3.2 * width, ground.tiles * 5):
        line(canvas, crossing(vanishing, (x, height * 1.0), horizon_px), (x, height * 1.0), ground.joints, 1)
    for k in range(1, 16):
        y = horizon_px + (height - horizon_px) * (1.18 / (1 + 0.42 * k) - 0.02)
        line(canvas, (0.0, y), (float(width), y), ground.joints, 1)


def crossing(a: tuple[float, float], b: tuple[float, float], y: float) -> tuple[float, float]:
    """Where the line through `a` and `b` has the height `y`."""
    share = (y - a[1]) / (b[1] - a[1])
    return a[0] + (b[0] - a[0]) * share, y


def fixed(point: tuple[float, float]) -> tuple[int, int]:
    """A point in OpenCV's fixed-point form for `shift=4`."""
    return round(point[0] * (1 << _SHIFT)), round(point[1] * (1 << _SHIFT))


def line(
    canvas: Image, a: tuple[float, float], b: tuple[float, float], colour: Colour, thickness: int
) -> None:
    cv2.line(canvas, fixed(a), fixed(b), colour, thickness, cv2.LINE_AA, _SHIFT)


def polygon(canvas: Image, points: list[tuple[float, float]], colour: Colour) -> None:
    cv2.fillPoly(canvas, [np.array([fixed(point) for point in points])], colour, cv2.LINE_AA, _SHIFT)


def disc(canvas: Image, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    cv2.circle(
        canvas, fixed(centre), round(max(radius, 0.5) * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT
    )


def box(  # noqa: PLR0917 - the four sides read best in a row
    canvas: Image, left: float, top: float, right: float, bottom: float, colour: Colour
) -> None:
    polygon(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], colour)


def glow(canvas: Image, centre: tuple[int, int], radius_px: int, strength: float) -> None:
    """Brighten (or with a negative strength darken) a soft round patch."""
    ys, xs = np.ogrid[: canvas.shape[0], : canvas.shape[1]]
    distance = ((xs - centre[0]) ** 2 + (ys - centre[1]) ** 2) / float(radius_px) ** 2
    factor = 1 + strength * np.exp(-distance).astype(np.float32)
    canvas[:] = np.clip(canvas * factor[..., None], 0, 255)


def shadow(width_px: int, height_px: int, strength: float = 0.45) -> Sprite:
    """A soft dark ellipse to lay under whatever stands on the floor."""
    ys, xs = np.mgrid[-1 : 1 : height_px * 1j, -1 : 1 : width_px * 1j]
    alpha = strength * np.clip(1.25 * np.exp(-3.0 * (xs**2 + ys**2)) - 0.06, 0, 1)
    return sprite(np.zeros((height_px, width_px, 3), np.uint8), alpha.astype(np.float32))


class Grain:
    """Sensor noise: a few pictures of it, taken in turn and shifted, because drawing it anew costs more."""

    def __init__(self, sigma: float, seed: int) -> None:
        generator = np.random.default_rng(seed)
        shape = (_GRAIN_PICTURES, HEIGHT_PX + 32, WIDTH_PX + 32, 1)
        self._noise = np.repeat(
            (generator.standard_normal(shape, np.float32) * sigma).astype(np.int8), 3, axis=3
        )
        self._generator = generator

    def add(self, canvas: Image, index: int) -> None:
        dx, dy = self._generator.integers(0, 32, 2)
        layer = self._noise[index % _GRAIN_PICTURES, dy : dy + HEIGHT_PX, dx : dx + WIDTH_PX]
        cv2.add(canvas, layer, dst=canvas, dtype=cv2.CV_8U)
