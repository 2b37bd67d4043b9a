"""Registering what the data plane announced, and assigning a version to a stage."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.core.events import publish
from apps.registry.choice import STAGE_TASK, usable
from apps.registry.families import family_for
from apps.registry.models import (
    ArtifactFormat,
    ModelTask,
    ModelVersion,
    StageAssignment,
    VersionKind,
    VersionStatus,
    ZoneDetector,
)
from inference_workers.contracts.lease import Stage
from inference_workers.contracts.models import ModelCard


def models_announced(cards: Iterable[ModelCard]) -> int:
    """Bring the register in line with what lies in the model directory now; returns the changed rows.

    A card of another hash is another version. A file that cannot be used is registered with its problem, so
    that the pages can say it. Versions that are not announced any more are kept, because
    events name them, and marked as absent.
    """
    with transaction.atomic():
        stored = {(row.name, row.sha256): row for row in ModelVersion.objects.select_for_update()}
        changed = sum(_announce(card, stored.pop((card.name, card.sha256), None)) for card in cards)
        changed += sum(_mark_absent(row) for row in stored.values() if row.present)
        if changed:
            publish("stages.changed")
    return changed


def card_register(card: ModelCard) -> ModelVersion:
    """The row of one card, made or brought in line; inside the caller's transaction."""
    key = {"name": card.name, "sha256": card.sha256}
    _announce(card, ModelVersion.objects.select_for_update().filter(**key).first())
    publish("stages.changed")
    return ModelVersion.objects.select_related("parent").get(**key)


def _announce(card: ModelCard, row: ModelVersion | None) -> bool:
    facts = {**_facts(card), **_origin(card), "family_ref_id": _family_id(card, row)}
    if row is None:
        row = ModelVersion.objects.create(
            name=card.name, sha256=card.sha256, status=_first_status(facts), **facts
        )
        _record("register", row, {"family": row.family, "problem": row.problem})
        return True
    differing = {name: value for name, value in facts.items() if getattr(row, name) != value}
    if not differing:
        return False
    ModelVersion.objects.filter(pk=row.pk).update(**differing)
    _record("change", row, {"changed": sorted(differing)})
    return True


def _first_status(facts: dict[str, Any]) -> VersionStatus:
    """A variant of another version serves nothing before it has passed its gate (`apps.evaluations`)."""
    is_variant = "parent_id" in facts and facts.get("kind", VersionKind.FP32) != VersionKind.FP32
    return VersionStatus.REFUSED if is_variant else VersionStatus.READY


def _facts(card: ModelCard) -> dict[str, Any]:
    width, height = card.input_size
    return {
        "family": card.family[:40],
        "task": card.task if card.task in ModelTask.values else ModelTask.UNKNOWN.value,
        "licence": card.licence[:80],
        "source": card.source[:500],
        "classes": list(card.classes),
        "input_width": width,
        "input_height": height,
        "thresholds": dict(card.thresholds),
        "builtin": card.builtin,
        "note": card.note,
        "problem": card.problem,
        "present": True,
        "artifact": ArtifactFormat.PACKAGE.value if card.builtin else ArtifactFormat.ONNX.value,
        "size_bytes": card.size_bytes,
        "preprocess": dict(card.preprocess),
        "preprocessing_sha256": card.preprocessing_sha256[:64],
    }


def _origin(card: ModelCard) -> dict[str, Any]:
    """Where a version comes from, as far as its side file says it: silence takes nothing back."""
    origin: dict[str, Any] = {}
    if card.kind in VersionKind.values and card.kind != VersionKind.FP32:
        origin["kind"] = card.kind
    if card.training_data:
        origin["training_data"] = card.training_data[:500]
    if card.metrics:
        origin["metrics"] = dict(card.metrics)
    if card.parent_sha256 and card.parent_sha256 != card.sha256:
        parent = ModelVersion.objects.filter(sha256=card.parent_sha256).order_by("first_seen_at").first()
        origin |= {"parent_id": parent.pk} if parent else {}
    return origin


