"""How long requests are kept: they prove that persons got their rights, so they outlive what was filmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max, Min, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.cases.models import Case, CaseItem, Disclosure
from apps.core.clock import now
from apps.retention.erasure import Found, Target, TargetKind, erases, erasure_exempt, of_kind
from apps.retention.plan import Plan
from apps.retention.registry import Census, Swept, exempt, register

KEPT_AFTER_CLOSING = timedelta(days=3 * 365)  # as long as somebody may ask whether a right was granted
MATERIAL_AFTER_CLOSING = timedelta(days=30)  # for questions about the answer


@dataclass(frozen=True, slots=True)
class ClosedCases:
    """Requests that were closed three years ago, with everything that belongs to them.

    Copies have gone long before (`CaseMaterial`)."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("cases.Case",)
    prefixes: tuple[str, ...] = ()

    def _over(self, plan: Plan) -> QuerySet[Case]:
        return Case.objects.filter(closed_at__lt=plan.at - KEPT_AFTER_CLOSING).order_by("closed_at", "pk")

    def census(self, plan: Plan) -> Census:
        facts = Case.objects.aggregate(oldest=Min("received_at"))
        return Census(Case.objects.count(), self._over(plan).count(), 0, facts["oldest"])

    def sweep(self, plan: Plan, limit: int) -> Swept:
        ids = list(self._over(plan).values_list("pk", flat=True)[:limit])
        if not ids:
            return Swept()
        rows = Case.objects.filter(pk__in=ids)
        facts = rows.aggregate(oldest=Min("closed_at"), newest=Max("closed_at"))
        rows.delete()
        return Swept(tuple(map(str, ids)), (), facts["oldest"], facts["newest"])

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set()


@dataclass(frozen=True, slots=True)
class CaseMaterial:
    """What was collected for requests: copies go some time after the closing, and with them how to reach the
    person. What an erasure names goes at once, except for another request that is still open."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("cases.CaseItem",)
    prefixes: tuple[str, ...] = ("cases/",)

    def _over(self, plan: Plan) -> QuerySet[Case]:
        held = Q(items__copy_key__gt="") | Q(contact_sealed__isnull=False)
        over = Case.objects.filter(held, closed_at__lt=plan.at - MATERIAL_AFTER_CLOSING)
        return over.distinct().order_by("closed_at", "pk")

    def census(self, plan: Plan) -> Census:
        copies = CaseItem.objects.exclude(copy_key="")
        return Census(copies.count(), self._over(plan).count(), 0, copies.aggregate(at=Min("added_at"))["at"])

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._over(plan)[:limit])
        if not due:
            return Swept()
        ids = [case.pk for case in due]
        keys = copies_drop(CaseItem.objects.filter(case__in=ids))
        Case.objects.filter(pk__in=ids).update(contact_sealed=None)
        return Swept(tuple(map(str, ids)), keys, due[0].closed_at, due[-1].closed_at)

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set(CaseItem.objects.filter(copy_key__in=keys).values_list("copy_key", flat=True))


@dataclass(frozen=True, slots=True)
class Packs:
    """Packs that have expired: the file goes, what was handed over to whom stays with the request."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("cases.Disclosure",)
    prefixes: tuple[str, ...] = ()

    def _there(self) -> QuerySet[Disclosure]:
        return Disclosure.objects.exclude(pack_key="").order_by("expires_at", "pk")

    def census(self, plan: Plan) -> Census:
        rows = self._there()
        oldest = rows.aggregate(oldest=Min("prepared_at"))["oldest"]
        return Census(rows.count(), rows.filter(expires_at__lt=plan.at).count(), 0, oldest)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        return self.take(list(self._there().filter(expires_at__lt=plan.at)[:limit]))

    def take(self, rows: Sequence[Disclosure]) -> Swept:
        if not rows:
            return Swept()
        Disclosure.objects.filter(pk__in=[row.pk for row in rows]).update(pack_key="")
        ids = tuple(str(row.pk) for row in rows)
        return Swept(ids, tuple(row.pack_key for row in rows), rows[0].prepared_at, rows[-1].prepared_at)

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set(Disclosure.objects.filter(pack_key__in=keys).values_list("pack_key", flat=True))


@dataclass(frozen=True, slots=True)
class PacksEraser:
    """Packs with a copy of something that goes; that they were made and handed over stays."""

    store: Packs

    def find(self, targets: Sequence[Target]) -> list[Found]:
        items = set(map(str, _items_of(targets).values_list("pk", flat=True)))
        return [
            Found(str(row.pk), row.prepared_at, row.expires_at, cut=True)
            for row in Disclosure.objects.exclude(pack_key="")
            if items & set(row.items)
        ]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        return self.store.take(list(Disclosure.objects.filter(pk__in=[item.id for item in found])))


def _items_of(targets: Sequence[Target]) -> QuerySet[CaseItem]:
    wanted = Q(pk__in=[])
    for kind in TargetKind:
        wanted |= Q(kind=kind.value, object_id__in=of_kind(targets, kind))
    return CaseItem.objects.filter(wanted, erased_at=None)


class MaterialEraser:
    """Items of any request that are a target, and their copies; the row stays as the proof."""

    def find(self, targets: Sequence[Target]) -> list[Found]:
        return [
            Found(str(row.pk), row.since, row.until, row.camera_id, cut=True) for row in _items_of(targets)
        ]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        rows = CaseItem.objects.filter(pk__in=[item.id for item in found])
        facts = rows.aggregate(oldest=Min("since"), newest=Max("until"))
        keys = copies_drop(rows)
        rows.update(title="", facts={}, track_id=None, epoch="", erased_at=now())
        return Swept(tuple(item.id for item in found), keys, facts["oldest"], facts["newest"])


def copies_drop(rows: QuerySet[CaseItem]) -> tuple[str, ...]:
    """Forget the copies of these items; returns the objects that have still to go."""
    keys = tuple(sorted(rows.exclude(copy_key="").values_list("copy_key", flat=True)))
    rows.update(copy_key="", copy_type="")
    return keys


def register_own() -> None:
    packs = Packs("case_packs", _("Packs for persons"))
    register(packs)
    erases(packs.name, PacksEraser(packs))
    material = CaseMaterial("case_material", _("Copies of what was collected for requests of persons"))
    register(material)
    erases(material.name, MaterialEraser())
    register(ClosedCases("cases", _("Requests of data subjects that are closed")))
    erasure_exempt(
        "cases",
        reason="proof that a person got their rights; what was collected for it is in a store of its own",
    )
    exempt("cases.Erasure", reason="goes with its request: what was erased for whom, and who decided it")
