"""A yard: vans and a forklift go their ways, somebody crosses, a flag never rests."""

import math
from collections.abc import Callable

from inference_workers.contracts.lease import ZoneKind
from inference_workers.demo.canvas import (
    WIDTH_PX,
    Colour,
    Grain,
    Ground,
    Image,
    Sprite,
    blit,
    box,
    disc,
    floor,
    glow,
    gradient,
    line,
    polygon,
    shadow,
)
from inference_workers.demo.people import Outfit, Pose, draw_figure
from inference_workers.demo.scene import DemoCamera, DemoZone, rectangle

_HORIZON = 240
_WORKER = Outfit(coat=(40, 150, 245), trousers=(92, 74, 58), brightness=0.95)
_WHITE: Colour = (228, 230, 232)
_BLUE: Colour = (150, 92, 40)
Thing = tuple[float, Callable[[Image], None]]


class Yard:
    camera = DemoCamera(
        "yard",
        "Yard",
        "Grounds",
        zones=(
            DemoZone("Crossing", ZoneKind.WATCH, rectangle(420, 300, 880, 720)),
            DemoZone("Flag", ZoneKind.IGNORE, rectangle(1120, 60, 1280, 230)),
        ),
    )

    def __init__(self) -> None:
        self._scene = _scenery()
        self._grain = Grain(1.6, seed=13)
        self._shade = shadow(360, 70)

    def draw(self, at_s: float, index: int) -> Image:
        canvas = self._scene.copy()
        _flag(canvas, at_s)
        for _depth, paint in sorted(self._things(at_s), key=lambda thing: thing[0]):
            paint(canvas)
        self._grain.add(canvas, index)
        return canvas

    def _things(self, at_s: float) -> list[Thing]:
        """What moves at this moment, with the height of its feet in the picture (the farther first)."""
        things: list[Thing] = []
        if at_s < 13:
            things.append(self._van(_across(at_s / 13, -360, 1500), 470, 0.85, _WHITE))
        if 15 <= at_s < 27:
            things.append(self._van(_across((at_s - 15) / 12, 1500, -420), 400, 0.62, _BLUE))
        if 6 <= at_s < 24:
            things.append(_walker((at_s - 6) / 18))
        if 24 <= at_s < 39:
            things.append(_forklift(_across((at_s - 24) / 15, -200, 1420), 610))
        return things

    def _van(self, x: float, foot: float, scale: float, colour: Colour) -> Thing:
        return foot, lambda canvas: _draw_van(canvas, self._shade, (x, foot), scale, colour)


def _across(share: float, start: float, end: float) -> float:
    return start + (end - start) * share


def _walker(share: float) -> Thing:
    pose = Pose(
        (_across(share, 1330, -60), _across(share, 560, 640)), _across(share, 330, 400), share * 84, -1
    )
    return pose.foot[1], lambda canvas: draw_figure(canvas, pose, _WORKER)


def _draw_van(canvas: Image, shade: Sprite, foot: tuple[float, float], scale: float, colour: Colour) -> None:
    x, y = foot

    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * scale, y + dy * scale

    blit(canvas, shade, round(x - 30 * scale), round(y - 30))
    light: Colour = (min(colour[0] + 22, 255), min(colour[1] + 22, 255), min(colour[2] + 22, 255))
    polygon(canvas, [at(0, -16), at(0, -168), at(236, -168), at(236, -16)], colour)
    polygon(canvas, [at(0, -168), at(26, -188), at(256, -188), at(236, -168)], light)
    polygon(canvas, [at(236, -16), at(236, -168), at(270, -166), at(322, -84), at(330, -16)], light)
    polygon(canvas, [at(248, -92), at(248, -152), at(268, -150), at(306, -92)], (104, 92, 78))
    box(canvas, *at(0, -64), *at(236, -54), (62, 132, 214))
    for dx in (56, 270):
        disc(canvas, at(dx, -14), 30 * scale, (36, 34, 34))
        disc(canvas, at(dx, -14), 14 * scale, (150, 150, 150))


def _forklift(x: float, foot: float) -> Thing:
    def paint(canvas: Image) -> None:
        box(canvas, x, foot - 70, x + 96, foot - 14, (30, 170, 240))
        box(canvas, x + 14, foot - 140, x + 20, foot - 70, (52, 50, 50))
        box(canvas, x + 74, foot - 140, x + 80, foot - 70, (52, 50, 50))
        box(canvas, x + 8, foot - 146, x + 86, foot - 138, (52, 50, 50))
        box(canvas, x + 98, foot - 160, x + 106, foot - 6, (70, 68, 68))
        box(canvas, x + 106, foot - 22, x + 166, foot - 14, (70, 68, 68))
        box(canvas, x + 110, foot - 84, x + 164, foot - 24, (92, 140, 178))
        box(canvas, x + 110, foot - 58, x + 164, foot - 52, (70, 112, 146))
        for dx in (20, 78):
            disc(canvas, (x + dx, foot - 12), 16, (36, 34, 34))
            disc(canvas, (x + dx, foot - 12), 7, (160, 160, 160))

    return foot, paint


def _scenery() -> Image:
    canvas = gradient((232, 200, 164), (238, 226, 212))
    floor(
        canvas, _HORIZON, Ground(near=(112, 116, 118), far=(150, 152, 154), joints=(122, 126, 128), tiles=2)
    )
    box(canvas, 60, 96, 760, _HORIZON + 16, (140, 150, 164))
    for x in range(64, 760, 12):
        line(canvas, (x, 96), (x, _HORIZON + 16), (132, 142, 156), 1)
    box(canvas, 52, 84, 768, 98, (96, 104, 116))
    for left in (130, 330, 530):
        box(canvas, left, 150, left + 130, _HORIZON + 16, (196, 200, 204))
        for y in range(160, _HORIZON + 12, 12):
            line(canvas, (left, y), (left + 130, y), (176, 180, 186), 1)
    for x in range(820, WIDTH_PX, 58):
        disc(canvas, (x, 226), 34, (84, 128, 92))
        disc(canvas, (x + 20, 214), 26, (96, 142, 104))
    for k in range(6):
        left = 440 + k * 76
        polygon(canvas, [(left, 560), (left + 40, 560), (left + 20, 712), (left - 36, 712)], (206, 212, 214))
    glow(canvas, (900, 90), 620, 0.10)
    return canvas


def _flag(canvas: Image, at_s: float) -> None:
    """Moves all the time: what an ignore zone is for."""
    line(canvas, (1150, 70), (1150, 236), (120, 124, 128), 4)
    upper = [(1152.0 + x, 78 + 6 * math.sin(at_s * math.pi - x / 16)) for x in range(0, 97, 8)]
    lower = [(x, y + 52) for x, y in reversed(upper)]
    polygon(canvas, upper + lower, (170, 96, 60))
