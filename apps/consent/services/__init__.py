"""Changes of the register of purposes and of consents.

Each is one transaction: a compare-and-set change, its record, and on commit the news that makes the leases of
the cameras follow.
"""

from apps.consent.services.consents import (
    consent_record,
    consent_withdraw,
    contact_reveal,
    contact_set,
)
from apps.consent.services.evidence import evidence_open, evidence_put
from apps.consent.services.notices import notice_of
from apps.consent.services.purposes import purpose_create, purpose_end, purpose_update
from apps.consent.services.reading import consent_read, consents_read

__all__ = [
    "consent_read",
    "consent_record",
    "consent_withdraw",
    "consents_read",
    "contact_reveal",
    "contact_set",
    "evidence_open",
    "evidence_put",
    "notice_of",
    "purpose_create",
    "purpose_end",
    "purpose_update",
]
