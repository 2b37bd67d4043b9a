"""How long requests are kept: they prove that persons got their rights, so they outlive what was filmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max, Min, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.cases.models import Case
from apps.retention.plan import Plan
from apps.retention.registry import Census, Swept, register

KEPT_AFTER_CLOSING = timedelta(days=3 * 365)  # as long as somebody may ask whether a right was granted


@dataclass(frozen=True, slots=True)
class ClosedCases:
    """Requests that were closed three years ago, with everything that belongs to them."""

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


def register_own() -> None:
    register(ClosedCases("cases", _("Requests of data subjects that are closed")))
