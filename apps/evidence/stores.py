"""A pack goes with the first thing in it: the class of its camera counts from the end of that."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.evidence.models import EvidencePack, PackState
from apps.retention.erasure import Ground, RowEraser, Target, erases, overlapping
from apps.retention.registry import RowStore, register


def _packs_of(targets: Sequence[Target]) -> QuerySet[EvidencePack]:
    """Packs that may hold a target. They stay: a pack is made for a legal claim (Art. 17(3)(e))."""
    return EvidencePack.objects.filter(overlapping(targets, "since", "until"))


def register_own() -> None:
    packs = RowStore(
        name="evidence",
        title=_("Evidence packs"),
        model="evidence.EvidencePack",
        starts="since",
        ends="until",
        counts="oldest_at",
        keys=("object_key",),
        prefixes=("packs/",),
        goes=~Q(state=PackState.RUNNING),
    )
    register(packs)
    erases(packs.name, RowEraser(packs, _packs_of, ground=lambda _pack: Ground.EVIDENCE))
