"""How recordings are swept: segments by their class, originals sooner, keys when they seal nothing more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from django.db.models import Exists, Min, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.recordings.erasing import register_erasers
from apps.recordings.keys import key_destroy
from apps.recordings.models import OriginalKey, Segment
from apps.retention.plan import Plan, original_hours
from apps.retention.registry import Census, RowStore, Swept, register

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Originals:
    """Sealed originals: the row of the segment stays with its redacted file, the original goes."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("originals/",)

    def _rows(self) -> QuerySet[Segment]:
        return Segment.objects.exclude(original_key="").order_by("ended_at", "pk")

    def _over(self, plan: Plan) -> QuerySet[Segment]:
        return self._rows().filter(plan.over("ended_at", hours=original_hours))

    def census(self, plan: Plan) -> Census:
        over, held = self._over(plan), plan.held("started_at", "ended_at")
        oldest = self._rows().aggregate(oldest=Min("ended_at"))["oldest"]
        return Census(self._rows().count(), over.exclude(held).count(), over.filter(held).count(), oldest)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._over(plan).exclude(plan.held("started_at", "ended_at"))[:limit])
        if not due:
            return Swept()
        ids = [segment.pk for segment in due]
        Segment.objects.filter(pk__in=ids).update(original_key="", sealed_under=None)
        return Swept(
            tuple(map(str, ids)),
            tuple(segment.original_key for segment in due),
            due[0].ended_at,
            due[-1].ended_at,
        )

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set(self._rows().filter(original_key__in=keys).values_list("original_key", flat=True))


@dataclass(frozen=True, slots=True)
class OriginalKeys:
    """Keys of days under which nothing is sealed any more. Destroyed ones stay, empty, as the proof."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("recordings.OriginalKey",)
    prefixes: tuple[str, ...] = ()

    def _due(self, plan: Plan) -> QuerySet[OriginalKey]:
        # A segment may still arrive for a day that has just ended.
        over = (plan.at - _DAY).date()
        sealed = Segment.objects.filter(sealed_under=OuterRef("pk"))
        return (
            OriginalKey.objects.filter(destroyed_at=None, day__lt=over)
            .exclude(Exists(sealed))
            .order_by("day")
        )

    def census(self, plan: Plan) -> Census:
        living = OriginalKey.objects.filter(destroyed_at=None)
        oldest = living.aggregate(oldest=Min("day"))["oldest"]
        return Census(living.count(), self._due(plan).count(), 0, _midnight(oldest) if oldest else None)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._due(plan)[:limit])
        for key in due:
            key_destroy(key, "nothing is sealed under it any more")
        if not due:
            return Swept()
        ids = tuple(key.fingerprint for key in due)
        return Swept(ids, (), _midnight(due[0].day), _midnight(due[-1].day))

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time.min, UTC)


def register_own() -> None:
    register(Originals("originals", _("Sealed originals")))
    segments = RowStore(
        name="segments",
        title=_("Recorded segments"),
        model="recordings.Segment",
        starts="started_at",
        ends="ended_at",
        keys=("object_key", "original_key"),
        prefixes=("segments/",),
    )
    register(segments)
    register_erasers(segments)
    register(OriginalKeys("original_keys", _("Keys of sealed originals")))
