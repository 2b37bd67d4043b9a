"""A pack goes with what is in it: by the class of its camera, counted from the end of its span."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.evidence.models import PackState
from apps.retention.registry import RowStore, register


def register_own() -> None:
    register(
        RowStore(
            name="evidence",
            title=_("Evidence packs"),
            model="evidence.EvidencePack",
            starts="since",
            ends="until",
            keys=("object_key",),
            prefixes=("packs/",),
            goes=~Q(state=PackState.RUNNING),
        )
    )
