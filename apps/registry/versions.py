"""What people do with versions: upload one, give it up; and what a variant needs to enter the same gate."""

import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import Conflict, DomainError, Invalid
from apps.core.events import publish
from apps.core.objects import object_delete
from apps.registry.checking import models_send
from apps.registry.models import (
    ArtifactFormat,
    ModelFamily,
    ModelTask,
    ModelVersion,
    StageAssignment,
    VersionKind,
    VersionStatus,
)
from apps.registry.selectors import serving
from apps.registry.uploads import ReceivedModel

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_NOT_NAME = re.compile(r"[^a-z0-9._-]+")
MAX_SIDE_FILE = 256 * 1024
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """What a person says about a file beside its bytes. `name` empty: from the file's own name."""

    name: str = ""
    side_file: str = ""
    family: ModelFamily | None = None
    parent: ModelVersion | None = None
    kind: str = VersionKind.FP32.value
    licence: str = ""
    source: str = ""
    training_data: str = ""


def version_upload(*, acting_user: User, received: ReceivedModel, origin: Origin) -> ModelVersion:
    """Put a received file into the ledger of checks; it serves nothing before every check has passed."""
    require(acting_user, Capability.UPLOAD_MODELS)
    name = _name_checked(origin.name or _name_of(received.filename))
    _check_parent(origin, received.artifact)
    if len(origin.side_file) > MAX_SIDE_FILE:
        raise Invalid("side_file", _("A side file has at most %d characters.") % MAX_SIDE_FILE)
    with transaction.atomic():
        _make_room(name)
        version = ModelVersion.objects.create(
            pk=received.version_id,
            name=name,
            sha256=received.sha256,
            size_bytes=received.size_bytes,
            object_key=received.key,
            artifact=received.artifact,
            family=origin.family.postprocess if origin.family else "",
            task=origin.family.task if origin.family else ModelTask.UNKNOWN,
            family_ref=origin.family,
            parent=origin.parent,
            kind=origin.kind,
            licence=origin.licence[:80],
            source=origin.source[:500],
            training_data=origin.training_data[:500],
            side_file=origin.side_file,
            status=VersionStatus.UPLOADED,
            present=False,
            uploaded_by=acting_user,
        )
        details = {"bytes": version.size_bytes, "format": version.artifact, "kind": version.kind}
        version_record("upload", version, details, acting_user)
        publish("models.changed", version_id=str(version.pk))
        transaction.on_commit(models_send, robust=True)
    return version


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that the data plane made from a version and left in the object store."""

    name: str
    key: str
    sha256: str
    size_bytes: int
    side_file: str
    kind: str


def version_made(*, parent: ModelVersion, made: MadeFile, created_by: User | None) -> ModelVersion:
    """Put a made file into the ledger of checks, inside of the caller's transaction.

    So it is checked in the sandbox, signed and installed as any file, and waits for its gate then.
    """
    version = ModelVersion.objects.create(
        name=free_name(made.name),
        sha256=made.sha256,
        size_bytes=made.size_bytes,
        object_key=made.key,
        artifact=ArtifactFormat.ONNX,
        family=parent.family,
        task=parent.task,
        family_ref=parent.family_ref,
        parent=parent,
        kind=made.kind,
        licence=parent.licence,
        source=parent.source,
        training_data=parent.training_data,
        side_file=made.side_file,
        status=VersionStatus.UPLOADED,
        present=False,
        uploaded_by=created_by,
    )
    details = {"bytes": version.size_bytes, "kind": version.kind, "parent": parent.sha256}
    version_record("make", version, details)
    publish("models.changed", version_id=str(version.pk))
    transaction.on_commit(models_send, robust=True)
    return version


def free_name(stem: str) -> str:
    """A name in the model directory means its bytes for ever; another calibration is another file."""
    taken = set(ModelVersion.objects.filter(name__startswith=stem).values_list("name", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(name for name in numbered if name not in taken)


def _make_room(name: str) -> None:
    """A name is one file of the model directory: only what was refused gives its name back."""
    for row in ModelVersion.objects.select_for_update().filter(name=name):
        if row.status != VersionStatus.REFUSED:
            raise Conflict(
                "version_exists",
                _("A version named %(name)s is there already. A version never changes: choose a new name.")
                % {"name": name},
            )
        key = row.object_key
        try:
            row.delete()
        except ProtectedError as error:
            raise Conflict(
                "version_exists",
                _("%s was refused after it was compared, served or had versions made from it, which name it "
                  "for ever. Choose a new name.") % name,
            ) from error  # fmt: skip
        if key:
            transaction.on_commit(lambda key=key: object_delete(key), robust=True)  # type: ignore[misc]


def _check_parent(origin: Origin, artifact: str) -> None:
    """What is gated needs something that it can be compared with: said before the checks, not after."""
    if artifact != ArtifactFormat.ONNX or origin.parent is None:
        return
    if origin.parent.task not in (ModelTask.DETECTION, ModelTask.UNKNOWN):
        raise Invalid(
            "parent_task",
            _("A version with a parent serves after a comparison with it, and only detectors can be "
              "compared. Upload it without a parent: it is a version of its own then, for a rollout."),
            field="parent",
        )  # fmt: skip


def _name_checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid(
            "model_name",
            _("A name has 1 to 80 small letters, digits, dots, dashes and underscores."),
            field="name",
        )
    return name


def _name_of(filename: str) -> str:
    stem = filename.rpartition(".")[0] or filename
    return _NOT_NAME.sub("-", stem.lower()).strip("-._")[:80]


def version_retire(*, acting_user: User, version: ModelVersion, reason: str) -> ModelVersion:
    """Take a version out of every choice; its row stays, because events name it."""
    require(acting_user, Capability.UPLOAD_MODELS)
    if not 3 <= len(reason.strip()) <= MAX_REASON:
        raise Invalid("reason", _("Say why, in 3 to %d characters.") % MAX_REASON, field="reason")
    with transaction.atomic():
        row = ModelVersion.objects.select_for_update().get(pk=version.pk)
        if row.status != VersionStatus.READY:
            raise Conflict("version_state", _("Only a version that is ready can be retired."))
        _require_unused(row)
        row.status = VersionStatus.RETIRED
        row.save(update_fields=["status"])
        version_record("retire", row, {"reason": reason.strip()}, acting_user)
        publish("stages.changed")
        publish("models.changed", version_id=str(row.pk))
    return row


def _require_unused(version: ModelVersion) -> None:
    if version.builtin:
        raise DomainError("version_builtin", _("What comes with an installed package cannot be retired."))
    assigned = StageAssignment.objects.filter(version=version).values_list("stage", flat=True)
    served = {stage.value for stage, serves in serving().items() if serves.pk == version.pk}
    stages = sorted({*assigned, *served})
    if stages:
        raise Conflict(
            "version_serves",
            _("It serves the stage %s. Assign another version first: that takes two persons.")
            % ", ".join(stages),
        )
    if cameras := version.camera_assignments.values("camera").distinct().count():
        raise Conflict(
            "version_serves",
            ngettext(
                "It is the own version of %(count)d camera. Go back to what was assigned before that (page "
                "Rollouts), or roll it out everywhere and then another one.",
                "It is the own version of %(count)d cameras. Go back to what was assigned before that (page "
                "Rollouts), or roll it out everywhere and then another one.",
                cameras,
            )
            % {"count": cameras},
        )


def version_record(
    verb: str, version: ModelVersion, details: dict[str, Any], acting_user: User | None = None
) -> None:
    audit.record_change(
        action=f"model.{verb}",
        object_type="model_version",
        object_id=str(version.pk),
        details={"name": version.name, "sha256": version.sha256, **details},
        acting_user=acting_user,
    )
