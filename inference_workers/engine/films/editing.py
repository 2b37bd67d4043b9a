"""Edits of the stitched tracks. The same edits on the same tracks give the same covers, so undo is exact."""

from collections.abc import Callable, Sequence
from typing import Any

from inference_workers.contracts.redactions import EditKind, RedactionEdit
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.tracks import DROPPED, KEPT, MANUAL, Track


def manual_id(edit_id: str) -> str:
    """The track of a drawn region."""
    return f"{MANUAL}-{edit_id}"


def edited(
    tracks: Sequence[Track], edits: Sequence[RedactionEdit], followed: Callable[[str], dict[str, Any]]
) -> list[Track]:
    """Apply edits in order.

    Args:
        followed: the JSON that FOLLOW wrote for an edit's id.

    Raises:
        EngineError: `edit_invalid` when an edit names a track that is not there.
    """
    done = {track.track_id: track for track in tracks}
    for edit in edits:
        if edit.kind is EditKind.ADD:
            track = drawn_track(edit, followed(edit.edit_id))
            done[track.track_id] = track
            continue
        found = done.get(edit.track_id or "")
        if found is None:
            raise EngineError("edit_invalid", f"expected a track of this film, got {edit.track_id!r:.60}")
        found.state = DROPPED if edit.kind is EditKind.DROP else KEPT
    return list(done.values())


def drawn_track(edit: RedactionEdit, value: dict[str, Any]) -> Track:
    """A track from what FOLLOW wrote."""
    rows = value["points"]
    points = [(r[0], r[1], r[2], r[3], r[4], 1.0) for r in rows]
    return Track(manual_id(edit.edit_id), MANUAL, points, [str(row[5]) for row in rows])
