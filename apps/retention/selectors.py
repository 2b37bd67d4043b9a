"""What is kept for how long, what is held, and what the sweeper would do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, require
from apps.cameras.grants import Viewer
from apps.cameras.models import Camera
from apps.cameras.selectors import by_key, cameras_for, cameras_visible_to
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.retention import registry
from apps.retention.models import (
    DEFAULT_CODE,
    DEFAULT_HOURS,
    CameraRetention,
    DoomedObject,
    LegalHold,
    RecordingMode,
    RetentionClass,
    Sweep,
)
from apps.retention.plan import GRACE, Held, Plan, Rule

# An upper app may name a class per camera as well (the register of purposes does): the shortest one counts.
ClassSource = Callable[[], Mapping[UUID, str]]
_sources: list[ClassSource] = []


def class_source_register(source: ClassSource) -> None:
    """`source` gives camera ids and codes of classes; unknown codes count as the default class."""
    if source not in _sources:
        _sources.append(source)


def default_class() -> RetentionClass:
    """The class of every camera that nobody chose another one for; made when it is first asked for."""
    row, _created = RetentionClass.objects.get_or_create(
        code=DEFAULT_CODE, defaults={"name": "Standard", "hours": DEFAULT_HOURS}
    )
    return row


def classes_all() -> list[RetentionClass]:
    default = default_class()
    return [default, *RetentionClass.objects.exclude(pk=default.pk)]


def class_get(code: str) -> RetentionClass:
    if code == DEFAULT_CODE:
        return default_class()
    found = RetentionClass.objects.filter(code=code).first()
    if found is None:
        raise NotFound(_("retention class"))
    return found


def classes_by_camera() -> dict[UUID, RetentionClass]:
    """The class of each camera that does not simply have the default one."""
    by_code = {row.code: row for row in classes_all()}
    default = by_code[DEFAULT_CODE]
    chosen: dict[UUID, RetentionClass] = {}
    own = CameraRetention.objects.exclude(retention_class=None).select_related("retention_class")
    chosen.update({row.camera_id: row.retention_class for row in own if row.retention_class is not None})
    for source in _sources:
        for camera_id, code in source().items():
            named = by_code.get(code, default)
            chosen[camera_id] = min(chosen.get(camera_id, named), named, key=lambda item: item.hours)
    return chosen


def recording_modes() -> dict[UUID, str]:
    """What cameras record that have a row of their own; the others record while something happens."""
    return dict(CameraRetention.objects.values_list("camera_id", "recording"))


def retention_of(camera: Camera) -> tuple[RetentionClass, RecordingMode]:
    """What holds for one camera: its class, and what it records."""
    row = CameraRetention.objects.filter(camera=camera).first()
    found = classes_by_camera().get(camera.pk) or default_class()
    return found, RecordingMode(row.recording) if row is not None else RecordingMode.EVENTS


def camera_retention(camera: Camera) -> CameraRetention:
    """The row of a camera, unsaved with the defaults (version 0) where there is none."""
    row = CameraRetention.objects.select_related("retention_class").filter(camera=camera).first()
    return row or CameraRetention(camera=camera, version=0)


def active_holds(at: datetime | None = None) -> QuerySet[LegalHold]:
    return LegalHold.objects.filter(released_at=None, expires_at__gt=at or now()).select_related("camera")


def held_spans(at: datetime | None = None) -> tuple[Held, ...]:
    """What no deletion may touch at a moment."""
    holds = active_holds(at).order_by("placed_at", "pk")
    return tuple(Held(*hold) for hold in holds.values_list("camera_id", "since", "until"))


def holds_visible_to(user: Viewer, *, active: bool = False) -> QuerySet[LegalHold]:
    """Holds of the cameras that a user may know of: a hold is seen by everybody who sees the camera."""
    holds = active_holds() if active else LegalHold.objects.select_related("camera")
    cameras = cameras_visible_to(user).order_by().values("pk")
    return holds.filter(camera__in=cameras).order_by("-placed_at", "-pk")


def holds_of(camera: Camera) -> list[LegalHold]:
    """The active holds of a camera that the asker has looked up already."""
    return list(active_holds().filter(camera=camera).order_by("since"))


def holds_touching(camera_id: UUID, since: datetime, until: datetime) -> list[LegalHold]:
    return list(active_holds().filter(camera_id=camera_id, since__lt=until, until__gt=since))


def hold_get(user: Viewer, hold_id: object) -> LegalHold:
    require(user, Capability.MANAGE_RETENTION)
    hold = by_key(LegalHold.objects.select_related("camera"), hold_id).first()
    if hold is None or not cameras_for(user, Capability.SEE_CAMERAS).filter(pk=hold.camera_id).exists():
        raise NotFound(_("hold"))
    return hold


def plan_at(at: datetime | None = None) -> Plan:
    """The plan of this moment; `at` for a look ahead."""
    at = at or now()
    by_class: dict[str, list[UUID]] = {}
    assigned = classes_by_camera()
    for camera_id, row in assigned.items():
        by_class.setdefault(row.code, []).append(camera_id)
    rules = [
        Rule(row.code, row.hours, row.original_hours, tuple(by_class.get(row.code, ())))
        for row in classes_all()
        if row.code != DEFAULT_CODE
    ]
    default = default_class()
    return Plan(
        at - GRACE,
        (*rules, Rule(default.code, default.hours, default.original_hours, None)),
        held_spans(at),
    )


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store on the page of the dry run."""

    name: str
    title: str | Promise
    census: registry.Census


def dry_run(at: datetime | None = None) -> list[StoreRow]:
    """What each store holds and what the sweeper would delete now; changes nothing."""
    plan = plan_at(at)
    return [StoreRow(store.name, store.title, store.census(plan)) for store in registry.stores()]


def sweeps_last(count: int = 20) -> list[Sweep]:
    return list(Sweep.objects.all()[:count])


def objects_waiting() -> int:
    """Objects whose rows are gone and that the store has not deleted yet."""
    return DoomedObject.objects.count()


def holds_ending(until: datetime) -> QuerySet[LegalHold]:
    return active_holds().filter(Q(expires_at__lt=until)).order_by("expires_at")
