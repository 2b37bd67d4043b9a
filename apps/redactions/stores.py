"""Redacted files follow the default class of the house: they belong to no camera."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Min, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.cameras.selectors import as_uuid
from apps.core.objects import objects_list
from apps.redactions.erasing import FilesEraser
from apps.redactions.models import ACTIVE_STATES, Redaction
from apps.retention.erasure import erases
from apps.retention.plan import Plan
from apps.retention.registry import Census, Swept, exempt, register
from inference_workers.contracts.redactions import job_prefix

_AT_ONCE = 10  # a film of hours has thousands of objects, and all are named in one step


@dataclass(frozen=True, slots=True)
class RedactedFiles:
    """Rows with everything below their prefix. Work that still runs may not be swept."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("redactions.Redaction",)
    prefixes: tuple[str, ...] = ("redactions/",)

    def _over(self, plan: Plan) -> QuerySet[Redaction]:
        active = Q(state__in=ACTIVE_STATES)
        return Redaction.objects.order_by().filter(plan.over("created_at", None)).exclude(active)

    def census(self, plan: Plan) -> Census:
        rows = Redaction.objects.order_by()
        oldest_at = rows.aggregate(oldest=Min("created_at"))["oldest"]
        return Census(rows.count(), self._over(plan).count(), 0, oldest_at)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._over(plan).order_by("created_at")[: min(limit, _AT_ONCE)])
        return self.take([str(row.pk) for row in due])

    def take(self, ids: Sequence[str]) -> Swept:
        """Delete these rows; everything below their prefix has still to go."""
        due = list(Redaction.objects.filter(pk__in=ids).order_by("created_at"))
        if not due:
            return Swept()
        taken = tuple(str(row.pk) for row in due)
        keys = tuple(key for row_id in taken for key in _keys_of(row_id))
        Redaction.objects.filter(pk__in=taken).delete()
        return Swept(taken, keys, due[0].created_at, due[-1].created_at)

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        """Everything below the prefix of a row that is there."""
        ids = {key: as_uuid(key.split("/")[1]) for key in keys if key.startswith(self.prefixes)}
        known = set(Redaction.objects.filter(pk__in=filter(None, ids.values())).values_list("pk", flat=True))
        return {key for key, row_id in ids.items() if row_id in known}


def _keys_of(redaction_id: str) -> list[str]:
    return [listed.key for portion in objects_list(job_prefix(redaction_id)) for listed in portion]


def register_own() -> None:
    files = RedactedFiles("redactions", _("Redacted files, their uploads and results"))
    register(files)
    erases(files.name, FilesEraser(files))
    exempt("redactions.RedactionStep", "redactions.RedactionEdit", reason="go with their redacted file")
