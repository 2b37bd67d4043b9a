"""ANALYSE of a picture: it has no neighbours in time, so it is looked at in several sizes instead."""

from pathlib import Path

import cv2
import numpy as np

from inference_workers.engine.films.analysing import SegmentLooks
from inference_workers.engine.films.looking import FACE, Found, Looker, merged
from inference_workers.engine.films.strands import SEEN, Strand
from inference_workers.engine.frame import Image
from inference_workers.engine.pictures import decode_picture

# Longer sides in pixels; a size that would enlarge by more than twice is left out.
SIZES_PX = (640, 1280, 1920)
MAX_ENLARGE = 2.0


def analyse_picture(path: Path, looker: Looker) -> SegmentLooks:
    """Strands of one point each at moment 0. Raises EngineError: those of `decode_picture`."""
    image = decode_picture(path.read_bytes())
    strands = {kind: [_strand(row) for row in _look(kind, image, looker)] for kind in looker.kinds()}
    return SegmentLooks(frames=1, looks=[0.0], strands=strands)


def _look(kind: str, image: Image, looker: Looker) -> Found:
    if kind != FACE:
        return looker.look(kind, image)
    longer = max(image.shape[:2])
    parts = [looker.look(kind, image)]
    for side in SIZES_PX:
        scale = side / longer
        if scale > MAX_ENLARGE or 0.8 < scale < 1.25:
            continue
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        found = looker.look(
            kind, np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)
        )
        found[:, :4] /= scale
        parts.append(found)
    return merged(np.concatenate(parts))


def _strand(row: Found) -> Strand:
    strand = Strand()
    strand.add(0.0, row[:4], float(row[4]), SEEN)
    return strand
