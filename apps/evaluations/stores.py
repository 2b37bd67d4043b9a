"""Labelled pictures are kept until the day said at their import, replays as long as their camera's class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Min, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.cameras.selectors import as_uuid
from apps.evaluations.erasing import LabelledEraser, below, reach_of_pictures
from apps.evaluations.manifests import manifest_hashes
from apps.evaluations.models import ACTIVE_STATES, Evaluation, JobKind, SetState, SetVersion
from apps.retention.erasure import Found, Ground, Target, erases, overlapping, reaches
from apps.retention.plan import Plan
from apps.retention.registry import Census, Swept, register
from inference_workers.contracts.evaluations import job_prefix, manifest_key, picture_key

_AT_ONCE = 5  # a set has thousands of pictures, and all are named in one step
_PICTURES = "/pictures/"


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """Versions of sets with their pictures, and the pictures that comparisons show of them."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("evaluations.LabelledSet", "evaluations.SetVersion")
    prefixes: tuple[str, ...] = ("datasets/",)

    def _over(self, plan: Plan) -> QuerySet[SetVersion]:
        busy = Evaluation.objects.filter(state__in=ACTIVE_STATES, set_version__isnull=False)
        over = SetVersion.objects.order_by().filter(keep_until__lt=plan.at)
        return over.exclude(pk__in=busy.values("set_version_id"))

    def census(self, plan: Plan) -> Census:
        rows = SetVersion.objects.order_by()
        oldest_at = rows.aggregate(oldest=Min("created_at"))["oldest"]
        return Census(rows.count(), self._over(plan).count(), 0, oldest_at)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._over(plan).order_by("keep_until")[: min(limit, _AT_ONCE)])
        if not due:
            return Swept()
        ids = [row.pk for row in due]
        keys = [key for row in due for key in _keys_of(row, ids)]
        for shown in Evaluation.objects.filter(set_version__in=ids).values_list("pk", flat=True):
            keys += below(f"{job_prefix(str(shown))}{_PICTURES}")
        sets = {row.labelled_set for row in due}
        SetVersion.objects.filter(pk__in=ids).delete()
        for labelled_set in sets:
            if not labelled_set.versions.exists():
                labelled_set.delete()
        return Swept(tuple(map(str, ids)), tuple(sorted(set(keys))), due[0].created_at, due[-1].created_at)

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        """Everything below the prefix of a set that is there."""
        ids = _ids_in(keys, self.prefixes)
        known = set(
            SetVersion.objects.filter(labelled_set__in=set(ids.values())).values_list(
                "labelled_set_id", flat=True
            )
        )
        return {key for key, set_id in ids.items() if set_id in known}


def _keys_of(version: SetVersion, going: Sequence[UUID]) -> list[str]:
    """The labels of a version, and those of its pictures that no version that stays has."""
    set_id = str(version.labelled_set_id)
    own = manifest_hashes(set_id, version.sha256)
    for other in version.labelled_set.versions.exclude(pk__in=going):
        own -= manifest_hashes(set_id, other.sha256)
    return [manifest_key(set_id, version.sha256), *(picture_key(set_id, sha256) for sha256 in sorted(own))]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Replays show people of one camera. The figures of all other evaluations show nobody and stay."""

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ("evaluations.Evaluation",)
    prefixes: tuple[str, ...] = ("evaluations/",)

    def _over(self, plan: Plan) -> QuerySet[Evaluation]:
        replays = Evaluation.objects.order_by().filter(kind=JobKind.REPLAY).exclude(state__in=ACTIVE_STATES)
        return replays.filter(plan.over("until", "camera_id"))

    def _held(self, plan: Plan) -> Q:
        return plan.held("since", "until", "camera_id")

    def census(self, plan: Plan) -> Census:
        rows, over, held = Evaluation.objects.order_by(), self._over(plan), self._held(plan)
        oldest_at = rows.filter(kind=JobKind.REPLAY).aggregate(oldest=Min("until"))["oldest"]
        return Census(rows.count(), over.exclude(held).count(), over.filter(held).count(), oldest_at)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = list(self._over(plan).exclude(self._held(plan)).order_by("until")[: min(limit, _AT_ONCE)])
        return self.take([row.pk for row in due])

    def take(self, ids: Sequence[object]) -> Swept:
        """Delete these rows; everything below their prefix has still to go."""
        due = list(Evaluation.objects.filter(pk__in=[str(key) for key in ids]).order_by("until"))
        if not due:
            return Swept()
        keys = tuple(key for row in due for key in below(job_prefix(str(row.pk))))
        Evaluation.objects.filter(pk__in=[row.pk for row in due]).delete()
        return Swept(tuple(str(row.pk) for row in due), keys, due[0].until, due[-1].until)

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        """What a job wrote is used while its row is there; its pictures while their source is."""
        ids = _ids_in(keys, self.prefixes)
        rows = Evaluation.objects.filter(pk__in=set(ids.values()))
        erased = set(SetVersion.objects.filter(state=SetState.ERASED).values_list("pk", flat=True))
        sources = {
            row.pk: (row.set_version_id if row.set_version_id not in erased else None) or row.camera_id
            for row in rows
        }
        return {
            key
            for key, job_id in ids.items()
            if job_id in sources and (_PICTURES not in key or sources[job_id] is not None)
        }


@dataclass(frozen=True, slots=True)
class ReplaysEraser:
    """Replays of a time in which a person was in view: their pictures are of the recording."""

    store: Evaluated

    def find(self, targets: Sequence[Target]) -> list[Found]:
        rows = Evaluation.objects.filter(overlapping(targets, "since", "until"), kind=JobKind.REPLAY)
        return [
            Found(str(row.pk), row.since, row.until, row.camera_id, ground=_running(row))
            for row in rows
            if row.since is not None and row.until is not None
        ]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        return self.store.take([item.id for item in found])


def _running(row: Evaluation) -> str:
    return Ground.RUNNING if row.state in ACTIVE_STATES else ""


def _ids_in(keys: Iterable[str], prefixes: tuple[str, ...]) -> dict[str, UUID]:
    found = {key: as_uuid(key.split("/")[1]) for key in keys if key.startswith(prefixes)}
    return {key: row_id for key, row_id in found.items() if row_id is not None}


def register_own() -> None:
    labelled = LabelledPictures("labelled_sets", _("Labelled pictures for the comparison of models"))
    register(labelled)
    erases(labelled.name, LabelledEraser())
    reaches(labelled.name, reach_of_pictures)
    evaluated = Evaluated("evaluations", _("Replays of recordings through two models"))
    register(evaluated)
    erases(evaluated.name, ReplaysEraser(evaluated))
