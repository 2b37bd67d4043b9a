"""A watermark in the pixels: who looks and when, all over the picture, so that a part of it says so too."""

import cv2
import numpy as np

from inference_workers.engine.frame import Image

STRENGTH = 0.4
_FONT = cv2.FONT_HERSHEY_SIMPLEX
MAX_CHARACTERS = 80


class Watermark:
    """The same text for every picture of one size; made once, blended into each."""

    def __init__(self, text: str, width: int, height: int) -> None:
        plain = text.encode("ascii", "replace").decode()[:MAX_CHARACTERS]
        self._ink = _tiled(plain, width, height)
        self._places = self._ink > 0

    def draw(self, image: Image) -> Image:
        """A copy of `image` with the text: light strokes with dark edges, readable on any ground."""
        marked = image.copy()
        blend = image[self._places].astype(np.float32) * (1 - STRENGTH)
        blend += self._ink[self._places, None].astype(np.float32) * STRENGTH
        marked[self._places] = np.clip(blend, 0, 255).astype(np.uint8)
        return marked


def _tiled(text: str, width: int, height: int) -> Image:
    """Strokes from 1 (dark edge) to 255 (light), 0 where nothing is drawn; uint8 (height, width)."""
    scale = max(0.45, width / 1150)
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, 1)
    stroke = max(1, round(2 * scale))
    side = int(np.hypot(width, height)) + 2 * text_height
    sheet = np.zeros((side, side), np.uint8)
    step_y = max(text_height * 5, side // 9)
    for row, y in enumerate(range(text_height, side, step_y)):
        for x in range(-(row % 2) * text_width // 2, side, text_width + 4 * text_height):
            cv2.putText(sheet, text, (x, y), _FONT, scale, (1,), stroke + 2, cv2.LINE_8)
            cv2.putText(sheet, text, (x, y), _FONT, scale, (255,), stroke, cv2.LINE_8)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), 24, 1.0)
    turned = cv2.warpAffine(sheet, turn, (side, side), flags=cv2.INTER_NEAREST)
    top, left = (side - height) // 2, (side - width) // 2
    return np.ascontiguousarray(turned[top : top + height, left : left + width])
