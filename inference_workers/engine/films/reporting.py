"""The coverage report: what was looked at, what was found, what is covered, and what is not sure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from inference_workers.contracts.redactions import RedactionJob, RedactionSummary, TimeRange
from inference_workers.engine.films.checking import MAX_SLIPS, second_look_document
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.looking import LOOK_EVERY_S
from inference_workers.engine.films.rendering import Rendered
from inference_workers.engine.films.tracks import COVERED, RULES, Track

VERSION = 1
# The end of a film is missing when its container announces this much more than could be decoded.
MISSING_END_S = 1.0


def tracks_document(
    film: Film, tracks: Sequence[Track], cuts: Sequence[float], segments: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The JSON of tracks: for the editor, for people who check, and for the report."""
    return {
        "version": VERSION,
        "width": film.facts.width,
        "height": film.facts.height,
        "rotation_deg": film.facts.rotation_deg,
        "duration_s": film.facts.duration_s,
        "fps": film.facts.fps,
        "cuts_s": list(cuts),
        "tracks": [_track(film, track) for track in tracks],
        "segments": [_segment(value) for value in segments],
    }


def _track(film: Film, track: Track) -> dict[str, Any]:
    from_s, until_s = track.covered_s()
    looks = len(track.points)
    return {
        "id": track.track_id,
        "kind": track.kind,
        "state": track.state,
        "from_s": round(track.from_s, 3),
        "until_s": round(track.until_s, 3),
        "covered_from_s": round(max(from_s, 0.0), 3),
        "covered_until_s": round(min(until_s, max(film.facts.duration_s, track.until_s)), 3),
        "sightings": track.sightings,
        "followed": looks - track.sightings,
        "longest_gap_s": round(_longest_gap(track), 3),
        "mean_score": round(track.mean_score, 3),
        "uncertain": track.is_uncertain,
        "points": [_point(film, track, i) for i in range(looks)],
    }


def _longest_gap(track: Track) -> float:
    seen = [point[0] for point, how in zip(track.points, track.how, strict=True) if how != "f"]
    return max((after - before for before, after in pairwise(seen)), default=0.0)


def _point(film: Film, track: Track, number: int) -> list[Any]:
    at_s, left, top, right, bottom, _ = track.points[number]
    width, height = film.facts.width, film.facts.height
    box = (left / width, top / height, right / width, bottom / height)
    return [round(at_s, 3), *(round(side, 4) for side in box), track.how[number]]


def _segment(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "frames": value["frames"],
        "looks": len(value["looks"]),
        "last_s": value["last_s"],
        "damage_s": value["damage_s"],
    }


def report_document(
    job: RedactionJob,
    film: Film,
    tracks: Mapping[str, Any],
    rendered: Sequence[Rendered],
    sound: Sequence[str],
) -> dict[str, Any]:
    """The whole report as JSON."""
    frames = sum(item.frames for item in rendered)
    looked = sum(max(0, item["looks"] - 1) for item in tracks["segments"][:-1]) + sum(
        item["looks"] for item in tracks["segments"][-1:]
    )
    unreadable = unreadable_ranges(film, rendered)
    missing = max(0, film.facts.frames - frames)
    return {
        "version": VERSION,
        "partial": bool(unreadable) or any(item.mosaic for item in rendered),
        "file": asdict(film.facts),
        "frames": {
            "announced": film.facts.frames,
            "decoded": frames,
            "missing": missing,
            "looked_at": looked,
            "between_looks": max(0, frames - looked),
            "with_covers": sum(item.covered for item in rendered),
            "whole_mosaic": sum(item.mosaic for item in rendered),
        },
        "covered_share": _mean_share(rendered, frames),
        "second_look": second_look_document(
            sum(item.looked_again for item in rendered),
            [slip for item in rendered for slip in item.slips],
            tracks["tracks"],
        ),
        "unreadable_s": [[round(part.from_s, 3), round(part.until_s, 3)] for part in unreadable],
        "tracks": [
            {name: value for name, value in track.items() if name != "points"} for track in tracks["tracks"]
        ],
        "uncertain_tracks": [track["id"] for track in tracks["tracks"] if track["uncertain"]],
        "not_covered": [
            {"id": track["id"], "state": track["state"]}
            for track in tracks["tracks"]
            if track["state"] != COVERED
        ],
        "models": _models(job),
        "settings": {
            **asdict(job.options),
            "look_every_s": LOOK_EVERY_S,
            "covers": {kind: asdict(rules) for kind, rules in RULES.items()},
        },
        "sound_kept": list(sound),
    }


def _mean_share(rendered: Sequence[Rendered], frames: int) -> float:
    if not frames:
        return 0.0
    return round(sum(item.covered_share * item.frames for item in rendered) / frames, 5)


def unreadable_ranges(film: Film, rendered: Sequence[Rendered]) -> tuple[TimeRange, ...]:
    """Parts that could not be decoded soundly, the missing end of a film that was cut off among them."""
    ranges = sorted(part for item in rendered for part in item.damage_s)
    stamps = [item.last_pts for item in rendered if item.last_pts is not None]
    last_s = film.at_s(stamps[-1]) if stamps else 0.0
    if film.facts.media == "video" and film.announced_s - last_s > MISSING_END_S + 1 / film.facts.fps:
        ranges.append((last_s, film.announced_s))
    joined: list[tuple[float, float]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1] + 1 / film.facts.fps:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(TimeRange(start, end) for start, end in joined)


def _models(job: RedactionJob) -> list[dict[str, str]]:
    refs = [*job.face_models, *(ref for ref in (job.person_model, job.text_model) if ref is not None)]
    return [{"name": ref.name, "version_id": ref.version_id, "sha256": ref.sha256} for ref in refs]


def summary_of(report: Mapping[str, Any], unreadable: tuple[TimeRange, ...]) -> RedactionSummary:
    """The report in short."""
    frames = report["frames"]
    return RedactionSummary(
        tracks=len(report["tracks"]),
        frames=frames["decoded"],
        frames_looked_at=frames["looked_at"],
        frames_covered=frames["with_covers"],
        frames_mosaic=frames["whole_mosaic"],
        uncertain_tracks=len(report["uncertain_tracks"]),
        partial=report["partial"],
        unreadable=unreadable,
        looked_again=report["second_look"]["frames"],
        leaky=report["second_look"]["leaky"],
        leaks_at_s=tuple(sorted({leak["at_s"] for leak in report["second_look"]["leaks"]})[:MAX_SLIPS]),
    )
