"""What dispatch keeps: uploaded work, pictures of camera tests, and results that could not be applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.redis import client
from apps.dispatch.models import WorkItem, WorkState
from apps.dispatch.recorder import DEAD_LETTERS
from apps.retention.erasure import Found, Ground, RowEraser, Target, TargetKind, erases, of_kind
from apps.retention.plan import Plan
from apps.retention.registry import Census, RowStore, Swept, exempt, register

_FINAL = Q(state__in=[WorkState.DONE, WorkState.FAILED])


class _Letters:
    """What lies in Redis is deleted last: no rollback brings it back (`forget_outside`)."""

    __slots__ = ()

    def forget(self, ids: Sequence[str]) -> None:
        client().xdel(DEAD_LETTERS, *ids)


@dataclass(frozen=True, slots=True)
class DeadLetters(_Letters):
    """Results that the recorder set aside, in Redis: they hold boxes and text that cameras read.

    They follow the default class: what they are about could not be told, so no hold reaches them.
    """

    name: str
    title: str | Promise
    model_labels: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()

    def _entries(self, until: datetime | None) -> list[bytes]:
        last = "+" if until is None else f"({int(until.timestamp() * 1000)}-0"
        return [
            key for key, _fields in cast(list[tuple[bytes, object]], client().xrange(DEAD_LETTERS, max=last))
        ]

    def census(self, plan: Plan) -> Census:
        entries = self._entries(None)
        due = self._entries(plan.cutoff(plan.default.hours))
        return Census(len(entries), len(due), 0, _moment(entries[0]) if entries else None)

    def sweep(self, plan: Plan, limit: int) -> Swept:
        due = self._entries(plan.cutoff(plan.default.hours))[:limit]
        if not due:
            return Swept()
        return Swept(tuple(key.decode() for key in due), (), _moment(due[0]), _moment(due[-1]))

    def keys_in_use(self, keys: Sequence[str]) -> set[str]:
        return set()


class LettersEraser(_Letters):
    """All letters of the runs of cameras that a person was seen in: which track one is about is unknown.

    So a letter has the time of everything in its run that is to go: a hold over any of it keeps the letter.
    """

    def find(self, targets: Sequence[Target]) -> list[Found]:
        runs: dict[tuple[UUID, str], list[Target]] = {}
        for target in targets:
            if target.epoch and target.camera_id is not None:
                runs.setdefault((target.camera_id, target.epoch), []).append(target)
        if not runs:
            return []
        entries = cast(list[tuple[bytes, dict[bytes, bytes]]], client().xrange(DEAD_LETTERS))
        return [
            Found(key.decode(), min(t.since for t in about), max(t.until for t in about), camera_id)
            for key, fields in entries
            for (camera_id, epoch), about in runs.items()
            if _is_about(b" ".join(fields.values()), camera_id, epoch)
        ]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        return Swept(tuple(item.id for item in found))


def _is_about(message: bytes, camera_id: UUID, epoch: str) -> bool:
    return str(camera_id).encode() in message and epoch.encode() in message


def _work_of(targets: Sequence[Target]) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(pk__in=of_kind(targets, TargetKind.WORK))


def _running(item: WorkItem) -> str:
    return "" if item.state in (WorkState.DONE, WorkState.FAILED) else Ground.RUNNING


def _moment(key: bytes) -> datetime:
    return datetime.fromtimestamp(int(key.partition(b"-")[0]) / 1000, UTC)


def register_own() -> None:
    work = RowStore(
        name="work",
        title=_("Uploaded pictures and what was found in them"),
        model="dispatch.WorkItem",
        camera=None,
        ends="created_at",
        keys=("input_key", "output_key"),
        # Pictures of camera tests lie ten minutes and have no row: they go as orphans.
        prefixes=("uploads/", "previews/"),
        goes=_FINAL,
    )
    register(work)
    letters = DeadLetters("dead_letters", _("Results that could not be recorded"))
    register(letters)
    erases(work.name, RowEraser(work, _work_of, ground=_running))
    erases(letters.name, LettersEraser())
    exempt(
        "dispatch.LeaseChange",
        reason="what was allowed when; settings of the installation, needed to explain the record",
    )
