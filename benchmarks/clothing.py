"""`python -m benchmarks.clothing [--photos FOLDER]`: how often the colours of clothes are named rightly.

Drawn figures with known colours under several lights, and with `--photos` (the pictures of COCO128) persons
of photographs, whose clothes were named by looking at them. Three answers count: right, wrong, and not named.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inference_workers.contracts.colours import Colour
from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.engine.clothing import Clothing, clothing_of
from inference_workers.engine.frame import Frame
from inference_workers.engine.persons import heads_of
from inference_workers.engine.redaction import redact

Image = npt.NDArray[np.uint8]
# Colours of CSS whose names or whose use for clothes leave no doubt about the basic term, as R, G, B.
SHADES: dict[Colour, tuple[str, ...]] = {
    Colour.BLACK: ("#000000", "#14161a", "#201c1c"),
    Colour.WHITE: ("#ffffff", "#f5f5f5", "#fffafa"),
    Colour.GRAY: ("#808080", "#a9a9a9", "#696969", "#778899"),
    Colour.RED: ("#ff0000", "#8b0000", "#dc143c", "#b22222"),
    Colour.ORANGE: ("#ffa500", "#ff8c00", "#f57a1f"),
    Colour.YELLOW: ("#ffff00", "#ffd700", "#f0e040"),
    Colour.GREEN: ("#008000", "#006400", "#228b22", "#32cd32", "#2e8b57", "#90ee90"),
    Colour.BLUE: ("#0000ff", "#000080", "#4169e1", "#4682b4", "#87ceeb", "#191970"),
    Colour.PURPLE: ("#800080", "#4b0082", "#663399", "#9370db", "#9400d3"),
    Colour.PINK: ("#ffc0cb", "#ff69b4", "#ff1493", "#ffb6c1"),
    Colour.BROWN: ("#8b4513", "#a0522d", "#5c4033", "#6b4a2b"),
}
# What is left of a light after the camera's white balance: gains of R, G, B in linear light, and exposure.
LIGHTS: dict[str, tuple[tuple[float, float, float], float]] = {
    "daylight": ((1.0, 1.0, 1.0), 1.0),
    "shade": ((0.9, 0.98, 1.14), 0.8),
    "tungsten": ((1.12, 1.0, 0.8), 0.8),
    "fluorescent": ((0.95, 1.06, 0.94), 0.9),
    "dim": ((1.04, 1.0, 0.94), 0.35),
    "bright": ((1.0, 1.0, 1.0), 1.5),
}
# Persons of COCO128 whose clothes can be named by looking at them: file, box, upper, lower.
PHOTOS: tuple[tuple[str, tuple[int, int, int, int], str, str], ...] = (
    ("000000000113.jpg", (4, 31, 156, 486), "", "blue"),
    ("000000000192.jpg", (268, 179, 379, 415), "white", "white"),
    ("000000000241.jpg", (133, 7, 333, 633), "", "blue"),
    ("000000000260.jpg", (261, 140, 313, 309), "yellow", ""),
    ("000000000308.jpg", (135, 29, 268, 424), "white", "blue"),
    ("000000000532.jpg", (124, 253, 170, 368), "gray", ""),
    ("000000000532.jpg", (269, 235, 314, 391), "red", "black"),
    ("000000000536.jpg", (88, 69, 186, 332), "purple", "purple"),
    ("000000000625.jpg", (185, 234, 278, 420), "white", "white"),
    ("000000000625.jpg", (272, 153, 373, 424), "black", "black"),
    ("000000000139.jpg", (413, 158, 466, 296), "black", "black"),
    ("000000001000.jpg", (52, 185, 111, 398), "white", "white"),
    ("000000001000.jpg", (115, 152, 198, 381), "white", "black"),
    ("000000001000.jpg", (265, 96, 354, 412), "red", ""),
    ("000000001000.jpg", (330, 154, 413, 468), "", "white"),
    ("000000002153.jpg", (372, 208, 434, 405), "red", "white"),
    ("000000003934.jpg", (152, 83, 205, 226), "black", "black"),
    ("000000006471.jpg", (257, 71, 354, 304), "white", "white"),
    ("000000009448.jpg", (128, 101, 382, 632), "pink", "blue"),
    ("000000011197.jpg", (310, 112, 363, 253), "", "blue"),
    ("000000011511.jpg", (90, 39, 130, 190), "", "blue"),
    ("000000011511.jpg", (140, 32, 190, 172), "black", ""),
    ("000000011699.jpg", (61, 83, 223, 419), "red", ""),
    ("000000011699.jpg", (187, 99, 432, 633), "blue", "black"),
    ("000000012639.jpg", (199, 205, 317, 519), "white", ""),
    ("000000012639.jpg", (411, 125, 468, 293), "white", "black"),
    ("000000012670.jpg", (105, 119, 196, 298), "black", ""),
    ("000000012670.jpg", (220, 156, 295, 339), "green", ""),
    ("000000012670.jpg", (264, 46, 340, 242), "red", "gray"),
)


@dataclass(frozen=True, slots=True)
class Case:
    group: str
    image: Image
    box_xyxy: tuple[float, float, float, float]
    worn: tuple[Colour | None, Colour | None]


def figures(count: int, seed: int = 1) -> Iterator[Case]:
    """`count` figures under each light, upper and lower body in colours of their own."""
    chance = random.Random(seed)
    for light in LIGHTS:
        for _ in range(count):
            worn = (chance.choice(tuple(Colour)), chance.choice(tuple(Colour)))
            image, box = figure(chance, tuple(_shade(chance, name) for name in worn), light)
            yield Case(light, image, box, worn)


def _shade(chance: random.Random, name: Colour) -> npt.NDArray[np.float64]:
    text = chance.choice(SHADES[name]).lstrip("#")
    rgb = np.array([int(text[place : place + 2], 16) for place in (0, 2, 4)], float)
    return np.clip(rgb + [chance.uniform(-8, 8) for _ in range(3)], 0, 255)


def figure(
    chance: random.Random, clothes: tuple[npt.NDArray[np.float64], ...], light: str
) -> tuple[Image, tuple[float, float, float, float]]:
    """A standing figure on a mottled ground, shaded from one side, with folds, noise and JPEG; in BGR."""
    noise = np.random.default_rng(chance.randrange(2**31))
    tall = chance.randint(80, 300)
    wide = int(tall * chance.uniform(0.34, 0.44))
    height, width = tall + 40, wide + 60
    ground = cv2.resize(noise.uniform(40, 215, (6, 6, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
    image = np.clip(ground, 0, 255)
    left, top = 30, 20
    skin = np.array([chance.uniform(70, 235), 0, 0])
    skin[1:] = skin[0] * 0.76, skin[0] * 0.62
    layers = (
        (skin, _ellipse(image, left + wide / 2, top + 0.08 * tall, 0.09 * tall, 0.08 * tall)),
        (clothes[1], _legs(image, (left, top, wide, tall), chance.uniform(0.02, 0.1))),
        (clothes[0], _torso(image, left, top, wide, tall)),
    )
    for rgb, mask in layers:
        shaded = _shaded(rgb, image.shape[:2], chance, noise)
        image = np.where(mask[..., None] > 0, shaded, image)
    return _photographed(image, light, noise), (left, top, left + wide, top + tall)


def _ellipse(image: npt.NDArray[np.float64], x: float, y: float, rx: float, ry: float) -> Image:
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, (int(x), int(y)), (max(1, int(rx)), max(1, int(ry))), 0, 0, 360, 255, -1)
    return mask


def _torso(image: npt.NDArray[np.float64], left: int, top: int, wide: int, tall: int) -> Image:
    mask = np.zeros(image.shape[:2], np.uint8)
    shares = (
        (0.12, 0.17),
        (0.88, 0.17),
        (0.98, 0.5),
        (0.8, 0.52),
        (0.78, 0.54),
        (0.22, 0.54),
        (0.2, 0.52),
        (0.02, 0.5),
    )
    points = np.array([[left + x * wide, top + y * tall] for x, y in shares], np.int32)
    cv2.fillPoly(mask, [points], 255)
    return mask


def _legs(image: npt.NDArray[np.float64], box_xywh: tuple[int, int, int, int], gap: float) -> Image:
    left, top, wide, tall = box_xywh
    mask = np.zeros(image.shape[:2], np.uint8)
    for first, last in ((0.24, 0.5 - gap / 2), (0.5 + gap / 2, 0.76)):
        corner = (int(left + first * wide), int(top + 0.5 * tall))
        cv2.rectangle(mask, corner, (int(left + last * wide), int(top + 0.97 * tall)), 255, -1)
    return mask


def _shaded(
    rgb: npt.NDArray[np.float64], shape: tuple[int, ...], chance: random.Random, noise: np.random.Generator
) -> npt.NDArray[np.float64]:
    """The cloth in linear light: darker on one side, with folds."""
    side = np.linspace(1.0, chance.uniform(0.5, 0.85), shape[1])[None, :: chance.choice((1, -1))]
    folds = cv2.resize(
        noise.normal(1.0, 0.12, (max(2, shape[0] // 12), max(2, shape[1] // 18))), shape[1::-1]
    )
    linear = (rgb / 255) ** 2.2 * np.clip(side * folds, 0.2, 1.3)[..., None]
    return np.asarray(255 * np.clip(linear, 0, 1) ** (1 / 2.2))


def _photographed(image: npt.NDArray[np.float64], light: str, noise: np.random.Generator) -> Image:
    gains, exposure = LIGHTS[light]
    linear = (image / 255) ** 2.2 * np.array(gains) * exposure + 0.002  # glare of the lens
    rgb = 255 * np.clip(linear, 0, 1) ** (1 / 2.2)
    rgb = np.clip(rgb + noise.normal(0, 7 if light == "dim" else 3, rgb.shape), 0, 255).astype(np.uint8)
    stored = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


def photographs(folder: Path) -> Iterator[Case]:
    for name, box, upper, lower in PHOTOS:
        image = cv2.imread(str(next(folder.rglob(name))))
        worn = (Colour(upper) if upper else None, Colour(lower) if lower else None)
        yield Case("photographs", np.asarray(image, np.uint8), box, worn)


def named(case: Case) -> Clothing:
    """As the product names it: from a redacted picture, in which the head is covered."""
    frame = Frame(image=case.image, camera_id="camera", epoch="epoch", seq=1, grabbed_at=0.0)
    return clothing_of(
        redact(frame, heads_of(np.array([case.box_xyxy], float)), RedactionPolicy()), case.box_xyxy
    )


def scored(cases: Iterator[Case]) -> dict[str, Counter[str]]:
    """Per group and per colour: `right`, `wrong`, `unnamed`, and the confusions."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        said = named(case)
        for worn, word in zip(case.worn, (said.upper, said.lower), strict=True):
            if worn is None:
                continue
            answer = "unnamed" if word is None else "right" if word is worn else "wrong"
            for group in (case.group, f"  {worn}"):
                found.setdefault(group, Counter())[answer] += 1
                if answer == "wrong":
                    found[group][f"{worn} as {word}"] += 1
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="the folder with the pictures of COCO128")
    parser.add_argument("--count", type=int, default=300, help="figures under each light")
    options = parser.parse_args()
    report(scored(figures(options.count)))
    if options.photos:
        report(scored(photographs(options.photos)))
    return 0


def report(found: dict[str, Counter[str]]) -> None:
    for group, counts in found.items():
        right, wrong, unnamed = (counts[name] for name in ("right", "wrong", "unnamed"))
        confused = [f"{name} {n}" for name, n in counts.most_common() if " as " in name][:4]
        total = right + wrong + unnamed
        print(
            f"{group:14} {total:5} parts: named {(right + wrong) / total:4.0%}, of them right "
            f"{right / max(1, right + wrong):4.0%}  {', '.join(confused)}"
        )


if __name__ == "__main__":
    sys.exit(main())
