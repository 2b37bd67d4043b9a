"""Cascades: the crops of what a camera's detector found go on to a classifier, or are read."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require, user_can
from apps.audit import services as audit
from apps.cameras.grants import Viewer
from apps.cameras.models import Camera, Zone
from apps.cameras.selectors import as_uuid, cameras_visible_to
from apps.core.errors import Conflict, DomainError, Invalid, NotFound
from apps.core.events import publish
from apps.registry.choice import usable, why_unusable
from apps.registry.models import Cascade, CascadeStage, ModelTask, ModelVersion
from apps.registry.selectors import versions_all
from inference_workers.contracts.lease import FACE_LABELS, MAX_CASCADES, MAX_EVERY_S, MIN_EVERY_S

MAX_LABELS = 40
MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class CascadeFacts:
    """`version` and `name` belong to a classifier; what is read is read by the version that reads."""

    stage: str
    labels: tuple[str, ...]
    name: str = ""
    version: ModelVersion | None = None
    zone: Zone | None = None
    every_s: float = 5.0


def cascades_of(cameras: Iterable[Camera]) -> dict[UUID, tuple[Cascade, ...]]:
    """Every cascade by its camera, also those whose version cannot serve now (`runs`)."""
    rows = Cascade.objects.filter(camera__in=[camera.pk for camera in cameras])
    found: dict[UUID, list[Cascade]] = defaultdict(list)
    for row in rows.select_related("version", "zone").order_by("assigned_at", "pk"):
        found[row.camera_id].append(row)
    return {key: tuple(values) for key, values in found.items()}


def cascades_for(user: Viewer) -> QuerySet[Cascade]:
    """Every cascade of the cameras that the user may know."""
    rows = Cascade.objects.filter(camera__in=cameras_visible_to(user))
    return rows.select_related("camera__site", "version", "zone")


def runs(cascade: Cascade) -> bool:
    """Whether its version can serve; a reader's is the stage's own matter."""
    return cascade.stage == CascadeStage.TEXT or (cascade.version is not None and usable(cascade.version))


def classifiers_for(user: Viewer) -> list[ModelVersion]:
    """What the user may give to a cascade; nothing for those who may not."""
    if not user_can(user, Capability.ASSIGN_MODELS):
        return []
    found = versions_all().filter(task=ModelTask.CLASSIFICATION, present=True)
    return [version for version in found if usable(version)]


def labels_known() -> list[str]:
    """The classes of all detectors that could find something, faces left out."""
    detectors = ModelVersion.objects.filter(task=ModelTask.DETECTION, present=True).only("classes")
    return sorted({name for version in detectors for name in version.classes} - FACE_LABELS)


def cascade_get(camera: Camera, cascade_id: object) -> Cascade:
    key = as_uuid(cascade_id)
    rows = Cascade.objects.select_related("version", "zone")
    row = rows.filter(camera=camera, pk=key).first() if key else None
    if row is None:
        raise NotFound(_("cascade"))
    return row


def cascade_add(*, acting_user: User, camera: Camera, facts: CascadeFacts) -> Cascade:
    """Let crops of some classes go on; the camera's lease says so at once."""
    require(acting_user, Capability.ASSIGN_MODELS)
    _check(camera, facts)
    with transaction.atomic():
        others = _others(camera)
        if others.count() >= MAX_CASCADES:
            raise Conflict(
                "too_many_cascades",
                _("A camera has at most %(most)d cascades; remove one first.") % {"most": MAX_CASCADES},
            )
        _check_name_free(others, facts)
        row = Cascade.objects.create(camera=camera, **_values(facts))
        cascade_record("model.cascade_add", row, acting_user)
        publish("camera.changed", camera_id=str(camera.pk))
    return row


def cascade_change(*, acting_user: User, cascade: Cascade, facts: CascadeFacts) -> Cascade:
    """Set all of it anew. What it said before stays on the events, with the version that said so."""
    require(acting_user, Capability.ASSIGN_MODELS)
    _check(cascade.camera, facts)
    with transaction.atomic():
        _check_name_free(_others(cascade.camera).exclude(pk=cascade.pk), facts)
        row = Cascade.objects.select_for_update(of=("self",)).filter(pk=cascade.pk).first()
        if row is None:
            raise NotFound(_("cascade"))
        before = _told(row)
        for name, value in _values(facts).items():
            setattr(row, name, value)
        row.save()
        cascade_record("model.cascade_change", row, acting_user, before=before)
        publish("camera.changed", camera_id=str(row.camera_id))
    return row


