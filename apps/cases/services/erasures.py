"""An erasure: previewed by one person, approved by another, executed as approved or not at all."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cases.models import Case, CaseKind, Erasure, ErasureState
from apps.cases.services.cases import identified, record, still_open
from apps.cases.services.fields import line_checked, text_checked
from apps.cases.services.previews import Preview, is_held, preview_of
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError
from apps.retention.erasure import Eraser, Found, erasers, takes_all_at_once
from apps.retention.registry import Swept, forget_outside
from apps.retention.selectors import plan_at
from apps.retention.services import doomed_delete, objects_doom

RUN = Capability.RUN_CASES
VALID_FOR = timedelta(hours=24)
STEP_ROWS = 200


def erasure_preview(*, acting_user: User, case: Case) -> Erasure:
    """Reckon what would go, what would be cut and what has to stay. Deletes nothing."""
    require(acting_user, RUN)
    _ready(case)
    found = preview_of(case)
    if not any(verdict.bucket != "keep" for verdict in found.verdicts):
        raise Conflict("nothing_to_erase", _nothing_said(found))
    at = now()
    with transaction.atomic():
        erasure = Erasure.objects.create(
            case=case,
            made_by=acting_user,
            made_at=at,
            expires_at=at + VALID_FOR,
            counts=found.counts(),
            digest=found.digest,
        )
        _record(acting_user, erasure, "preview", {"counts": erasure.counts, "digest": erasure.digest})
    return erasure


def _nothing_said(found: Preview) -> str:
    """Also where nothing is found it is said where nobody could be looked for."""
    said = _("Nothing of the items can be erased now. Collect items first.")
    blind = sum(part.unplaced for part in found.reach.blind)
    if not blind:
        return said
    more = ngettext(
        "%(n)d labelled picture cannot be searched by time: look through it by hand.",
        "%(n)d labelled pictures cannot be searched by time: look through them by hand.",
        blind,
    )
    return f"{said} {more % {'n': blind}}"


def erasure_approve(*, acting_user: User, erasure: Erasure, version: int, note: str = "") -> Erasure:
    """Approve a preview: never one's own. What it counts must still be so."""
    _check_decider(acting_user, erasure)
    _ready(erasure.case)
    _not_expired(erasure)
    _same(erasure, preview_of(erasure.case))
    note = line_checked("note", note, least=0, most=500)
    return _decide(acting_user, erasure, version, ErasureState.APPROVED, note)


def erasure_refuse(*, acting_user: User, erasure: Erasure, version: int, note: str) -> Erasure:
    _check_decider(acting_user, erasure)
    return _decide(acting_user, erasure, version, ErasureState.REFUSED, text_checked("note", note, most=500))


def erasure_execute(*, acting_user: User, erasure: Erasure, version: int) -> Erasure:
    """Do what was approved, all of it in one transaction with its entries in the record, or nothing.

    The objects leave the store after the commit; one that it does not give up goes with the next sweep.
    """
    require(acting_user, RUN)
    with transaction.atomic():
        row = Erasure.objects.select_for_update().select_related("case").get(pk=erasure.pk)
        _executable(row, version)
        found = preview_of(row.case)
        _same(row, found)
        seqs = _take(acting_user, row, found)
        if is_held(found.verdicts, plan_at()):
            raise _changed()
        row.counts |= found.reach_told()  # versions of models that came since the preview
        _done(acting_user, row, seqs)
        for store, eraser in erasers():
            forget_outside(eraser, [item.id for item in found.of(store.name)])
        transaction.on_commit(lambda: _forget_objects(row), robust=True)
    erasure.refresh_from_db()
    return erasure


def _executable(row: Erasure, version: int) -> None:
    _ready(row.case)
    if row.state != ErasureState.APPROVED or row.version != version or row.decided_by_id == row.made_by_id:
        raise Conflict("not_approved", _("Only a preview that a second person approved is executed, once."))
    _not_expired(row)


