"""What is shown under a grant goes when it locks; what is left of it follows the default class."""

from django.utils.translation import gettext_lazy as _

from apps.retention.registry import RowStore, exempt, register
from apps.unmasking.erasing import register_erasers


def register_own() -> None:
    reveals = RowStore(
        name="reveals",
        title=_("Unmasked parts under a grant"),
        model="unmasking.RevealPart",
        camera=None,
        ends="grant__granted_at",
        keys=("object_key",),
        prefixes=("reveals/",),
    )
    register(reveals)
    register_erasers(reveals)
    exempt(
        "unmasking.UnmaskRequest",
        "unmasking.UnmaskGrant",
        reason="who asked for unmasking, why, and who allowed it: evidence, without a picture",
    )
