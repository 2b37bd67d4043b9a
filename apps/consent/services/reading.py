"""Looking at consents: pseudonymous, but data of persons all the same, so each look is on record."""

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.audit import services as audit
from apps.consent.models import Consent
from apps.consent.selectors import consent_get, consents_search


def consent_read(*, acting_user: User, consent_id: object, purpose: str) -> Consent:
    """One consent; who looks at it is on record before the answer."""
    consent = consent_get(acting_user, consent_id)
    with transaction.atomic():
        audit.record_access(
            action="consent.view",
            object_type="consent",
            object_id=str(consent.pk),
            details={"name": consent.subject.reference},
            acting_user=acting_user,
            purpose=purpose,
        )
    return consent


def consents_read(
    *, acting_user: User, purpose: str, subject: str = "", standing: bool | None = None
) -> QuerySet[Consent]:
    """A list of consents; the search with its terms is on record before the answer."""
    rows = consents_search(acting_user, subject=subject, standing=standing)
    with transaction.atomic():
        audit.record_access(
            action="consent.list",
            object_type="consent",
            object_id="",
            details={"subject": subject, "standing": standing},
            acting_user=acting_user,
            purpose=purpose,
        )
    return rows
