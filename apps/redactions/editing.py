"""Edits of a result: cover a region, drop a false cover, keep one person visible; undo; render again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.core.clock import now
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.events import publish
from apps.redactions.ledger import redaction_plan
from apps.redactions.models import EditKind, Redaction, RedactionEdit, RedactionState
from apps.redactions.sending import steps_send
from apps.redactions.services import record

MAX_EDITS = 500
MAX_TRACK_ID = 64
MIN_SIDE = 0.002
_WORKABLE = (RedactionState.DONE, RedactionState.RUNNING)


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit as it is asked for: `track_id` for DROP and KEEP, the others for ADD."""

    kind: str
    track_id: str = ""
    at_s: float | None = None
    box_xyxy: tuple[float, ...] | None = None
    from_s: float | None = None
    until_s: float | None = None


def edit_make(*, acting_user: User, redaction: Redaction, edit: Edit) -> RedactionEdit:
    """The tracks follow at once; the film when somebody asks to render again."""
    require(acting_user, Capability.REDACT_FILES)
    kind, what = _checked(edit)
    with transaction.atomic():
        row = _opened(redaction)
        numbers = row.edits.aggregate(count=Max("number"))["count"] or 0
        if numbers >= MAX_EDITS:
            raise Conflict("too_many_edits", _("A result can be edited %d times at most.") % MAX_EDITS)
        _next_revision(row)
        made = RedactionEdit.objects.create(
            redaction=row, number=numbers + 1, kind=kind, what=what, made_revision=row.revision,
            made_by_name=acting_user.username,
        )  # fmt: skip
        redaction_plan(row)
        _announce(row)
        record(acting_user, row, "redaction.edit", {"edit": str(made.pk), "kind": kind.value, **what})
    redaction.refresh_from_db()
    return made


def edit_undo(*, acting_user: User, redaction: Redaction) -> RedactionEdit:
    """Take the newest edit that counts back."""
    require(acting_user, Capability.REDACT_FILES)
    with transaction.atomic():
        row = _opened(redaction)
        newest = row.edits.filter(undone_revision=None).order_by("-number").first()
        if newest is None:
            raise Conflict("nothing_to_undo", _("There is no edit to undo."))
        _next_revision(row)
        newest.undone_revision, newest.undone_at = row.revision, now()
        newest.undone_by_name = acting_user.username
        newest.save(update_fields=["undone_revision", "undone_at", "undone_by_name"])
        redaction_plan(row)
        _announce(row)
        record(acting_user, row, "redaction.undo", {"edit": str(newest.pk), "kind": newest.kind})
    redaction.refresh_from_db()
    return newest


def redaction_render(*, acting_user: User, redaction: Redaction) -> Redaction:
    """Make the film of the present edits; segments whose covers did not change are taken as they are."""
    require(acting_user, Capability.REDACT_FILES)
    with transaction.atomic():
        row = _opened(redaction)
        if row.rendered_revision == row.revision:
            raise Conflict("nothing_to_render", _("The film shows every edit already."))
        row.rendered_revision, row.state = row.revision, RedactionState.RUNNING
        Redaction.objects.filter(pk=row.pk).update(
            rendered_revision=row.revision, state=row.state, round_at=now(), error_code="", error=""
        )
        redaction_plan(row)
        _announce(row)
        record(acting_user, row, "redaction.render", {"revision": row.revision})
    redaction.refresh_from_db()
    return redaction


def _opened(redaction: Redaction) -> Redaction:
    """The row, locked, if its result can be edited now."""
    row = Redaction.objects.select_for_update().filter(pk=redaction.pk, deleted_at=None).first()
    if row is None:
        raise NotFound(_("redaction"))
    if row.ready_revision is None or row.state not in _WORKABLE:
        raise Conflict("not_ready", _("There is no result to edit yet."))
    if row.input_gone_at is not None:
        message = _(
            "The upload was deleted, so this result cannot be edited any more. Upload the file again."
        )
        raise Conflict("input_gone", message)
    return row


def _next_revision(row: Redaction) -> None:
    row.revision += 1
    row.state = RedactionState.RUNNING
    Redaction.objects.filter(pk=row.pk).update(
        revision=row.revision, state=row.state, round_at=now(), error_code="", error=""
    )


def _announce(row: Redaction) -> None:
    Redaction.objects.filter(pk=row.pk).update(version=F("version") + 1)
    publish("redaction.changed", redaction_id=str(row.pk))
    transaction.on_commit(steps_send, robust=True)


def _checked(edit: Edit) -> tuple[EditKind, dict[str, Any]]:
    if edit.kind not in EditKind.values:
        message = _("kind: expected one of %s.") % ", ".join(EditKind.values)
        raise Invalid("invalid_kind", message, field="kind")
    kind = EditKind(edit.kind)
    return kind, _region(edit) if kind == EditKind.ADD else {"track_id": _track(edit.track_id)}


def _track(track_id: str) -> str:
    if not 1 <= len(track_id) <= MAX_TRACK_ID or not track_id.isprintable():
        raise Invalid("invalid_track_id", _("track_id: expected the id of a track."), field="track_id")
    return track_id


def _region(edit: Edit) -> dict[str, Any]:
    what: Mapping[str, Any] = {
        "at_s": _moment("at_s", edit.at_s),
        "box_xyxy": _box(edit.box_xyxy),
        "from_s": _moment("from_s", edit.from_s, optional=True),
        "until_s": _moment("until_s", edit.until_s, optional=True),
    }
    return {name: value for name, value in what.items() if value is not None}


def _moment(field: str, value: float | None, *, optional: bool = False) -> float | None:
    if value is None and optional:
        return None
    if value is None or not math.isfinite(value) or not 0 <= value < 1e6:
        message = _("%(field)s: expected seconds since the beginning of the film.") % {"field": field}
        raise Invalid(f"invalid_{field}", message, field=field)
    return round(float(value), 4)


def _box(box: tuple[float, ...] | None) -> list[float]:
    """Left, top, right, bottom as shares of the decoded picture, with a side that can be followed."""
    fits = box is not None and len(box) == 4 and all(math.isfinite(side) and 0 <= side <= 1 for side in box)
    if box is None or not fits or box[2] - box[0] < MIN_SIDE or box[3] - box[1] < MIN_SIDE:
        message = _("box_xyxy: expected left, top, right and bottom from 0 to 1, in this order.")
        raise Invalid("invalid_box", message, field="box_xyxy")
    return [round(float(side), 5) for side in box]