def cascade_remove(*, acting_user: User, cascade: Cascade) -> None:
    """What was said stays on the events; nothing more is said."""
    require(acting_user, Capability.ASSIGN_MODELS)
    with transaction.atomic():
        cascade_record("model.cascade_remove", cascade, acting_user)
        Cascade.objects.filter(pk=cascade.pk).delete()
        publish("camera.changed", camera_id=str(cascade.camera_id))


def _others(camera: Camera) -> QuerySet[Cascade]:
    """The cascades of the camera, which nobody else changes until the transaction ends."""
    Camera.objects.select_for_update().get(pk=camera.pk)
    return Cascade.objects.filter(camera=camera)


def _check_name_free(others: QuerySet[Cascade], facts: CascadeFacts) -> None:
    if facts.name and others.filter(name=facts.name, zone=facts.zone).exists():
        raise Conflict("cascade_exists", _("This camera has a cascade of this name there already."))


def _values(facts: CascadeFacts) -> dict[str, Any]:
    return {
        "zone": facts.zone,
        "stage": facts.stage,
        "name": facts.name,
        "labels": list(facts.labels),
        "version": facts.version,
        "every_s": facts.every_s,
    }


def _check(camera: Camera, facts: CascadeFacts) -> None:
    if facts.stage not in CascadeStage.values:
        raise Invalid("cascade_stage", _("Crops are classified or read."), field="stage")
    _check_labels(facts.labels)
    if not MIN_EVERY_S <= facts.every_s <= MAX_EVERY_S:
        limits = {"least": int(MIN_EVERY_S), "most": int(MAX_EVERY_S)}
        message = _("A thing is looked at again after %(least)d to %(most)d seconds.") % limits
        raise Invalid("cascade_every", message, field="every_s")
    if facts.zone is not None and facts.zone.camera_id != camera.pk:
        raise NotFound(_("zone"))
    if facts.stage == CascadeStage.TEXT:
        if facts.version is not None or facts.name:
            message = _("Text is read by the version that reads on this camera; name none.")
            raise Invalid("cascade_version", message, field="version")
        return
    _check_classifier(facts)


def _check_labels(labels: tuple[str, ...]) -> None:
    if not 1 <= len(labels) <= MAX_LABELS or len(set(labels)) != len(labels):
        message = _("Choose 1 to %(most)d classes of the detector, each once.") % {"most": MAX_LABELS}
        raise Invalid("cascade_labels", message, field="labels")
    if set(labels) & FACE_LABELS:
        message = _(
            "Faces never go on to another model: who somebody is may be told by the stage “recognise” only, "
            "which Vidette does not run."
        )
        raise Invalid("cascade_faces", message, field="labels")
    unknown = sorted(set(labels) - set(labels_known()))
    if unknown:
        message = _("No detector finds %(names)s.") % {"names": ", ".join(unknown)[:200]}
        raise Invalid("cascade_labels", message, field="labels")


def _check_classifier(facts: CascadeFacts) -> None:
    if not facts.name or len(facts.name) > MAX_NAME:
        message = _("Its answer needs a name of 1 to %(most)d characters, such as colour.") % {
            "most": MAX_NAME
        }
        raise Invalid("cascade_name", message, field="name")
    version = facts.version
    if version is None or version.task != ModelTask.CLASSIFICATION:
        got = version.get_task_display() if version is not None else _("none")
        raise DomainError(
            "wrong_task",
            _("Crops are named by a model for %(expected)s, this one is for %(task)s.")
            % {"expected": ModelTask.CLASSIFICATION.label, "task": got},
        )
    if not usable(version):
        raise DomainError("version_unusable", why_unusable(version))


def cascade_record(action: str, row: Cascade, acting_user: User, **more: object) -> None:
    """Inside of the transaction of what it tells."""
    audit.record_change(
        action=action,
        object_type="cascade",
        object_id=str(row.pk),
        camera_id=row.camera_id,
        details={**_told(row), **more},
        acting_user=acting_user,
    )


def _told(row: Cascade) -> dict[str, Any]:
    version = row.version
    return {
        "stage": row.stage,
        "labels": row.labels,
        "name": row.name,
        "every_s": row.every_s,
        "zone": str(row.zone_id) if row.zone_id else None,
        "version": version.name if version else None,
        "sha256": version.sha256 if version else None,
    }
