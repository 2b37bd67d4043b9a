"""The leak meter of files: samples of the rendered frames are looked at again, by somebody else."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.tracks import COVERED
from inference_workers.engine.redaction import MOSAIC, Polygon, RedactedFrame
from inference_workers.engine.second_look import Looker, find_leaks

# Seconds of film from one sample to the next: a look by another model is long beside rendering.
SECOND_LOOK_EVERY_S = 20.0
PER = 10_000
MAX_SLIPS = 20
_log = logging.getLogger(__name__)

OpenLookers = Callable[[], Sequence[Looker]]


@dataclass(frozen=True, slots=True)
class Slip:
    """A face that was found uncovered in a rendered frame. `box_xyxy` is normalised 0..1."""

    at_s: float
    box_xyxy: tuple[float, float, float, float]
    score: float
    looker: str


def moments_of(film: Film, segment: int) -> list[float]:
    """When frames of a segment are looked at again: the same at every run, at least once per film."""
    count = max(1, math.ceil(film.facts.duration_s / SECOND_LOOK_EVERY_S))
    every_s = film.facts.duration_s / count
    start_s, end_s = film.span_s(segment)
    moments = ((number + 0.5) * every_s for number in range(count))
    return [moment for moment in moments if start_s <= moment < end_s]


class SecondLooks:
    """Looks at the frames of one segment from the given moments on, one frame for each.

    Args:
        open_lookers: asked only when there is something to look at.
        masks: polygons that are covered besides the boxes, normalised.

    Attributes:
        frames: pictures that were looked at. Whole-frame mosaics would only dilute the rate.
    """

    def __init__(
        self, moments: Sequence[float], open_lookers: OpenLookers, masks: Sequence[Polygon] = ()
    ) -> None:
        self._moments = list(moments)
        self._open_lookers = open_lookers
        self._masks = masks
        self.frames = 0
        self.slips: list[Slip] = []

    def offer(self, redacted: RedactedFrame, at_s: float) -> None:
        """Take the frame if it is its turn. A look that fails counts as none: it never fails the file."""
        if not self._moments or at_s < self._moments[0] or redacted.redaction == MOSAIC:
            return
        self._moments = [moment for moment in self._moments if moment > at_s]
        covered = np.asarray(redacted.covered_xyxy, np.float64).reshape(-1, 4)
        try:
            found = find_leaks(redacted.image, covered, self._open_lookers(), self._masks)
        except EngineError as error:
            _log.warning("second look at a file: %s", error)
            return
        self.frames += 1
        width, height = redacted.width, redacted.height
        for leak in found:
            if not leak.on_cover:
                left, top, right, bottom = leak.box_xyxy
                box = (left / width, top / height, right / width, bottom / height)
                self.slips.append(Slip(round(at_s, 3), _rounded(box), round(leak.score, 3), leak.looker))


def _rounded(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(float(side), 4) for side in box)
    return left, top, right, bottom


def second_look_document(
    looked_at: int, slips: Sequence[Slip], tracks: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the samples of a whole film say, without the faces that somebody chose to leave visible."""
    leaks = [slip for slip in slips if not _is_meant(slip, tracks)]
    leaky = len({slip.at_s for slip in leaks})
    return {
        "frames": looked_at,
        "leaky": leaky,
        "per_10000": round(PER * leaky / looked_at, 1) if looked_at else None,
        "leaks": [
            {"at_s": slip.at_s, "box_xyxy": list(slip.box_xyxy), "score": slip.score, "looker": slip.looker}
            for slip in leaks
        ],
    }


def _is_meant(slip: Slip, tracks: Sequence[Mapping[str, Any]]) -> bool:
    """Does the face lie on a track that was dropped or kept visible by an edit?"""
    x = (slip.box_xyxy[0] + slip.box_xyxy[2]) / 2
    y = (slip.box_xyxy[1] + slip.box_xyxy[3]) / 2
    for track in tracks:
        if track["state"] == COVERED or not track["covered_from_s"] <= slip.at_s <= track["covered_until_s"]:
            continue
        _at, left, top, right, bottom, _how = min(
            track["points"], key=lambda point: abs(point[0] - slip.at_s)
        )
        if left <= x <= right and top <= y <= bottom:
            return True
    return False
