"""Uploaded model files: those of refused versions go with the default class of the house, the row stays.

A version that was accepted is what events name; its file is kept as long as the version is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Min, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.registry.models import ModelVersion, VersionStatus
from apps.retention.erasure import erasure_exempt
from apps.retention.plan import Plan
from apps.retention.registry import Census, Swept, register


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Sweeping forgets the file of a refused upload; what was refused, and why, stays readable."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("registry.ModelVersion",)
    prefixes: tuple[str, ...] = ("models/",)

    def _over(self, plan: Plan) -> QuerySet[ModelVersion]:
        refused = self._stored().filter(status=VersionStatus.REFUSED)
        return refused.filter(plan.over("first_seen_at", None))

    @staticmethod
    def _stored() -> QuerySet[ModelVersion]:
        return ModelVersion.objects.order_by().exclude(object_key="")

    def census(self, plan: Plan) -> Census:
        oldest_at = self._stored().aggregate(oldest=Min("first_seen_at"))["oldest"]
        return Census(self._stored().count(), self._over(plan).count(), 0, oldest_at)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._over(plan).order_by("first_seen_at")[:limit])
        if not due:
            return Swept()
        ids = [row.pk for row in due]
        ModelVersion.objects.filter(pk__in=ids).update(object_key="")
        keys = tuple(row.object_key for row in due)
        return Swept(tuple(map(str, ids)), keys, due[0].first_seen_at, due[-1].first_seen_at)

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set(ModelVersion.objects.filter(object_key__in=keys).values_list("object_key", flat=True))


def register_own() -> None:
    register(ModelFiles("model_files", _("Uploaded model files")))
    erasure_exempt(
        "model_files",
        reason="files of models; no picture and no person is in them",
    )
