"""A corridor at night: little light, much noise, two people cross."""

import math

import numpy as np
import numpy.typing as npt

from inference_workers.contracts.lease import ZoneKind
from inference_workers.demo.canvas import HEIGHT_PX, WIDTH_PX, Grain, Image, box, glow, line, polygon
from inference_workers.demo.people import Outfit, Pose, draw_figure
from inference_workers.demo.scene import DemoCamera, DemoZone, rectangle

_CENTRE = (640.0, 300.0)
_GUARD = Outfit(coat=(96, 70, 60), trousers=(60, 54, 50), brightness=0.82)
_CLEANER = Outfit(coat=(84, 104, 76), trousers=(70, 64, 60), brightness=0.74)


class Corridor:
    camera = DemoCamera(
        "corridor",
        "Corridor, night",
        "Inside",
        zones=(DemoZone("Corridor", ZoneKind.WATCH, rectangle(120, 200, 1160, 720)),),
    )

    def __init__(self) -> None:
        self._scene = _scenery()
        self._light = _light()
        self._grain = Grain(5.0, seed=14)

    def draw(self, at_s: float, index: int) -> Image:
        canvas = self._scene.copy()
        for pose, outfit in sorted(_figures(at_s), key=lambda figure: figure[0].foot[1]):
            draw_figure(canvas, pose, outfit)
        np.multiply(canvas, self._light, out=canvas, casting="unsafe")
        self._grain.add(canvas, index)
        return canvas


def _figures(at_s: float) -> list[tuple[Pose, Outfit]]:
    figures = []
    if at_s < 17:
        share = at_s / 17
        figures.append((_pose(share, (-120, 760, 560), (1400, 800, 640), 26, 1), _GUARD))
    if 2 <= at_s < 18:
        share = (at_s - 2) / 16
        figures.append((_pose(share, (1400, 640, 440), (-120, 620, 410), 26, -1), _CLEANER))
    if 22 <= at_s < 38:
        share = (at_s - 22) / 16
        figures.append((_pose(share, (660, 420, 190), (560, 1010, 900), 22, -1), _GUARD))
    return figures


def _pose(
    share: float,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    steps: float,
    facing: int,
) -> Pose:
    x, y, height = (a + (b - a) * share for a, b in zip(start, end, strict=True))
    return Pose((x, y), height, share * steps * math.pi, facing)


def _scenery() -> Image:
    canvas = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    far = (520.0, 190.0, 760.0, 430.0)
    left, top, right, bottom = far
    polygon(canvas, [(0, 0), (left, top), (left, bottom), (0, 720)], (142, 138, 128))
    polygon(canvas, [(1280, 0), (right, top), (right, bottom), (1280, 720)], (132, 128, 118))
    polygon(canvas, [(0, 0), (1280, 0), (right, top), (left, top)], (112, 108, 102))
    polygon(canvas, [(0, 720), (1280, 720), (right, bottom), (left, bottom)], (100, 106, 112))
    box(canvas, left, top, right, bottom, (84, 82, 80))
    for k in range(1, 9):
        depth = 1 / (1 + 0.5 * k)
        y = bottom + (720 - bottom) * (depth * 1.5 - 0.25)
        line(
            canvas,
            _toward(0, 720, (y - bottom) / (720 - bottom)),
            _toward(1280, 720, (y - bottom) / (720 - bottom)),
            (88, 94, 100),
            1,
        )
    for x in (160, 420, 860, 1120):
        line(canvas, (float(x) * 3 - 1280, 720), (520 + x * 240 / 1280, bottom), (88, 94, 100), 1)
    for near, away, side in ((0.72, 0.5, 0), (0.36, 0.22, 0), (0.72, 0.5, 1280), (0.36, 0.22, 1280)):
        _door(canvas, near, away, side)
    box(canvas, 590, 250, 690, 430, (66, 74, 96))
    line(canvas, (640, 250), (640, 430), (50, 56, 74), 2)
    return canvas


def _toward(x: float, y: float, nearness: float) -> tuple[float, float]:
    """A point on the edge of the floor between the far wall (0) and the picture's corner (1)."""
    far_x = 520.0 if x == 0 else 760.0
    far_y = 430.0 if y == 720 else 190.0
    return far_x + (x - far_x) * nearness, far_y + (y - far_y) * nearness


def _door(canvas: Image, near: float, away: float, side: int) -> None:
    (x1, low1), (x2, low2) = _toward(side, 720, near), _toward(side, 720, away)
    high1, high2 = _toward(side, 0, near)[1], _toward(side, 0, away)[1]
    lift1, lift2 = (low1 - high1) * 0.26, (low2 - high2) * 0.26
    polygon(canvas, [(x1, low1), (x1, high1 + lift1), (x2, high2 + lift2), (x2, low2)], (92, 104, 128))


def _light() -> npt.NDArray[np.float32]:
    """The share of light at each pixel: two pools under ceiling lamps, dark between them."""
    plane = np.full((HEIGHT_PX, WIDTH_PX, 3), 100, np.uint8)
    glow(plane, (640, 330), 250, 0.75)
    glow(plane, (500, 700), 560, 0.60)
    tint = np.array((0.52, 0.46, 0.44), np.float32) / 100
    return (plane.astype(np.float32) * tint).astype(np.float32)