def _family_id(card: ModelCard, row: ModelVersion | None) -> UUID | None:
    """The family that a person chose stays; a problem card has none that could be told."""
    if row is not None and row.family_ref_id is not None:
        return row.family_ref_id
    family = family_for(task=card.task, postprocess=card.family, classes=card.classes)
    return family.pk if family else None


def _mark_absent(row: ModelVersion) -> bool:
    ModelVersion.objects.filter(pk=row.pk).update(present=False)
    _record("absent", row, {})
    return True


def stage_assign(*, acting_user: User, stage: str, version: ModelVersion) -> StageAssignment:
    """Let `version` serve `stage` on every camera, from the next renewal of the leases on."""
    require(acting_user, Capability.ASSIGN_MODELS)
    known = _stage_checked(stage)
    if version.task != STAGE_TASK[known]:
        raise DomainError(
            "wrong_task",
            _("The stage %(stage)s needs a model for %(expected)s, this one is for %(task)s.")
            % {"stage": stage, "expected": STAGE_TASK[known].label, "task": version.get_task_display()},
        )
    if not usable(version):
        raise DomainError(
            "version_unusable",
            _why_unusable(version),
        )
    with transaction.atomic():
        before = StageAssignment.objects.filter(stage=stage).values_list("version_id", flat=True).first()
        row, _created = StageAssignment.objects.update_or_create(
            stage=known.value, defaults={"version": version}
        )
        _record(
            "assign",
            version,
            acting_user=acting_user,
            details={"stage": stage, "before": str(before) if before else None},
        )
        publish("stages.changed")
    return row


def _why_unusable(version: ModelVersion) -> str:
    if version.artifact == ArtifactFormat.SAFETENSORS:
        return _("Safetensors hold weights without a graph: a training artefact, which no stage can use.")
    if version.status != VersionStatus.READY:
        return version.problem or _("This version is not ready: %s.") % version.get_status_display()
    return version.problem or _("This version is not in the model directory any more.")


def stage_clear(*, acting_user: User, stage: str) -> bool:
    """Go back to the best version that is present; False when nothing was assigned."""
    require(acting_user, Capability.ASSIGN_MODELS)
    known = _stage_checked(stage)
    with transaction.atomic():
        row = StageAssignment.objects.select_related("version").filter(stage=known.value).first()
        if row is None:
            return False
        _record("unassign", row.version, {"stage": stage}, acting_user)
        row.delete()
        publish("stages.changed")
    return True


def _stage_checked(stage: str) -> Stage:
    if stage not in [known.value for known in STAGE_TASK]:
        raise DomainError("unknown_stage", _("Models can be assigned to: %s.") % ", ".join(STAGE_TASK))
    return Stage(stage)


def _record(
    verb: str, version: ModelVersion, details: dict[str, Any], acting_user: User | None = None
) -> None:
    audit.record_change(
        action=f"model.{verb}",
        object_type="model_version",
        object_id=str(version.pk),
        details={"name": version.name, "sha256": version.sha256, **details},
        acting_user=acting_user,
    )


def directory_changed(verb: str, name: str) -> None:
    """Put on record that somebody at the machine changed the model directory.

    A file that was taken out stays out: an uploaded version of this name is retired with it.
    """
    with transaction.atomic():
        if verb == "remove":
            uploaded = ModelVersion.objects.filter(name=name, status=VersionStatus.READY).exclude(
                object_key=""
            )
            uploaded.update(status=VersionStatus.RETIRED)
        audit.record_change(
            action=f"model.{verb}", object_type="model_directory", object_id=name[:64], details={"name": name}
        )


def version_removable(name: str) -> bool:
    """Whether no stage and no zone was given to this version by a person."""
    given = {"version__name": name, "version__present": True}
    return not any(rows.objects.filter(**given).exists() for rows in (StageAssignment, ZoneDetector))
