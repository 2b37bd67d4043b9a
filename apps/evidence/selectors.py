"""Who may see packs: compliance officers who may watch the camera. A pack is its pictures, taken home."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.cameras.selectors import by_key, cameras_for
from apps.core.errors import Conflict, NotFound
from apps.evidence.models import EvidencePack
from apps.monitoring.selectors import exports_allowed


def packs_of(user: User) -> QuerySet[EvidencePack]:
    """Packs of the cameras whose pictures a user may see, newest first."""
    require(user, Capability.EXPORT_EVIDENCE)
    cameras = cameras_for(user, Capability.EXPORT_EVIDENCE).order_by().values("pk")
    rows = EvidencePack.objects.select_related("camera__site").filter(camera__in=cameras)
    return rows.order_by("-created_at", "-id")


def pack_get(user: User, pack_id: object) -> EvidencePack:
    """Missing and forbidden give the same answer; an attempt at a forbidden one enters the record."""
    found = by_key(packs_of(user), pack_id).first()
    if found is not None:
        return found
    if by_key(EvidencePack.objects.all(), pack_id).exists():
        audit.record_refusal(
            action="evidence.open", object_type="evidence_pack", object_id=str(pack_id), acting_user=user
        )
    raise NotFound(_("evidence pack"))


def check_exports(camera: Camera) -> None:
    """Raises Conflict while leaks of the camera wait for their review."""
    if not exports_allowed(camera):
        raise Conflict(
            "exports_quarantined",
            _(
                "Pictures of this camera let faces through. Nothing of it is handed out before a person has "
                "reviewed the alert."
            ),
        )
