"""How long consents are kept: they prove why something was allowed, so they outlive what was filmed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.consent.models import Consent, DataSubject, Purpose
from apps.retention.erasure import erasure_exempt
from apps.retention.models import DEFAULT_CODE
from apps.retention.plan import Plan
from apps.retention.registry import Census, Swept, exempt, register
from apps.retention.selectors import class_source_register, classes_all

KEPT_AFTER_END = timedelta(days=3 * 365)  # as long as somebody may ask on what basis they were filmed


class ConsentStore:
    """Consents that ended three years ago go with their documents, and persons of whom nothing is left."""

    name = "consents"
    title: str | Promise = _("Consents that have ended, with their documents")
    model_labels: tuple[str, ...] = ("consent.Consent", "consent.DataSubject")
    prefixes: tuple[str, ...] = ("evidence/",)

    def _over(self, plan: Plan) -> QuerySet[Consent]:
        before = plan.at - KEPT_AFTER_END
        ended = Q(withdrawn_at__lt=before) | Q(withdrawn_at=None, expires_at__lt=before)
        return Consent.objects.filter(ended).order_by("given_at", "pk")

    def census(self, plan: Plan) -> Census:
        facts = Consent.objects.aggregate(oldest=Min("given_at"))
        return Census(Consent.objects.count(), self._over(plan).count(), 0, facts["oldest"])

    def sweep(self, plan: Plan, limit: int) -> Swept:
        ids = list(self._over(plan).values_list("pk", flat=True)[:limit])
        if not ids:
            return Swept()
        rows = Consent.objects.filter(pk__in=ids)
        facts: dict[str, datetime | None] = rows.aggregate(oldest=Min("given_at"), newest=Max("given_at"))
        keys = sorted(rows.exclude(evidence_key="").values_list("evidence_key", flat=True))
        subjects = set(rows.values_list("subject_id", flat=True))
        rows.delete()
        DataSubject.objects.filter(pk__in=subjects, consents=None, purposes=None).delete()
        return Swept(tuple(map(str, ids)), tuple(keys), facts["oldest"], facts["newest"])

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        rows = Consent.objects.filter(evidence_key__in=keys)
        return set(rows.values_list("evidence_key", flat=True))


def retention_codes() -> Mapping[UUID, str]:
    """The retention class that the register names per camera: of several the one with the fewest hours."""
    hours = {row.code: row.hours for row in classes_all()}
    codes: dict[UUID, str] = {}
    rows = Purpose.objects.filter(Q(camera__isnull=False), ended_at=None).exclude(retention_class="")
    for camera_id, code in rows.values_list("camera_id", "retention_class"):
        if camera_id is not None and _hours(hours, code) < _hours(hours, codes.get(camera_id, "")):
            codes[camera_id] = code
    return codes


def _hours(hours: Mapping[str, int], code: str) -> float:
    """Of a class that is gone: those of the default; of no class: more than any."""
    return hours.get(code, hours[DEFAULT_CODE]) if code else float("inf")


def register_own() -> None:
    register(ConsentStore())
    class_source_register(retention_codes)
    exempt(
        "consent.Purpose",
        "consent.PurposeVersion",
        "consent.Notice",
        reason="why cameras look; says nothing about who was in a picture",
    )
    erasure_exempt(
        "consents",
        reason="proof of what a person agreed to; how to reach them is forgotten on its own page",
    )
