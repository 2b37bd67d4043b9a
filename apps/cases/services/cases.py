"""A request from its receipt to its answer: entered, identified, extended, closed."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.services.changes import changes_apply
from apps.cases.clock import MONTHS_EXTENDED, deadline
from apps.cases.models import (
    Case,
    CaseKind,
    DisclosureState,
    ErasureState,
    IdentityMethod,
    IdentityOutcome,
    Outcome,
    ReceivedHow,
)
from apps.cases.services.fields import (
    choice_checked,
    line_checked,
    past_checked,
    text_checked,
)
from apps.consent.services.fields import reference_checked
from apps.core import crypto
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound

RUN = Capability.RUN_CASES
MAX_CONTACT = 300
LONGEST_AGO = timedelta(days=366)
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # without the letters that are read as others


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. `subject` empty: a reference is made up; never a name."""

    kind: str
    received_at: datetime
    received_how: str
    asked: str
    subject: str = ""
    contact: str = ""


def case_open(*, acting_user: User, received: Received) -> Case:
    """Enter a request: its month runs from the receipt, whenever it is entered."""
    require(acting_user, RUN)
    received_at = past_checked("received_at", received.received_at)
    if received_at < now() - LONGEST_AGO:
        raise DomainError("invalid_received_at", _("A request older than a year cannot be entered."))
    contact = line_checked("contact", received.contact, least=0, most=MAX_CONTACT)
    values = {
        "kind": choice_checked("kind", received.kind, CaseKind.values),
        "received_how": choice_checked("received_how", received.received_how, ReceivedHow.values),
        "asked": text_checked("asked", received.asked, most=1000),
        "subject": reference_checked(received.subject) if received.subject else f"S-{_made_up()}",
    }
    with transaction.atomic():
        case = Case.objects.create(
            reference=f"C-{_made_up()}",
            received_at=received_at,
            due_at=deadline(received_at),
            contact_sealed=crypto.seal(contact) if contact else None,
            opened_at=now(),
            opened_by_name=acting_user.get_username(),
            **values,
        )
        record(acting_user, case, "open", {"due_at": case.due_at, "received_at": received_at})
    return case


def identity_check(
    *, acting_user: User, case: Case, version: int, method: str, outcome: str, note: str = ""
) -> Case:
    """Say how it was found out that the person is who they say, and what came of it."""
    changes = {
        "identity_method": choice_checked("method", method, IdentityMethod.values),
        "identity": choice_checked(
            "outcome", outcome, [IdentityOutcome.CONFIRMED.value, IdentityOutcome.NOT_CONFIRMED.value]
        ),
        "identity_note": line_checked("note", note, least=0, most=300),
    }
    stamp = {"identity_at": now(), "identity_by_name": acting_user.get_username()}
    return _change(acting_user, case, version, verb="identify", changes={**changes, **stamp}, told=changes)


def case_extend(*, acting_user: User, case: Case, version: int, reason: str, notified_at: datetime) -> Case:
    """Two months more (Art. 12(3)): once, with a reason, and after the person was told within the month."""
    reason = line_checked("reason", reason, most=500)
    told_at = past_checked("notified_at", notified_at)
    if case.extended_at is not None:
        raise Conflict("case_extended", _("This request was extended already; it cannot be extended twice."))
    if not case.received_at <= told_at < case.due_at:
        raise DomainError(
            "notified_late",
            _("The person must be told of the extension within the first month, after the receipt."),
        )
    changes = {
        "due_at": deadline(case.received_at, MONTHS_EXTENDED),
        "extended_at": now(),
        "extension_reason": reason,
        "notified_at": told_at,
    }
    told = {"reason": reason, "notified_at": told_at, "due_at": changes["due_at"]}
    return _change(acting_user, case, version, verb="extend", changes=changes, told=told)


def case_close(*, acting_user: User, case: Case, version: int, outcome: str, note: str) -> Case:
    """Close a request with what was answered; it is fulfilled when something was handed over or erased."""
    closing = [value for value in Outcome.values if value]
    at = now()
    changes = {
        "outcome": choice_checked("outcome", outcome, closing),
        "outcome_note": text_checked("note", note, most=1000),
        "closed_at": at,
        "closed_by_name": acting_user.get_username(),
    }
    if outcome == Outcome.FULFILLED and not _is_done(case):
        raise Conflict(
            "not_fulfilled",
            _("Nothing was handed over or erased yet. Choose another outcome, or finish that first."),
        )
    told = {"outcome": outcome, "in_time": at <= case.due_at}
    return _change(acting_user, case, version, verb="close", changes=changes, told=told)


def _is_done(case: Case) -> bool:
    if case.kind == CaseKind.ACCESS:
        return case.disclosures.filter(state=DisclosureState.GIVEN).exists()
    if case.kind == CaseKind.ERASURE:
        return case.erasures.filter(state=ErasureState.DONE).exists()
    return True


def contact_reveal(*, acting_user: User, case: Case, purpose: str) -> str:
    """How to reach the person; who asked is on record before it is shown."""
    require(acting_user, RUN)
    with transaction.atomic():
        audit.record_access(
            action="case.contact_view",
            object_type="case",
            object_id=str(case.pk),
            details={"case": case.reference},
            acting_user=acting_user,
            purpose=purpose,
        )
    if case.contact_sealed is None:
        raise NotFound(_("contact"))
    return crypto.unseal(bytes(case.contact_sealed))


def still_open(case: Case) -> None:
    if case.closed_at is not None:
        raise Conflict("case_closed", _("This request is closed. A new one is entered anew."))


def identified(case: Case) -> None:
    """Nothing is handed out and nothing deleted for somebody who may be anybody."""
    if case.identity != IdentityOutcome.CONFIRMED:
        raise Conflict("not_identified", _("The identity of the person must be confirmed first."))


def record(user: User, case: Case, verb: str, details: dict[str, Any]) -> None:
    """The entry of a change; what the person wrote stays out of the record."""
    audit.record_change(
        action=f"case.{verb}",
        object_type="case",
        object_id=str(case.pk),
        details={"case": case.reference, "kind": case.kind, **details},
        acting_user=user,
    )


def _change(
    user: User, case: Case, version: int, *, verb: str, changes: dict[str, Any], told: dict[str, Any]
) -> Case:
    require(user, RUN)
    still_open(case)
    with transaction.atomic():
        changes_apply(case, version=version, changes=changes)
        record(user, case, verb, told)
    return case


def _made_up() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))
