"""Text in several writing systems, shaped rightly (joined Arabic, reordered Devanagari, right to left)."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont, features

from inference_workers.contracts.lease import Script
from inference_workers.demo.canvas import Colour, Image, Sprite, blit, sprite

# Family names as fontconfig knows them, the best first; all are Debian packages (fonts-dejavu, fonts-noto).
FAMILIES: dict[Script, tuple[str, ...]] = {
    Script.LATIN: ("DejaVu Sans", "Noto Sans", "Liberation Sans"),
    Script.CYRILLIC: ("DejaVu Sans", "Noto Sans", "Liberation Sans"),
    Script.CHINESE: ("Noto Sans CJK SC", "WenQuanYi Zen Hei", "Droid Sans Fallback"),
    Script.ARABIC: ("Noto Sans Arabic", "Noto Naskh Arabic", "DejaVu Sans"),
    Script.HEBREW: ("Noto Sans Hebrew", "DejaVu Sans"),
    Script.DEVANAGARI: ("Noto Sans Devanagari", "Lohit Devanagari"),
}
NEEDS_SHAPING = frozenset({Script.ARABIC, Script.HEBREW, Script.DEVANAGARI})


class NoFont(LookupError):
    """This machine cannot draw a writing system; the message says which package brings a font."""


@dataclass(frozen=True, slots=True)
class FontFile:
    path: str
    index: int


@cache
def font_file(script: Script) -> FontFile:
    """The bold font of a writing system.

    Raises:
        NoFont: none of the families is installed, or text of this system cannot be shaped.
    """
    if script in NEEDS_SHAPING and not features.check("raqm"):
        raise NoFont(f"cannot shape {script} text: this build of Pillow has no raqm; install Pillow's wheel")
    installed = _installed()
    for family in FAMILIES[script]:
        if family in installed:
            return installed[family]
    raise NoFont(
        f"no font for {script} text: expected one of {', '.join(FAMILIES[script])}; "
        "on Debian: apt-get install fonts-dejavu-core fonts-noto-core fonts-noto-cjk"
    )


@cache
def _installed() -> dict[str, FontFile]:
    """Bold faces by family name, asked from fontconfig once."""
    command = ["fc-list", ":weight=bold", "--format", "%{file}\t%{index}\t%{family}\t%{slant}\t%{width}\n"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, FontFile] = {}
    for entry in sorted(answer.splitlines()):
        path, index, families, slant, width = entry.split("\t")
        if slant == "0" and width == "100" and path.endswith((".ttf", ".ttc", ".otf")):
            for family in families.split(","):
                found.setdefault(family, FontFile(path, int(index) & 0xFFFF))
    return found


def lettering(text: str, script: Script, height_px: int, colour: Colour) -> Sprite:
    """One line of text whose font size is `height_px`, on nothing."""
    file = font_file(script)
    layout = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    font = ImageFont.truetype(file.path, height_px, index=file.index, layout_engine=layout)
    left, top, right, bottom = font.getbbox(text)
    mask = Pictures.new("L", (int(right - left) + 4, int(bottom - top) + 4), 0)
    ImageDraw.Draw(mask).text((2 - left, 2 - top), text, fill=255, font=font)
    alpha = (np.asarray(mask) / 255.0).astype(np.float32)
    return sprite(np.full((*alpha.shape, 3), colour, np.uint8), alpha)


class Clock:
    """Writes the running time with digits that were drawn once."""

    def __init__(self, height_px: int = 26, colour: Colour = (245, 245, 245)) -> None:
        self._glyphs = {sign: lettering(sign, Script.LATIN, height_px, colour) for sign in "0123456789:."}
        self._step_px = max(self._glyphs[digit].size_wh[0] for digit in "0123456789") + 1
        self._height_px = max(self._glyphs[digit].size_wh[1] for digit in "0123456789")

    def draw(self, canvas: Image, text: str, left: int, top: int) -> None:
        for sign in text:
            glyph = self._glyphs[sign]
            width, height = glyph.size_wh
            step = self._step_px if sign.isdigit() else self._step_px // 2
            blit(canvas, glyph, left + (step - width) // 2, top + self._height_px - height)
            left += step


def missing_scripts(scripts: Sequence[Script]) -> dict[Script, str]:
    """Why each of `scripts` that cannot be drawn here cannot be drawn."""
    reasons: dict[Script, str] = {}
    for script in scripts:
        try:
            font_file(script)
        except NoFont as error:
            reasons[script] = str(error)
    return reasons
