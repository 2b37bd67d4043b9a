"""The code under which a notice is public: made when the first sign is printed, then never changed."""

import secrets

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.consent.models import Notice

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 12  # 59 bits: a sign cannot be guessed from another one


def notice_of(*, acting_user: User, camera: Camera) -> Notice:
    """The notice of a camera; the first call publishes it and is on record."""
    require(acting_user, Capability.SEE_PURPOSES)
    found = Notice.objects.filter(camera=camera).first()
    if found is not None:
        return found
    with transaction.atomic():
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        notice, created = Notice.objects.get_or_create(camera=camera, defaults={"code": code})
        if created:
            audit.record_change(
                action="notice.publish",
                object_type="camera",
                object_id=str(camera.pk),
                camera_id=camera.pk,
                details={"name": camera.name, "code": notice.code},
                acting_user=acting_user,
            )
    return notice
