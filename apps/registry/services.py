"""Registering what the data plane announced, and what people at the machine did to the model directory."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.events import publish
from apps.registry.assigning import stage_give
from apps.registry.choice import needs_gate, usable
from apps.registry.families import family_for
from apps.registry.models import (
    INSTALLED,
    ArtifactFormat,
    ModelTask,
    ModelVersion,
    StageAssignment,
    VersionKind,
    VersionStatus,
)
from apps.registry.selectors import serving
from inference_workers.contracts.lease import Stage
from inference_workers.contracts.models import ModelCard

SETTLES_AFTER = timedelta(minutes=5)


def models_announced(cards: Iterable[ModelCard]) -> int:
    """Bring the register in line with what lies in the model directory now; returns the changed rows.

    A card of another hash is another version. A file that cannot be used is registered with its problem, so
    that the pages can say it. Versions that are not announced any more are kept, because
    events name them, and marked as absent.
    """
    with transaction.atomic():
        before = _kept_if_better_comes()
        stored = {(row.name, row.sha256): row for row in ModelVersion.objects.select_for_update()}
        changed = sum(
            _announce(card, stored.pop((card.name, card.sha256), None)) for card in _parents_first(cards)
        )
        changed += sum(_mark_absent(row) for row in stored.values() if row.present)
        if changed:
            _keep(before)
            publish("stages.changed")
    return changed


def _parents_first(cards: Iterable[ModelCard]) -> list[ModelCard]:
    """What was made from another one waits for its gate, and has to find it registered to be told so."""
    ordered: list[ModelCard] = []
    rest = list(cards)
    while rest:
        coming = {card.sha256 for card in rest if card.sha256}  # a broken file has none
        waits = [card for card in rest if card.parent_sha256 in coming - {card.sha256}]
        free = [card for card in rest if card not in waits]
        # Two files that name each other have no first one.
        ordered += free or waits
        rest = waits if free else []
    return ordered


def _kept_if_better_comes() -> dict[Stage, ModelVersion]:
    """What serves by Vidette's own choice and shall stay when a file arrives that the order puts first.

    Who owns the model directory would else change what serves everywhere, alone. What comes with an
    installed package gives way to the first file, and before a camera is on nothing serves anywhere.
    The files of a folder come one after the other, so what just came may still give way.
    """
    if not Camera.objects.filter(enabled=True).exists():
        return {}
    assigned = set(StageAssignment.objects.values_list("stage", flat=True))
    settled = now() - SETTLES_AFTER
    return {
        stage: version
        for stage, version in serving().items()
        if stage.value not in assigned and not version.builtin and version.first_seen_at < settled
    }


def _keep(before: dict[Stage, ModelVersion]) -> None:
    """Assign what served where something else would serve now; only what cannot serve any more goes."""
    after = serving() if before else {}
    for stage, version in before.items():
        better = after.get(stage)
        version.refresh_from_db()
        if better is None or better.pk == version.pk or not usable(version):
            continue
        stage_give(stage=stage.value, version=version)
        _record("keep", version, {"stage": stage.value, "instead_of": better.name})


def card_register(card: ModelCard) -> ModelVersion:
    """The row of one card, made or brought in line; inside the caller's transaction."""
    key = {"name": card.name, "sha256": card.sha256}
    before = _kept_if_better_comes()
    _announce(card, ModelVersion.objects.select_for_update().filter(**key).first())
    _keep(before)
    publish("stages.changed")
    return ModelVersion.objects.select_related("parent").get(**key)


def _announce(card: ModelCard, row: ModelVersion | None) -> bool:
    facts = {**_facts(card), **_origin(card), "family_ref_id": _family_id(card, row)}
    if row is None:
        row = ModelVersion(name=card.name, sha256=card.sha256, **facts)
        row.status = VersionStatus.GATED if needs_gate(row) else VersionStatus.READY
        row.save(force_insert=True)
        _record("register", row, {"family": row.family, "problem": row.problem})
        return True
    differing = {name: value for name, value in facts.items() if getattr(row, name) != value}
    if not differing:
        return False
    ModelVersion.objects.filter(pk=row.pk).update(**differing)
    _record("change", row, {"changed": sorted(differing)})
    return True


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
            stands = ModelVersion.objects.filter(name=name, status__in=INSTALLED)
            stands.exclude(object_key="").update(status=VersionStatus.RETIRED)
        audit.record_change(
            action=f"model.{verb}", object_type="model_directory", object_id=name[:64], details={"name": name}
        )


def version_removable(name: str) -> bool:
    """Whether it serves no stage, and no stage, camera, zone or cascade was given to it by a person."""
    if any(version.name == name for version in serving().values()):
        return False
    given = ("assignments", "camera_assignments", "zone_detectors", "cascades")
    rows = ModelVersion.objects.filter(name=name, present=True)
    return not any(rows.filter(**{f"{parts}__isnull": False}).exists() for parts in given)
