"""Pictures of the faces that slipped, the original beside the output, for a person to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.redaction.films import read_film
from benchmarks.redaction.score import Slip
from inference_workers.engine.frame import Image

TILE_PX = 120
ACROSS = 5
MOST = 60
_TEXT_BGR = (0, 255, 255)


def write_slips(films: Mapping[str, tuple[Path, Path]], slips: Sequence[Slip], target: Path) -> None:
    """One sheet of at most `MOST` slips, spread evenly; `films`: name -> (original, output)."""
    chosen = [slips[index] for index in np.linspace(0, len(slips) - 1, min(MOST, len(slips))).astype(int)]
    tiles = [
        tile for name, paths in films.items() for tile in _tiles(paths, [s for s in chosen if s.film == name])
    ]
    while tiles and len(tiles) % ACROSS:
        tiles.append(np.zeros_like(tiles[0]))
    if tiles:
        rows = [np.hstack(tiles[start : start + ACROSS]) for start in range(0, len(tiles), ACROSS)]
        cv2.imwrite(str(target), np.vstack(rows))


def _tiles(paths: tuple[Path, Path], slips: Sequence[Slip]) -> list[Image]:
    tiles = []
    if not slips:
        return []
    for number, images in enumerate(zip(*map(read_film, paths), strict=False)):
        for slip in slips:
            if slip.frame == number:
                tiles.append(_labelled(np.hstack([_cut(image, slip) for image in images]), slip))
    return tiles


def _cut(image: Image, slip: Slip) -> Image:
    """The face in its surroundings, enlarged."""
    left, top, right, bottom = slip.face.box_xyxy
    reach = 1.2 * slip.face.side_px
    x, y = (left + right) / 2, (top + bottom) / 2
    matrix = np.array([[1, 0, reach - x], [0, 1, reach - y]]) * TILE_PX / (2 * reach)
    return np.asarray(cv2.warpAffine(image, matrix, (TILE_PX, TILE_PX)), np.uint8)


def _labelled(tile: Image, slip: Slip) -> Image:
    words = f"{slip.film} {slip.frame} {slip.face.side_px:.0f}px {slip.how.detail:.2f}"
    marks = ("D" if slip.how.by_detail else "") + ("Y" if slip.how.by_second_look else "")
    tile = np.ascontiguousarray(tile)
    cv2.putText(tile, f"{words} {marks}", (2, 10), cv2.FONT_HERSHEY_PLAIN, 0.7, _TEXT_BGR, 1)
    return tile
