"""A gate with signs in several writing systems, a barrier, and a car with a number plate."""

import math

import numpy as np

from inference_workers.contracts.lease import Script, ZoneKind
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
    scaled,
    shadow,
    sprite,
)
from inference_workers.demo.lettering import NoFont, lettering
from inference_workers.demo.scene import DemoCamera, DemoZone, rectangle

Sign = tuple[Script, str, Colour, Colour]
SIGNS: tuple[Sign, ...] = (
    (Script.LATIN, "LOADING DOCK 4", (112, 62, 24), (250, 250, 250)),
    (Script.CYRILLIC, "ВЪЕЗД ЗАПРЕЩЁН", (48, 48, 178), (250, 250, 250)),
    (Script.CHINESE, "停车场入口", (104, 92, 30), (250, 250, 250)),
    (Script.ARABIC, "مخرج الطوارئ", (70, 120, 24), (250, 250, 250)),
    (Script.HEBREW, "יציאת חירום", (70, 120, 24), (250, 250, 250)),
    (Script.DEVANAGARI, "प्रवेश निषेध", (40, 170, 235), (30, 30, 30)),
)
PLATE = "VDT 042"
_SHORT = frozenset({Script.CHINESE, Script.ARABIC, Script.HEBREW, Script.DEVANAGARI})
_SIGN_W, _SIGN_H = 372, 92
_HORIZON = 400
_CAR_FAR, _CAR_STOP, _CAR_OUT = 0.30, 1.0, 2.6  # size of the van on its way


