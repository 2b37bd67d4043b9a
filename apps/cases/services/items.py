"""Collecting what concerns a person, and taking it out again."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.selectors import as_uuid, cameras_watchable_by, refusal_record
from apps.cases.models import Case, CaseItem, CaseKind, ItemKind
from apps.cases.services.cases import record, still_open
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.large_objects import ObjectWriter, object_response, object_size, object_stream
from apps.core.objects import object_delete
from apps.core.pictures import REDACTION_HEADER
from apps.detections.selectors import event_look_up, reading_look_up
from apps.dispatch.models import WorkItem
from apps.recordings.selectors import segment_look_up
from apps.redactions.selectors import redaction_get
from inference_workers.contracts.redactions import result_key

MAX_ITEMS = 200
MAX_COPY_BYTES = 512 * 2**20
_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Thing:
    """What can be collected, as it is now. `source_key`: the object of which the person gets a copy."""

    kind: ItemKind
    object_id: UUID
    since: datetime
    until: datetime
    camera_id: UUID | None = None
    camera_name: str = ""
    epoch: str = ""
    track_id: int | None = None
    title: str = ""
    source_key: str = ""
    content_type: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def items_add(*, acting_user: User, case: Case, chosen: Iterable[tuple[str, str]], purpose: str) -> int:
    """Put things into a request: `chosen` are pairs of kind and id; what is in it already stays as it is.

    For a person who asks what is held about them the picture or film is copied, because retention may take it
    before the month is over; that needs the watch grant, as looking does. Returns how many are new.
    """
    require(acting_user, Capability.RUN_CASES)
    still_open(case)
    things = [_thing(acting_user, kind, key, purpose) for kind, key in dict.fromkeys(chosen)]
    there = set(case.items.values_list("kind", "object_id"))
    new = [thing for thing in things if (thing.kind.value, thing.object_id) not in there]
    if len(there) + len(new) > MAX_ITEMS:
        raise Conflict(
            "too_many_items",
            ngettext(
                "A request holds at most %(n)d item. Open a second one.",
                "A request holds at most %(n)d items. Open a second one.",
                MAX_ITEMS,
            )
            % {"n": MAX_ITEMS},
        )
    watchable = set(cameras_watchable_by(acting_user).values_list("pk", flat=True))
    copied = case.kind != CaseKind.ERASURE
    new = [_placed(case, thing) for thing in new]
    rows = [_row(acting_user, case, thing, copied and _may_copy(thing, watchable)) for thing in new]
    try:
        with transaction.atomic():
            CaseItem.objects.bulk_create(rows)
            for row in rows:
                record(acting_user, case, "item_add", _named(row))
    except BaseException:
        for row in rows:
            if row.copy_key:
                object_delete(row.copy_key)
        raise
    return len(rows)


def _placed(case: Case, thing: Thing) -> Thing:
    """A film that was made of a recording's original is of the recording's place and time."""
    if thing.kind != ItemKind.FILE:
        return thing
    for item in case.items.filter(kind=ItemKind.SEGMENT):
        if item.facts.get("edited_as") == str(thing.object_id):
            return replace(
                thing,
                since=item.since,
                until=item.until,
                camera_id=item.camera_id,
                camera_name=item.camera_name,
            )
    return thing


def item_remove(*, acting_user: User, case: Case, item_id: object) -> None:
    """Take one thing out again, with its copy; what it names stays where it is."""
    require(acting_user, Capability.RUN_CASES)
    still_open(case)
    item = item_get(case, item_id)
    if item.erased_at is not None:
        raise Conflict("item_erased", _("This item is the proof of an erasure; it stays."))
    with transaction.atomic():
        CaseItem.objects.filter(pk=item.pk).delete()
        record(acting_user, case, "item_remove", _named(item))
        if item.copy_key:
            transaction.on_commit(lambda: object_delete(item.copy_key), robust=True)


def item_get(case: Case, item_id: object) -> CaseItem:
    key = as_uuid(item_id)
    item = CaseItem.objects.filter(case=case, pk=key).first() if key else None
    if item is None:
        raise NotFound(_("item"))
    return item


def item_copy_response(user: User, item: CaseItem, purpose: str, wanted: str = "") -> HttpResponseBase:
    """The copy of an item or a part of it. A picture of a camera needs the watch grant, here as elsewhere."""
    require(user, Capability.RUN_CASES)
    if not may_see(user, item):
        refusal_record(user, "case_item", item.pk, Capability.RUN_CASES, purpose)
        raise NotFound(_("copy"))
    response = object_response(item.copy_key, item.copy_type, wanted)
    if response.status_code in (200, 206):
        with transaction.atomic():
            audit.record_access(
                action="case.item_view",
                object_type="case_item",
                object_id=str(item.pk),
                camera_id=item.camera_id,
                redacted=not item.shows_subject,  # as the hand-over of it says
                details={**_named(item), "case": item.case.reference, "subject_visible": item.shows_subject},
                acting_user=user,
                purpose=purpose,
            )
    redaction = item.facts.get("redaction")
    response[REDACTION_HEADER] = redaction if redaction in ("tracks", "mosaic") else "redacted"
    return response


def may_see(user: User, item: CaseItem) -> bool:
    return item.camera_id is None or cameras_watchable_by(user).filter(pk=item.camera_id).exists()


def _named(item: CaseItem) -> dict[str, Any]:
    return {
        "item": str(item.pk),
        "of": item.kind,
        "object": str(item.object_id),
        "camera": str(item.camera_id or ""),
        "copy_sha256": item.copy_sha256,
    }


def _row(user: User, case: Case, thing: Thing, copied: bool) -> CaseItem:
    row = CaseItem(
        case=case,
        kind=thing.kind,
        object_id=thing.object_id,
        camera_id=thing.camera_id,
        camera_name=thing.camera_name,
        since=thing.since,
        until=thing.until,
        epoch=thing.epoch,
        track_id=thing.track_id,
        title=thing.title[:200],
        facts=thing.facts,
        shows_subject=thing.kind == ItemKind.FILE,
        added_at=now(),
        added_by_name=user.get_username(),
    )
    if copied:
        _copy(row, thing)
    return row


def _copy(row: CaseItem, thing: Thing) -> None:
    if object_size(thing.source_key) > MAX_COPY_BYTES:
        raise DomainError(
            "item_too_large",
            _("This file has more than %(most)d MB; hand it over on its own page.")
            % {"most": MAX_COPY_BYTES // 2**20},
        )
    row.copy_key = f"cases/{row.case_id}/{row.pk}"
    row.copy_type = thing.content_type
    digest, writer = hashlib.sha256(), ObjectWriter(row.copy_key)
    for part in object_stream(thing.source_key):
        digest.update(part)
        row.copy_bytes += len(part)
        writer.write(part)
    writer.close()
    row.copy_sha256 = digest.hexdigest()


def _may_copy(thing: Thing, watchable: set[UUID]) -> bool:
    """Whether there is a picture, and the person who collects may look at it."""
    return bool(thing.source_key) and (thing.camera_id is None or thing.camera_id in watchable)


def _thing(user: User, kind: str, key: str, purpose: str) -> Thing:
    """What is named, if the person who asks may know of it; each look has its rule in its own app."""
    if kind not in ItemKind.values:
        raise NotFound(_("item"))
    return _FINDERS[ItemKind(kind)](user, key, purpose)


def _event(user: User, key: str, purpose: str) -> Thing:
    row = event_look_up(user, key, purpose=purpose)
    return Thing(
        ItemKind.EVENT,
        row.pk,
        row.first_seen_at,
        row.last_seen_at,
        row.camera_id,
        row.camera.name,
        row.epoch,
        row.track_id,
        row.label,
        row.snapshot_key,
        "image/jpeg",
        {
            "confidence": round(row.confidence, 3),
            "model": row.model_name,
            "redaction": row.snapshot_redaction,
        },
    )


def _reading(user: User, key: str, purpose: str) -> Thing:
    row = reading_look_up(user, key, purpose=purpose)
    return Thing(
        ItemKind.READING,
        row.pk,
        row.read_at,
        row.read_at,
        row.camera_id,
        row.camera.name,
        title=row.text,
        source_key=row.snapshot_key,
        content_type="image/jpeg",
        facts={"script": row.script, "model": row.model_name},
    )


def _segment(user: User, key: str, purpose: str) -> Thing:
    row = segment_look_up(user, key, purpose=purpose)
    facts = {"frames": row.frames, "redaction": row.redaction, "original": bool(row.original_key)}
    return Thing(
        ItemKind.SEGMENT,
        row.pk,
        row.started_at,
        row.ended_at,
        row.camera_id,
        row.camera.name,
        source_key=row.object_key,
        content_type="video/mp4",
        facts=facts,
    )


def _file(user: User, key: str, _purpose: str) -> Thing:
    row = redaction_get(user, key)
    if row.ready_revision is None:
        raise Conflict("not_ready", _("There is no result of this file yet."))
    if row.rendered_revision != row.revision or row.ready_revision != row.rendered_revision:
        raise Conflict("not_rendered", _("This file has edits that are not rendered yet."))
    suffix = str(row.film["result_suffix"])
    source = result_key(str(row.pk), row.ready_revision, suffix)
    kept = [edit.what for edit in row.edits.all() if edit.kind == "keep" and edit.undone_revision is None]
    thing = Thing(
        ItemKind.FILE, row.pk, row.created_at, row.created_at, title=row.filename, source_key=source
    )
    facts = {"revision": row.ready_revision, "visible_tracks": len(kept)}
    return replace(thing, content_type=_TYPES[suffix], facts=facts)


def _work(user: User, key: str, _purpose: str) -> Thing:
    """Pictures that integrators posted: only their owner sees them, so here they are named by id alone."""
    wanted = as_uuid(key)
    row = WorkItem.objects.filter(pk=wanted).first() if wanted else None
    if row is None:
        raise NotFound(_("picture"))
    with transaction.atomic():
        audit.record_access(
            action="work.name",
            object_type="work_item",
            object_id=str(row.pk),
            acting_user=user,
            purpose=_purpose,
        )
    return Thing(ItemKind.WORK, row.pk, row.created_at, row.created_at)


_FINDERS = {
    ItemKind.EVENT: _event,
    ItemKind.READING: _reading,
    ItemKind.SEGMENT: _segment,
    ItemKind.FILE: _file,
    ItemKind.WORK: _work,
}
