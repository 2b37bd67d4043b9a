"""Requests of data subjects, for those who answer them."""

from datetime import datetime

from django.db.models import QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.cameras.selectors import as_uuid, by_key
from apps.cases.models import Case, CaseItem, Disclosure, Erasure
from apps.core.errors import NotFound


def cases_open() -> QuerySet[Case]:
    """The requests that wait for an answer, the most urgent first; each has its `due_at`."""
    return Case.objects.filter(closed_at=None).order_by("due_at", "pk")


def cases_due(until: datetime) -> QuerySet[Case]:
    """Those of them whose time is over before `until`, the overdue ones included."""
    return cases_open().filter(due_at__lt=until)


def cases_search(
    user: User,
    *,
    kind: str = "",
    closed: bool | None = False,
    text: str = "",
    due_before: datetime | None = None,
) -> QuerySet[Case]:
    """Requests; `closed` None: all of them. `text` is a part of a reference of the case or the person."""
    require(user, Capability.SEE_CASES)
    rows = Case.objects.all()
    if kind:
        rows = rows.filter(kind=kind)
    if closed is not None:
        rows = rows.filter(closed_at__isnull=not closed)
    if due_before is not None:
        rows = rows.filter(due_at__lt=due_before)
    wanted = text.replace("\x00", "").strip()
    if wanted:
        rows = rows.filter(reference__icontains=wanted) | rows.filter(subject__icontains=wanted)
    return rows.order_by("due_at", "pk")


def case_get(user: User, case_id: object) -> Case:
    """One request; an attempt without the right is on record."""
    require(user, Capability.SEE_CASES)
    key = as_uuid(case_id)
    found = Case.objects.filter(pk=key).first() if key else None
    if found is None:
        raise NotFound(_("case"))
    return found


def with_steps(case: Case) -> Case:
    """The request with its items, disclosures and erasures and who acted in them, read at once."""
    people = (
        "disclosures__prepared_by",
        "disclosures__decided_by",
        "erasures__made_by",
        "erasures__decided_by",
    )
    prefetch_related_objects([case], "items", *people)
    return case


def items_of(case: Case) -> list[CaseItem]:
    return list(CaseItem.objects.filter(case=case).order_by("since", "pk"))


def erasures_of(case: Case) -> list[Erasure]:
    """The previews of a request with what became of them, the newest first."""
    rows = Erasure.objects.filter(case=case).select_related("made_by", "decided_by", "executed_by")
    return list(rows.order_by("-made_at"))


def erasure_get(user: User, case_id: object, erasure_id: object) -> Erasure:
    case = case_get(user, case_id)
    rows = Erasure.objects.select_related("case", "made_by", "decided_by", "executed_by")
    found = by_key(rows.filter(case=case), erasure_id).first()
    if found is None:
        raise NotFound(_("erasure"))
    return found


def disclosures_of(case: Case) -> list[Disclosure]:
    rows = Disclosure.objects.filter(case=case).select_related("prepared_by", "decided_by")
    return list(rows.order_by("-prepared_at"))


def disclosure_get(user: User, case_id: object, disclosure_id: object) -> Disclosure:
    case = case_get(user, case_id)
    rows = Disclosure.objects.select_related("case", "prepared_by", "decided_by")
    found = by_key(rows.filter(case=case), disclosure_id).first()
    if found is None:
        raise NotFound(_("disclosure"))
    return found
