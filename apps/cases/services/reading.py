"""Looking at requests: pseudonymous, but about persons all the same, so each look is on record."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.audit import services as audit
from apps.cases.models import Case
from apps.cases.selectors import case_get, cases_search


def case_read(*, acting_user: User, case_id: object, purpose: str) -> Case:
    """One request; who looks at it is on record before the answer."""
    case = case_get(acting_user, case_id)
    with transaction.atomic():
        audit.record_access(
            action="case.view",
            object_type="case",
            object_id=str(case.pk),
            details={"case": case.reference},
            acting_user=acting_user,
            purpose=purpose,
        )
    return case


def cases_read(
    *,
    acting_user: User,
    purpose: str,
    kind: str = "",
    closed: bool | None = False,
    text: str = "",
    due_before: datetime | None = None,
) -> QuerySet[Case]:
    """A list of requests; the search with its terms is on record before the answer."""
    rows = cases_search(acting_user, kind=kind, closed=closed, text=text, due_before=due_before)
    with transaction.atomic():
        audit.record_access(
            action="case.list",
            object_type="case",
            object_id="",
            details={
                "kind": kind,
                "closed": closed,
                "text": text,
                **({"due_before": due_before} if due_before else {}),
            },
            acting_user=acting_user,
            purpose=purpose,
        )
    return rows
