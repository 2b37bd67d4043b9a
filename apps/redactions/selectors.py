"""Who may see which redaction: compliance officers all of them, a service account its own."""

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Role, User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.selectors import by_key
from apps.core.errors import NotFound
from apps.redactions.models import Redaction, RedactionEdit


def redactions_of(user: User) -> QuerySet[Redaction]:
    """Newest first."""
    require(user, Capability.REDACT_FILES)
    rows = Redaction.objects.filter(deleted_at=None).select_related("owner")
    if user.role != Role.COMPLIANCE:
        rows = rows.filter(owner=user)
    return rows.order_by("-created_at", "-id")


def redaction_get(user: User, redaction_id: object) -> Redaction:
    """Missing and forbidden give the same answer; an attempt at somebody else's enters the record."""
    edits = Prefetch("edits", RedactionEdit.objects.order_by("number"))
    found = by_key(redactions_of(user), redaction_id).prefetch_related(edits).first()
    if found is not None:
        return found
    if by_key(Redaction.objects.filter(deleted_at=None), redaction_id).exists():
        audit.record_refusal(
            action="redaction.open", object_type="redaction", object_id=str(redaction_id), acting_user=user
        )
    raise NotFound(_("redaction"))
