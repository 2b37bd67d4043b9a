"""The document that proves a consent: checked, sealed with the field key, opened only on record."""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.services.changes import changes_apply
from apps.consent.models import Consent
from apps.consent.services.fields import line_checked
from apps.core import crypto
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.ids import new_id
from apps.core.objects import object_delete, object_get, object_put

MAX_BYTES = 10 * 2**20
PREFIX = "evidence"
# By what the file begins with; the name and the declared type are the sender's word.
_KINDS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True)
class Evidence:
    name: str
    content_type: str
    data: bytes


def evidence_put(*, acting_user: User, consent: Consent, version: int, name: str, file: IO[bytes]) -> Consent:
    """Keep a document of a consent: a PDF, JPEG or PNG of at most 10 MB. One per consent, never replaced."""
    require(acting_user, Capability.MANAGE_PURPOSES)
    if consent.evidence_key:
        raise Conflict("evidence_there", _("This consent has its document already; it is never replaced."))
    data = file.read(MAX_BYTES + 1)
    facts = _facts(consent, name, data)
    object_put(facts["evidence_key"], crypto.seal_bytes(data))
    with ExitStack() as undo:
        undo.callback(object_delete, facts["evidence_key"])
        _keep(acting_user, consent, version, facts)
        undo.pop_all()
    return consent


def _keep(user: User, consent: Consent, version: int, facts: dict[str, Any]) -> None:
    with transaction.atomic():
        changes_apply(consent, version=version, changes=facts)
        audit.record_change(
            action="consent.evidence_add",
            object_type="consent",
            object_id=str(consent.pk),
            details={"name": consent.subject.reference, "sha256": consent.evidence_sha256},
            acting_user=user,
        )


def _facts(consent: Consent, name: str, data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise Invalid("evidence_too_large", _("The document must have at most 10 MB."), field="document")
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)
    if kind is None:
        raise Invalid("evidence_type", _("Expected a PDF, JPEG or PNG document."), field="document")
    digest = hashlib.sha256(data).hexdigest()
    return {
        "evidence_key": f"{PREFIX}/{consent.pk}/{new_id()}",
        "evidence_name": line_checked("document", name.rsplit("/", maxsplit=1)[-1][-120:], most=120),
        "evidence_type": kind,
        "evidence_sha256": digest,
        "evidence_bytes": len(data),
    }


def evidence_open(*, acting_user: User, consent: Consent, purpose: str) -> Evidence:
    """The document; who opens it is on record before it is shown."""
    require(acting_user, Capability.MANAGE_PURPOSES)
    if not consent.evidence_key:
        raise NotFound(_("document"))
    with transaction.atomic():
        audit.record_access(
            action="consent.evidence_view",
            object_type="consent",
            object_id=str(consent.pk),
            redacted=False,
            details={"name": consent.subject.reference},
            acting_user=acting_user,
            purpose=purpose,
        )
    data = crypto.unseal_bytes(object_get(consent.evidence_key))
    if hashlib.sha256(data).hexdigest() != consent.evidence_sha256:
        raise Conflict("evidence_altered", _("The stored document is not the one that was recorded."))
    return Evidence(consent.evidence_name, consent.evidence_type, data)