def _take(user: User, row: Erasure, found: Preview) -> list[int]:
    """Store by store; each step leaves a tombstone in the record. Returns their numbers."""
    seqs: list[int] = []
    for store, eraser in erasers():
        going = found.of(store.name)
        for part, swept in _portions(eraser, going, f"erasure {row.case.reference}"):
            objects_doom(store.name, swept.keys)
            seqs.append(_tombstone(user, row, store.name, part, swept))
    return seqs


def _portions(eraser: Eraser, going: list[Found], reason: str) -> Iterator[tuple[list[Found], Swept]]:
    """Take the rows, and what an entry of the record can name of them at once."""
    parts = [going[start : start + STEP_ROWS] for start in range(0, len(going), STEP_ROWS)]
    whole = eraser.erase(going, reason) if going and takes_all_at_once(eraser) else None
    for number, part in enumerate(parts):
        if whole is None:
            yield part, eraser.erase(part, reason)
        else:
            yield part, whole if number == 0 else Swept()


def _tombstone(user: User, row: Erasure, store: str, part: list[Found], swept: Swept) -> int:
    """Older entries that name these ids stay as they are; this one says that what they name is no more."""
    ids = sorted(item.id for item in part)
    return audit.record_change(
        action="erasure.deleted",
        object_type="store",
        object_id=store,
        details={
            "case": row.case.reference,
            "erasure": str(row.pk),
            "rows": sum(not item.cut for item in part),
            "cut": sum(item.cut for item in part),
            "objects": len(swept.keys),
            "ids": ids,
            "ids_sha256": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
        },
        acting_user=user,
    ).seq


def _done(user: User, row: Erasure, seqs: list[int]) -> None:
    row.state, row.executed_by, row.executed_at = ErasureState.DONE, user, now()
    row.first_seq, row.last_seq = min(seqs, default=None), max(seqs, default=None)
    row.version += 1
    row.save(
        update_fields=["state", "executed_by", "executed_at", "first_seq", "last_seq", "version", "counts"]
    )
    details = {"counts": row.counts, "digest": row.digest, "entries": [row.first_seq, row.last_seq]}
    _record(user, row, "execute", details)


def _forget_objects(row: Erasure) -> None:
    Erasure.objects.filter(pk=row.pk).update(objects_gone=doomed_delete())


def _ready(case: Case) -> None:
    still_open(case)
    identified(case)
    if case.kind not in (CaseKind.ERASURE, CaseKind.OBJECTION):
        raise Conflict(
            "no_erasure_asked", _("Only a request for erasure or an objection ends in an erasure.")
        )


def _not_expired(erasure: Erasure) -> None:
    if erasure.expires_at <= now():
        raise Conflict("preview_expired", _("This preview is older than a day. Make a new one."))


def _same(erasure: Erasure, found: Preview) -> None:
    if found.digest != erasure.digest:
        raise _changed()


def _changed() -> Conflict:
    return Conflict(
        "preview_changed", _("What would be erased has changed since the preview. Make a new one.")
    )


def _check_decider(user: User, erasure: Erasure) -> None:
    """Before the transaction: a refused attempt stays on record."""
    require(user, RUN)
    if erasure.made_by_id == user.pk:
        audit.record_refusal(
            action="erasure.self_approval",
            object_type="erasure",
            object_id=str(erasure.pk),
            acting_user=user,
        )
        raise DomainError(
            "second_person_required",
            _("This is decided by somebody else than the one who prepared it."),
            HTTPStatus.FORBIDDEN,
        )


def _decide(user: User, erasure: Erasure, version: int, state: ErasureState, note: str) -> Erasure:
    with transaction.atomic():
        changed = Erasure.objects.filter(pk=erasure.pk, version=version, state=ErasureState.WAITING).update(
            state=state, decided_by=user, decided_at=now(), note=note, version=version + 1
        )
        if not changed:
            raise Conflict("version_conflict", _("Somebody decided on this meanwhile."))
        erasure.refresh_from_db()
        verb = "approve" if state == ErasureState.APPROVED else "refuse"
        _record(user, erasure, verb, {"digest": erasure.digest, "made_by": erasure.made_by.get_username()})
    return erasure


def _record(user: User, erasure: Erasure, verb: str, details: dict[str, Any]) -> None:
    record(user, erasure.case, f"erasure_{verb}", {"erasure": str(erasure.pk), **details})
