"""What people do with redactions: begin, pause, go on, cancel, delete, let the upload go."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.clock import now
from apps.core.errors import Conflict, NotFound
from apps.core.events import publish
from apps.redactions.forgetting import input_forget
from apps.redactions.ledger import redaction_advance, redaction_plan
from apps.redactions.models import (
    ACTIVE_STATES,
    FINAL_STATES,
    Redaction,
    RedactionState,
    StepState,
)
from apps.redactions.options import Options, models_now
from apps.redactions.sending import steps_send
from apps.redactions.uploads import Received

State = RedactionState


def redaction_create(
    *, acting_user: User, received: Received, options: Options, purpose: str = ""
) -> Redaction:
    """Put a received file into the ledger; the work begins when the transaction is committed."""
    require(acting_user, Capability.REDACT_FILES)
    chosen = models_now(options.targets)
    with transaction.atomic():
        redaction = Redaction.objects.create(
            pk=received.redaction_id,
            owner=acting_user,
            filename=received.filename,
            purpose=purpose,
            input_sha256=received.sha256,
            input_bytes=received.size_bytes,
            options={
                "targets": list(options.targets),
                "style": options.style,
                "audio": options.audio,
                "masks": options.masks,
            },
            chosen_models=chosen,
            editable=options.editable,
        )
        redaction_plan(redaction)
        publish("redaction.changed", redaction_id=str(redaction.pk))
        transaction.on_commit(steps_send, robust=True)
        details = {"sha256": received.sha256, "bytes": received.size_bytes, "options": redaction.options}
        record(acting_user, redaction, "redaction.create", details, purpose)
    return redaction


def record(
    user: User, redaction: Redaction, action: str, details: dict[str, Any] | None = None, purpose: str = ""
) -> None:
    """The file's name stays out of the record: people write names of people into it."""
    audit.record_change(
        action=action,
        object_type="redaction",
        object_id=str(redaction.pk),
        details={**(details or {}), **({"purpose": purpose} if purpose else {})},
        acting_user=user,
    )


def redaction_pause(*, acting_user: User, redaction: Redaction) -> Redaction:
    """Nothing more is sent; what a worker has in hand it finishes, and that counts."""
    return _move(acting_user, redaction, "redaction.pause", before=ACTIVE_STATES, after=State.PAUSED)


def redaction_resume(*, acting_user: User, redaction: Redaction) -> Redaction:
    def go_on(row: Redaction) -> None:
        redaction_advance(row)
        transaction.on_commit(steps_send, robust=True)

    return _move(
        acting_user, redaction, "redaction.resume", before=(State.PAUSED,), after=State.RUNNING, then=go_on
    )


def redaction_cancel(*, acting_user: User, redaction: Redaction) -> Redaction:
    """The work ends and everything that was stored for it goes, the upload first of all.

    Where an edited film is made again, only that ends: the result from before stays.
    """

    def end(row: Redaction) -> None:
        row.steps.filter(state=StepState.QUEUED).delete()
        if row.ready_revision is not None:
            Redaction.objects.filter(pk=row.pk).update(state=State.DONE, rendered_revision=row.ready_revision)
            return
        Redaction.objects.filter(pk=row.pk).update(finished_at=now())
        input_forget(row)

    before = (*ACTIVE_STATES, State.PAUSED)
    return _move(acting_user, redaction, "redaction.cancel", before=before, after=State.CANCELLED, then=end)


def redaction_close(*, acting_user: User, redaction: Redaction) -> Redaction:
    """End the editing: the upload is deleted now, the result stays."""

    done = (State.DONE,)
    return _move(acting_user, redaction, "redaction.close", before=done, after=State.DONE, then=input_forget)


def redaction_delete(*, acting_user: User, redaction: Redaction) -> None:
    """The row leaves every list and the upload the store at once; the rest goes with the next sweep."""
    require(acting_user, Capability.REDACT_FILES)
    with transaction.atomic():
        changed = Redaction.objects.filter(pk=redaction.pk, deleted_at=None, state__in=FINAL_STATES).update(
            deleted_at=now(), version=F("version") + 1
        )
        if not changed:
            raise _moved_on()
        if redaction.input_gone_at is None:
            input_forget(redaction)
        publish("redaction.changed", redaction_id=str(redaction.pk))
        record(acting_user, redaction, "redaction.delete")


def _move(
    user: User,
    redaction: Redaction,
    action: str,
    *,
    before: tuple[RedactionState, ...],
    after: RedactionState,
    then: Callable[[Redaction], None] | None = None,
) -> Redaction:
    """One change of state: compare and set, what follows from it, the record last."""
    require(user, Capability.REDACT_FILES)
    with transaction.atomic():
        row = Redaction.objects.select_for_update().filter(pk=redaction.pk, deleted_at=None).first()
        if row is None:
            raise NotFound(_("redaction"))
        if row.state not in before:
            raise _moved_on()
        row.state = after
        Redaction.objects.filter(pk=row.pk).update(state=after, version=F("version") + 1)
        if then is not None:
            then(row)
        publish("redaction.changed", redaction_id=str(row.pk))
        record(user, row, action)
    redaction.refresh_from_db()
    return redaction


def _moved_on() -> Conflict:
    return Conflict("redaction_moved_on", _("The work is in another state by now. Load the page again."))
