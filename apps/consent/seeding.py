"""Entries for the cameras that come with a start: of the demonstration, and for a trial of one's own camera.

Both are made once per camera and never again: what a person changed or ended stays as it is, and a trial that
has run out is not begun anew by another start.
"""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.cameras.models import Camera
from apps.consent.models import LawfulBasis, Purpose, PurposeOrigin, PurposeStage
from apps.consent.services import purpose_create
from apps.core.clock import now

TRIAL = timedelta(days=14)
_STREAMED = [PurposeStage.VIEW.value, PurposeStage.DETECT.value, PurposeStage.TEXT.value]


def demo_purposes_add(bob: User) -> int:
    """An entry for each demo camera that never had one: the footage is made up or given for this."""
    cameras = _never_entered(Camera.objects.filter(demo=True))
    for camera in cameras:
        purpose_create(acting_user=bob, camera=camera, fields=_demo_fields(), origin=PurposeOrigin.DEMO)
    return len(cameras)


def trial_purpose_add(bob: User, camera: Camera) -> Purpose | None:
    """A provisional entry of 14 days for the camera that was named at the start; None when it has had one."""
    if not _never_entered(Camera.objects.filter(pk=camera.pk)):
        return None
    fields = _trial_fields() | {"valid_until": now() + TRIAL}
    return purpose_create(acting_user=bob, camera=camera, fields=fields, origin=PurposeOrigin.TRIAL)


def _never_entered(cameras: QuerySet[Camera]) -> list[Camera]:
    return list(cameras.filter(purposes=None).select_related("site"))


def _demo_fields() -> dict[str, Any]:
    return {
        "purpose": _("Demonstration of Vidette with made-up footage"),
        "lawful_basis": LawfulBasis.LEGITIMATE_INTERESTS,
        "interest": _("Showing the product; nobody is filmed"),
        "controller": _("Whoever runs this demonstration"),
        "controller_contact": _("the person who started it"),
        "stages": [*_STREAMED, PurposeStage.TRAIN.value],
    }


def _trial_fields() -> dict[str, Any]:
    return {
        "purpose": _("Trial of this installation, 14 days"),
        "lawful_basis": LawfulBasis.LEGITIMATE_INTERESTS,
        "interest": _("Finding out whether the product suits; a real entry has to replace this one"),
        "controller": _("Not named yet: whoever started the trial"),
        "controller_contact": _("not named yet"),
        "stages": list(_STREAMED),
    }