def _place(index: int) -> tuple[int, int]:
    return 50 + (index % 3) * 404, 76 + (index // 3) * 124


def _sign_zone(index: int, script: Script) -> DemoZone:
    left, top = _place(index)
    return DemoZone(
        f"Sign {script.value}",
        ZoneKind.READ_TEXT,
        rectangle(left - 6, top - 6, left + _SIGN_W + 6, top + _SIGN_H + 6),
        script,
    )


class Gate:
    """Signs of writing systems without a font on this machine are left out, and so are their zones."""

    def __init__(self) -> None:
        self._scene, drawn = _scenery()
        self._grain = Grain(1.4, seed=12)
        self._car = _car()
        self._shadow = shadow(430, 60)
        self.camera = DemoCamera(
            "gate",
            "Gate",
            "Entrances",
            read_text=True,
            zones=(
                *(_sign_zone(index, script) for index, script in drawn),
                DemoZone("Number plate", ZoneKind.READ_TEXT, rectangle(420, 440, 860, 690), Script.LATIN),
                DemoZone("Driveway", ZoneKind.WATCH, rectangle(0, 420, 1280, 720)),
            ),
        )

    def draw(self, at_s: float, index: int) -> Image:
        canvas = self._scene.copy()
        size = _car_size(at_s)
        if size is not None and size <= _CAR_STOP:
            self._drive(canvas, size)
        _barrier(canvas, _opening(at_s))
        if size is not None and size > _CAR_STOP:
            self._drive(canvas, size)
        self._grain.add(canvas, index)
        return canvas

    def _drive(self, canvas: Image, size: float) -> None:
        foot = _HORIZON + 4 + 210 * size**1.2
        shade, car = scaled(self._shadow, size), scaled(self._car, size)
        blit(canvas, shade, round(640 - shade.size_wh[0] / 2), round(foot - shade.size_wh[1] * 0.7))
        blit(canvas, car, round(640 - car.size_wh[0] / 2), round(foot - car.size_wh[1]))


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def _opening(at_s: float) -> float:
    return _smooth((at_s - 12) / 3) - _smooth((at_s - 25) / 3)


def _car_size(at_s: float) -> float | None:
    """Comes from afar, waits at the barrier, drives out of the picture; then the driveway is empty."""
    if at_s < 1 or at_s > 23:
        return None
    nearness = math.sin(math.pi / 2 * min((at_s - 1) / 7, 1.0))
    arrived = 1 / ((1 - nearness) / _CAR_FAR + nearness / _CAR_STOP)
    return arrived + (_CAR_OUT - _CAR_STOP) * math.pow(max(0.0, (at_s - 15.5) / 7), 1.8)


def _scenery() -> tuple[Image, list[tuple[int, Script]]]:
    canvas = gradient((206, 178, 150), (224, 214, 206))
    box(canvas, 0, 56, WIDTH_PX, _HORIZON, (176, 182, 188))
    for x in range(0, WIDTH_PX, 80):
        line(canvas, (x, 56), (x, _HORIZON), (166, 172, 178), 1)
    box(canvas, 0, 50, WIDTH_PX, 60, (120, 126, 132))
    floor(canvas, _HORIZON, Ground(near=(96, 98, 100), far=(128, 130, 132), joints=(108, 110, 112), tiles=3))
    polygon(canvas, [(596, 404), (684, 404), (760, 720), (520, 720)], (104, 106, 108))
    for k in range(5):
        y = 430 + k * k * 14 + k * 12
        polygon(canvas, [(634, y), (646, y), (649, y + 18), (631, y + 18)], (214, 220, 222))
    drawn = [(index, sign[0]) for index, sign in enumerate(SIGNS) if _sign(canvas, index, sign)]
    glow(canvas, (640, 120), 800, 0.08)
    return canvas, drawn


def _sign(canvas: Image, index: int, sign: Sign) -> bool:
    """Draw one sign; False when this machine has no font for it."""
    script, text, plate, ink = sign
    try:
        words = lettering(text, script, 42 if script in _SHORT else 32, ink)
    except NoFont:
        return False
    left, top = _place(index)
    blit(canvas, shadow(_SIGN_W + 50, 70, 0.35), left - 20, top + _SIGN_H - 28)
    box(canvas, left, top, left + _SIGN_W, top + _SIGN_H, ink)
    box(canvas, left + 4, top + 4, left + _SIGN_W - 4, top + _SIGN_H - 4, plate)
    width, height = words.size_wh
    blit(canvas, words, left + (_SIGN_W - width) // 2, top + (_SIGN_H - height) // 2)
    return True


def _barrier(canvas: Image, opening: float) -> None:
    pivot, length = (1252.0, 520.0), 660.0
    angle = math.pi + opening * math.radians(86)
    step = (math.cos(angle) * length / 11, math.sin(angle) * length / 11)
    for k in range(11):
        a = (pivot[0] + step[0] * k, pivot[1] + step[1] * k)
        line(canvas, a, (a[0] + step[0], a[1] + step[1]), (50, 50, 205) if k % 2 else (240, 240, 240), 13)
    box(canvas, 1230, 500, 1276, 650, (70, 160, 240))
    box(canvas, 1230, 500, 1244, 650, (96, 184, 252))
    disc(canvas, (1253, 520), 9, (60, 60, 60))


def _car() -> Sprite:
    """The front of a van, seen from the gate: 372x232 pixels on nothing."""
    canvas = np.zeros((232, 372, 3), np.uint8)
    body, dark, glass = (148, 96, 40), (108, 66, 26), (96, 84, 70)
    for x in (30, 284):
        box(canvas, x, 190, x + 58, 230, (34, 32, 32))
    polygon(canvas, [(62, 6), (310, 6), (344, 96), (28, 96)], body)
    polygon(canvas, [(80, 20), (292, 20), (318, 90), (54, 90)], glass)
    polygon(canvas, [(80, 20), (150, 20), (110, 90), (54, 90)], (128, 116, 102))
    box(canvas, 16, 92, 356, 206, body)
    box(canvas, 16, 92, 356, 102, (176, 122, 62))
    box(canvas, 16, 188, 356, 206, dark)
    for x in (52, 320):
        disc(canvas, (x, 130), 21, (206, 232, 246))
        disc(canvas, (x - 5, 125), 10, (244, 250, 252))
    box(canvas, 104, 112, 268, 142, dark)
    box(canvas, 98, 150, 274, 192, (30, 30, 30))
    box(canvas, 101, 153, 271, 189, (244, 246, 246))
    plate = lettering(PLATE, Script.LATIN, 32, (24, 24, 24))
    blit(canvas, plate, 186 - plate.size_wh[0] // 2, 171 - plate.size_wh[1] // 2)
    alpha = (canvas.max(axis=2) > 0).astype(np.float32)
    return sprite(canvas, alpha)
