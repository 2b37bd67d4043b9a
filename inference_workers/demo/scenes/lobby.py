"""A bright lobby: somebody walks up to the camera and past it, and later back."""

import math

import numpy as np

from inference_workers.contracts.lease import Script, ZoneKind
from inference_workers.demo.canvas import (
    WIDTH_PX,
    Grain,
    Ground,
    Image,
    blit,
    box,
    disc,
    floor,
    glow,
    gradient,
    line,
    polygon,
)
from inference_workers.demo.lettering import lettering
from inference_workers.demo.people import Outfit, Pose, draw_figure
from inference_workers.demo.scene import LOOP_S, DemoCamera, DemoZone, rectangle

_HORIZON = 372
_VISITOR = Outfit(coat=(120, 78, 46), trousers=(70, 62, 58))
_GUIDE = Outfit(coat=(52, 60, 150), trousers=(96, 90, 84), brightness=0.9)


class Lobby:
    camera = DemoCamera(
        "lobby",
        "Lobby",
        "Entrances",
        zones=(
            DemoZone("Floor", ZoneKind.WATCH, rectangle(0, 400, 1280, 720)),
            DemoZone("Staff screen", ZoneKind.PRIVACY_MASK, rectangle(1012, 352, 1092, 408)),
        ),
    )

    def __init__(self) -> None:
        self._room = _room()
        self._grain = Grain(1.6, seed=11)

    def draw(self, at_s: float, index: int) -> Image:
        canvas = self._room.copy()
        figures = [figure for figure in (_visitor(at_s), _guide(at_s)) if figure is not None]
        for pose, outfit in sorted(figures, key=lambda figure: figure[0].foot[1]):
            draw_figure(canvas, pose, outfit)
        self._grain.add(canvas, index)
        return canvas


def _walk(
    share: float, start: tuple[float, float, float], end: tuple[float, float, float], steps: float
) -> Pose:
    """A straight way in the room: x, y of the feet and height in pixels, sizes growing as in perspective."""
    nearness = 1 / ((1 - share) / start[2] + share / end[2])
    depth = (nearness - start[2]) / (end[2] - start[2]) if end[2] != start[2] else share
    x = start[0] + (end[0] - start[0]) * share
    y = start[1] + (end[1] - start[1]) * depth
    return Pose((x, y), nearness, share * steps * math.pi, 1 if end[0] > start[0] else -1)


def _visitor(at_s: float) -> tuple[Pose, Outfit] | None:
    if at_s < 19:
        return _walk(at_s / 19, (-90, 560, 420), (1420, 1120, 1010), 27), _VISITOR
    if 23 <= at_s < 38:
        return _walk((at_s - 23) / 15, (1370, 640, 520), (-110, 600, 470), 24), _VISITOR
    return None


def _guide(at_s: float) -> tuple[Pose, Outfit]:
    """Waits beside the desk and sways a little."""
    sway = math.sin(2 * math.pi * at_s / LOOP_S * 5)
    return Pose((905 + 5 * sway, 560), 400, sway * 0.25, -1, striding=0.25), _GUIDE


def _room() -> Image:
    canvas = gradient((214, 222, 226), (196, 206, 212))
    floor(canvas, _HORIZON, Ground(near=(150, 158, 166), far=(196, 202, 206), joints=(168, 176, 182)))
    _windows(canvas)
    box(canvas, 0, _HORIZON - 14, WIDTH_PX, _HORIZON, (156, 164, 172))
    _desk(canvas)
    _plant(canvas, 1180, 500)
    glow(canvas, (430, 120), 520, 0.16)
    glow(canvas, (640, 700), 700, -0.10)
    blit(canvas, lettering("RECEPTION", Script.LATIN, 34, (92, 84, 76)), 872, 150)
    return canvas


def _windows(canvas: Image) -> None:
    for left in (90, 300, 510):
        pane = gradient((236, 206, 168), (244, 234, 220), 232, 170)
        canvas[86:318, left : left + 170] = pane
        for k, (top, width) in enumerate(((236, 46), (206, 58), (252, 40))):
            box(canvas, left + 6 + k * 54, top, left + 6 + k * 54 + width, 318, (206 - 8 * k, 196, 184))
        for x in (left, left + 85, left + 170):
            line(canvas, (x, 86), (x, 318), (120, 126, 132), 5)
        for y in (86, 318):
            line(canvas, (left, y), (left + 170, y), (120, 126, 132), 5)
    spill = np.array([(130, 720), (520, 720), (640, 390), (330, 390)])
    light = canvas.copy()
    polygon(light, [(float(x), float(y)) for x, y in spill], (232, 238, 240))
    canvas[:] = (canvas * 0.72 + light * 0.28).astype(np.uint8)


def _desk(canvas: Image) -> None:
    polygon(canvas, [(850, 420), (1130, 420), (1160, 446), (820, 446)], (120, 150, 180))
    box(canvas, 820, 446, 1160, 552, (84, 112, 146))
    box(canvas, 832, 458, 1148, 540, (96, 124, 158))
    box(canvas, 1020, 356, 1086, 404, (60, 56, 54))
    box(canvas, 1025, 361, 1081, 399, (150, 120, 70))
    box(canvas, 1048, 404, 1058, 424, (70, 66, 64))


def _plant(canvas: Image, x: int, y: int) -> None:
    for k in range(9):
        angle = -math.pi / 2 + (k - 4) * 0.30
        tip = (x + math.cos(angle) * 112, y - 60 + math.sin(angle) * 150)
        side = (x + math.cos(angle + 0.28) * 58, y - 60 + math.sin(angle + 0.28) * 80)
        polygon(canvas, [(x, y - 50.0), side, tip], (66 + 8 * (k % 3), 122 + 10 * (k % 2), 70))
    polygon(
        canvas,
        [(x - 42.0, y - 56.0), (x + 42.0, y - 56.0), (x + 30.0, y + 40.0), (x - 30.0, y + 40.0)],
        (92, 104, 122),
    )
    disc(canvas, (x, y - 56), 6, (60, 70, 80))
