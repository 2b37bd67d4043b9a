"""STITCH: the strands of all segments to the tracks of the whole film."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.films.tracks import RULES, Track, speed_at

SAME_MOMENT_S = 1e-4
SAME_IOU = 0.4
# Two tracks are one when the second begins where the first was lost: this near, for their size.
JOIN_SIZES = 1.0
JOIN_SIZES_PER_S = 1.0
MAX_SIZE_RATIO = 1.8

Points = list[tuple[float, float, float, float, float, float]]


@dataclass(frozen=True, slots=True)
class Stitched:
    """The tracks of a film in the order of their beginning, and what the segments told.

    `segments` are the JSON values of ANALYSE without their strands.
    """

    tracks: list[Track]
    cuts: list[float]
    segments: list[dict[str, Any]]


def stitch(segments: Iterable[dict[str, Any]]) -> Stitched:
    """Join strands across the borders of segments and across gaps; numbers are the same at every run.

    Args:
        segments: what ANALYSE wrote, one after the other; only one is held at a time.
    """
    tracks: dict[str, list[Track]] = {}
    open_tracks: dict[str, list[Track]] = {}
    told: list[dict[str, Any]] = []
    cuts: list[float] = []
    for segment in segments:
        for kind, strands in segment["strands"].items():
            known = tracks.setdefault(kind, [])
            open_tracks[kind] = _extended(known, open_tracks.get(kind, []), strands, kind)
        cuts += segment["cuts"]
        told.append({name: value for name, value in segment.items() if name != "strands"})
    cuts = sorted(set(cuts))
    numbered = [track for kind, found in tracks.items() for track in _numbered(_joined(found, cuts), kind)]
    for track in numbered:
        track.scene_s = _scene(track, cuts)
    return Stitched(numbered, cuts, told)


def _extended(known: list[Track], ending: list[Track], strands: list[list[Any]], kind: str) -> list[Track]:
    """Add a segment's strands to the tracks; answers those that may go on in the next segment."""
    free = list(ending)
    reached: list[Track] = []
    for rows in strands:
        points: Points = [(r[0], r[1], r[2], r[3], r[4], r[5]) for r in rows]
        how = [str(row[6]) for row in rows]
        track = _same_moment(free, points[0])
        if track is None:
            track = Track("", kind, points, how)
            known.append(track)
        else:
            free.remove(track)
            track.points += points[1:]
            track.how += how[1:]
        reached.append(track)
    return reached


def _same_moment(tracks: Sequence[Track], point: tuple[float, ...]) -> Track | None:
    """The track that ends at the same frame in the same place: the border frame belongs to both segments."""
    box = np.array([point[1:5]])
    best, best_overlap = None, SAME_IOU
    for track in tracks:
        last = track.points[-1]
        if abs(last[0] - point[0]) > SAME_MOMENT_S:
            continue
        overlap = float(iou_xyxy(np.array([last[1:5]]), box)[0, 0])
        if overlap >= best_overlap:
            best, best_overlap = track, overlap
    return best


def _joined(tracks: list[Track], cuts: list[float]) -> list[Track]:
    """Tracks whose beginning continues another one's end are one track."""
    done: list[Track] = []
    recent: list[Track] = []
    for track in sorted(tracks, key=lambda found: (found.from_s, found.points[0][1:5])):
        recent = [old for old in recent if track.from_s - old.until_s <= RULES[old.kind].join_s]
        before = next((old for old in reversed(recent) if _continues(old, track, cuts)), None)
        if before is None:
            done.append(track)
            recent.append(track)
            continue
        before.points += track.points
        before.how += track.how
    return done


def _continues(old: Track, new: Track, cuts: list[float]) -> bool:
    gap_s = new.from_s - old.until_s
    if not 0 < gap_s <= RULES[old.kind].join_s:
        return False
    if bisect_right(cuts, old.until_s) != bisect_right(cuts, new.from_s):
        return False
    last, first = np.array(old.points[-1][:5]), np.array(new.points[0][:5])
    sizes = [max(float((box[3:] - box[1:3]).max()), 1.0) for box in (last, first)]
    if max(sizes) / min(sizes) > MAX_SIZE_RATIO:
        return False
    reach = (JOIN_SIZES + JOIN_SIZES_PER_S * gap_s) * min(sizes)
    return _distance(old, new, gap_s) <= reach


def _distance(old: Track, new: Track, gap_s: float) -> float:
    """How far the second begins from where the first was lost: in place, or gone on as one of them moved."""
    ends = np.array([point[:5] for point in old.points[-2:]])
    starts = np.array([point[:5] for point in new.points[:2]])
    way = (starts[0, 1:3] + starts[0, 3:] - ends[-1, 1:3] - ends[-1, 3:]) / 2
    guesses = (np.zeros(2), speed_at(ends, np.inf) * gap_s, speed_at(starts, -np.inf) * gap_s)
    return min(float(np.linalg.norm(way - guess)) for guess in guesses)


def _numbered(tracks: list[Track], kind: str) -> Iterator[Track]:
    ordered = sorted(tracks, key=lambda found: (found.from_s, found.points[0][1:5]))
    for number, track in enumerate(ordered, 1):
        track.track_id = f"{kind}-{number}"
        yield track


def _scene(track: Track, cuts: list[float]) -> tuple[float, float]:
    first, last = bisect_right(cuts, track.from_s), bisect_right(cuts, track.until_s)
    return (cuts[first - 1] if first else float("-inf"), cuts[last] if last < len(cuts) else float("inf"))
