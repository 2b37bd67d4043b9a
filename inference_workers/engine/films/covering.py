"""What covers each segment: the document that RENDER works from, named by its hash.

It holds everything that decides the rendered bytes besides the film itself, and nothing else; so equal hashes
mean equal segments, and an edit changes the hashes of only those segments in which it changes a cover.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.contracts.redactions import RedactionOptions
from inference_workers.engine.films.film import RENDER_VERSION, Film
from inference_workers.engine.films.folder import canonical
from inference_workers.engine.films.looking import PERSON
from inference_workers.engine.films.tracks import COVERED, CoverTrack, Track, covers_between
from inference_workers.engine.frame import Frame, Image
from inference_workers.engine.persons import heads_of
from inference_workers.engine.redaction import RedactedFrame, mosaic_frame, redact

HASH_LETTERS = 24

Polygons = tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class SegmentCovers:
    """`heads_only`: of a person the head is covered, not the whole figure."""

    tracks: tuple[CoverTrack, ...]
    policy: RedactionPolicy
    masks: Polygons
    heads_only: bool

    def redact(self, image: Image, at_s: float, *, sound: bool) -> RedactedFrame:
        """Cover one frame; a frame that was not decoded soundly becomes a mosaic as a whole."""
        frame = Frame(image=image, camera_id="", epoch="", seq=0, grabbed_at=at_s)
        if not sound:
            return mosaic_frame(frame, self.masks)
        return redact(frame, self.boxes_at(at_s, frame.width, frame.height), self.policy, self.masks)

    def boxes_at(self, at_s: float, width: int, height: int) -> NDArray[np.float64]:
        """Boxes (N, 4) in pixels, inside of the frame, before they are grown by the policy."""
        boxes = []
        for track in self.tracks:
            box = track.box_at(at_s)
            if box is not None:
                is_head = self.heads_only and track.kind == PERSON
                boxes.append(heads_of(box[None])[0] if is_head else box)
        if not boxes:
            return np.zeros((0, 4))
        inside = np.clip(np.stack(boxes), 0, [width, height, width, height])
        real = ((inside[:, 2:] - inside[:, :2]) >= 1).all(axis=1)
        return np.asarray(inside[real], np.float64)

    def as_json(self) -> dict[str, Any]:
        return {
            "version": RENDER_VERSION,
            "tracks": [track.as_json() for track in self.tracks],
            "policy": asdict(self.policy),
            "masks": [[list(corner) for corner in mask] for mask in self.masks],
            "heads_only": self.heads_only,
        }


def covers_of(film: Film, segment: int, tracks: Sequence[Track], options: RedactionOptions) -> SegmentCovers:
    """The covers of one segment."""
    start_s, end_s = film.span_s(segment)
    found = [covers_between(track, start_s, end_s) for track in tracks if track.state == COVERED]
    # Sorted by content, so that the order of edits does not matter.
    kept = sorted((track for track in found if track is not None), key=lambda item: canonical(item.as_json()))
    heads_only = "head" in options.policy.targets and "person" not in options.policy.targets
    return SegmentCovers(tuple(kept), options.policy, options.masks, heads_only)


def covers_hash(document: dict[str, Any]) -> str:
    """The name of a document of covers."""
    return hashlib.sha256(canonical(document)).hexdigest()[:HASH_LETTERS]


def covers_from(document: dict[str, Any], options: RedactionOptions) -> SegmentCovers:
    """Read what `as_json` wrote; policy and masks are those of the job."""
    tracks = tuple(CoverTrack.from_json(value) for value in document["tracks"])
    return SegmentCovers(tracks, options.policy, options.masks, bool(document["heads_only"]))
