"""What a tool covered against where the faces are: found, too much, and shown again after it was found."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.redaction.score import Score, counting
from benchmarks.redaction.tools import Cover, Covers
from benchmarks.redaction.truth import Face, Truth, ellipse_mask

# Of the pixels in which a face is to be seen, so many must be covered for the face to count as found.
FOUND_SHARE = 0.8
# Covered pixels outside of every face's box, grown by this share of it on each side, are too much.
FACE_GROWN = 0.25
FRONTAL_FROM_PX = 24.0
Mask = NDArray[np.bool_]


def add_covers(result: Score, truth: Truth, covers: Covers) -> None:
    """Adds to `result` what the covers of each frame say."""
    found_at: dict[int, int] = {}
    last_at: dict[int, int] = {}
    slipped = {(slip.frame, slip.face.person) for slip in result.slips}
    for number, faces in enumerate(truth.frames[: len(covers)]):
        if not truth.is_known(number):
            continue
        mask = covered_mask(truth.size_wh, covers[number])
        result.covered_share += float(mask.mean())
        result.too_much_share += float((mask & ~faces_mask(truth.size_wh, faces)).mean())
        for face in faces:
            if last_at.get(face.person, number) < number - 1:
                found_at.pop(face.person, None)  # gone and come again: another track
            last_at[face.person] = number
        for face in counting(truth, number):
            if _is_covered(mask, truth, number, face):
                result.found += 1
                result.found_by_size[face.size_class] += 1
                found_at.setdefault(face.person, number)
            large = face.frontal and face.side_px >= FRONTAL_FROM_PX
            if large and face.person in found_at and (number, face.person) in slipped:
                result.frontal_after_found += 1


def covered_mask(size_wh: tuple[int, int], covers: Sequence[Cover]) -> Mask:
    mask = np.zeros((size_wh[1], size_wh[0]), bool)
    for cover in covers:
        if cover.round:
            mask |= ellipse_mask(size_wh, cover.box_xyxy)
        else:
            _fill(mask, cover.box_xyxy, 0.0)
    return mask


def faces_mask(size_wh: tuple[int, int], faces: Sequence[Face]) -> Mask:
    """Where a cover does no harm: the grown boxes of all faces, hidden ones too."""
    mask = np.zeros((size_wh[1], size_wh[0]), bool)
    for face in faces:
        _fill(mask, face.box_xyxy, FACE_GROWN)
    return mask


def _fill(mask: Mask, box_xyxy: tuple[float, float, float, float], grow: float) -> None:
    left, top, right, bottom = box_xyxy
    across, down = grow * (right - left), grow * (bottom - top)
    rows = slice(max(round(top - down), 0), max(round(bottom + down), 0))
    mask[rows, max(round(left - across), 0) : max(round(right + across), 0)] = True


def _is_covered(mask: Mask, truth: Truth, number: int, face: Face) -> bool:
    seen = truth.seen(number, face)
    pixels = np.count_nonzero(seen)
    return bool(pixels > 0 and np.count_nonzero(mask & seen) >= FOUND_SHARE * pixels)
