"""Which colours a person wears, as two words: one for the upper body, one for the lower.

Seen in the redacted picture alone, and only where nothing is covered, so no more is named than the picture
shows to everybody who may see it. No biometrics: the words say nothing about face, skin, build or gait, they
fit a great many people, and nothing is compared with anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inference_workers.contracts.colours import Colour
from inference_workers.engine.redaction import MASK_BGR, MOSAIC, SOLID_BGR, RedactedFrame

# Parts of a standing person's box, as shares of its height and width: chest, and thighs to shins. The
# sides are left out: there are arms and background.
UPPER = (0.30, 0.52)
LOWER = (0.56, 0.84)
SIDES = (0.32, 0.68)
# A smaller person has too few pixels of one cloth.
MIN_HEIGHT_PX, MIN_WIDTH_PX = 60, 18
# So much of a part must have one colour and so much of it must be uncovered, or it gets no name.
MIN_SHARE, MIN_SEEN = 0.38, 0.4
SAMPLES = 24
BRIGHT, BRIGHT_SHARE, MAX_GAIN = 225.0, 96.0, 1.7

_NAMES = tuple(Colour)
_INDEX = {name: number for number, name in enumerate(_NAMES)}
Names = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clothing:
    """None where it cannot be said."""

    upper: Colour | None = None
    lower: Colour | None = None


def clothing_of(picture: RedactedFrame, box_xyxy: Sequence[float] | npt.NDArray[np.floating]) -> Clothing:
    """The colours of the person in `box_xyxy` (pixels)."""
    x1, y1, x2, y2 = (float(side) for side in box_xyxy)
    large = y2 - y1 >= MIN_HEIGHT_PX and x2 - x1 >= MIN_WIDTH_PX
    # Cut off by the edge, what would be the chest may be anything.
    whole = x1 >= 0 and y1 >= 0 and x2 <= picture.width + 1 and y2 <= picture.height + 1
    if picture.redaction == MOSAIC or not (large and whole):
        return Clothing()
    gain = exposure_gain(picture)
    return Clothing(*(_part(picture, (x1, y1, x2, y2), part, gain) for part in (UPPER, LOWER)))


def exposure_gain(picture: RedactedFrame) -> float:
    """By what a dark picture is made brighter before its colours are named: the brightest to near white.

    Of the values as they are stored; a picture that has bright pixels stays as it is.
    """
    brightest = picture.image[::8, ::8].max(axis=2)
    return float(np.clip(BRIGHT / max(1.0, float(np.percentile(brightest, BRIGHT_SHARE))), 1.0, MAX_GAIN))


def _part(
    picture: RedactedFrame,
    box: tuple[float, float, float, float],
    part: tuple[float, float],
    gain: float,
) -> Colour | None:
    """The colour of most of a part, sampled on a grid of at most `SAMPLES` by `SAMPLES` pixels."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    columns = _grid(x1 + SIDES[0] * width, x1 + SIDES[1] * width, picture.width)
    rows = _grid(y1 + part[0] * height, y1 + part[1] * height, picture.height)
    pixels = picture.image[np.ix_(rows, columns)].reshape(1, -1, 3)
    lit = np.minimum(pixels * np.float32(gain / 255), 1.0)
    painted = np.array((MASK_BGR, SOLID_BGR), np.uint8)[:, None, None]
    under_mask = (picture.image[np.ix_(rows, columns)] == painted).all(axis=-1).any(axis=0)
    seen = ~under_mask
    for left, top, right, bottom in picture.covered_xyxy:
        inside = (columns >= left) & (columns < right)
        seen[np.ix_((rows >= top) & (rows < bottom), inside)] = False
    if seen.mean() < MIN_SEEN:
        return None
    return _most(names_of(lit)[0][seen.ravel()])


def _grid(first: float, last: float, size: int) -> npt.NDArray[np.intp]:
    places = np.unique(np.linspace(first, last, SAMPLES).astype(np.intp))
    return places[(places >= 0) & (places < size)]


def _most(found: Names) -> Colour | None:
    if not len(found):
        return None
    counts = np.bincount(found, minlength=len(_NAMES))
    best = int(counts.argmax())
    return _NAMES[best] if counts[best] >= MIN_SHARE * len(found) else None


def names_of(image_bgr: npt.NDArray[np.float32]) -> Names:
    """For each pixel (B, G, R, 0 to 1) the index of its basic colour term.

    By regions of CIELAB (D65) in lightness, chroma and hue angle, whose borders lie between the focal colours
    of the terms; how far that can be trusted is measured in docs/privacy.md.
    """
    lab = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2LAB)
    light, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    # Lamps are yellowish and the sky is bluish: what has little of these hues is gray, or white.
    tinted = ((hue >= 45) & (hue < 115) & (light > 60)) | ((hue >= 220) & (hue < 300))
    dull = chroma < np.where(tinted, 17.0, np.where(light < 30, 8.0, 10.0))
    reddish, warm = hue < 45, (hue >= 45) & (hue < 80)
    yellowish = (hue >= 80) & (hue < 114)
    bluish, violet = hue < 309, (hue >= 309) & (hue < 342)
    rules: tuple[tuple[npt.NDArray[np.bool_], Colour], ...] = (
        (light < 9, Colour.BLACK),
        (dull & (light < 22), Colour.BLACK),
        (dull & (light > 72), Colour.WHITE),
        (dull, Colour.GRAY),
        ((hue >= 342) & (light > 30), Colour.PINK),
        ((hue < 15) & (light > 40), Colour.PINK),
        (reddish & (light > 64) & (chroma < 60), Colour.PINK),
        (reddish & (light < 48) & (chroma < 30), Colour.BROWN),
        (reddish, Colour.RED),
        (warm & (light >= 50) & (chroma >= 52), Colour.ORANGE),
        (warm, Colour.BROWN),
        (yellowish & (((light >= 62) & (chroma >= 32)) | (light >= 46) & (chroma >= 48)), Colour.YELLOW),
        (yellowish & (light > 72), Colour.WHITE),
        (yellowish & (hue < 96), Colour.BROWN),
        (hue < 190, Colour.GREEN),
        ((hue >= 296) & bluish & (light > 38) & (chroma < 85), Colour.PURPLE),
        (bluish, Colour.BLUE),
        (violet & (light > 58), Colour.PINK),
        (violet, Colour.PURPLE),
        (reddish | (hue >= 342), Colour.RED),
    )
    named = np.select(
        [where for where, _name in rules], [np.uint8(_INDEX[name]) for _where, name in rules], np.uint8(0)
    )
    return named.astype(np.uint8)
