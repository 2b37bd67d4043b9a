"""Model families, their versions (announced by the data plane or uploaded), and what serves each stage."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, Zone
from apps.core.ids import new_id


class ModelTask(models.TextChoices):
    DETECTION = "detection", _("Detection")
    FACE = "face", _("Faces")
    TEXT = "text", _("Text")
    MOTION = "motion", _("Motion")
    CLASSIFICATION = "classification", _("Classification")
    UNKNOWN = "unknown", _("Unknown")


class VersionStatus(models.TextChoices):
    """Where a version stands. Only READY may serve; `present` says whether its file is there as well.

    GATED: its checks passed, and it waits for the comparison with its parent (`apps.evaluations.variants`).
    """

    UPLOADED = "uploaded", _("Uploaded")
    CHECKING = "checking", _("Being checked")
    REFUSED = "refused", _("Refused")
    GATED = "gated", _("Waits for its gate")
    READY = "ready", _("Ready")
    RETIRED = "retired", _("Retired")


# Their checks passed, so their file belongs into the model directory.
INSTALLED = (VersionStatus.READY, VersionStatus.GATED)


class VersionKind(models.TextChoices):
    """How a version's numbers are stored; all but FP32 are made from a parent, and what has one is gated."""

    FP32 = "fp32", "fp32"
    FP16 = "fp16", "fp16"
    INT8 = "int8", "int8"
    CLEANED = "cleaned", _("cleaned graph")
    OPENVINO = "openvino", "OpenVINO"
    TENSORRT = "tensorrt", "TensorRT"


class ArtifactFormat(models.TextChoices):
    """SAFETENSORS is a training artefact: kept, listed, exported, and never served."""

    ONNX = "onnx", "ONNX"
    SAFETENSORS = "safetensors", "safetensors"
    PACKAGE = "package", _("installed package")


def default_input_contract() -> dict[str, Any]:
    """What every decoder of the product takes: float32 pictures with three channels, sides in pixels."""
    return {"dtype": "float32", "layout": "NCHW", "channels": 3, "min_side": 32, "max_side": 4096}


class ModelFamily(models.Model):
    """Versions that can stand in for each other: same task, same classes, fed and read in the same way.

    Attributes:
        postprocess: the decoder of the data plane that reads the graph's outputs ("yolox", "picodet", …).
        classes_sha256: hash of the class names in order, so that a version finds its family by one query.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    task = models.CharField(_("task"), max_length=16, choices=ModelTask.choices)
    postprocess = models.CharField(_("post-processing"), max_length=40)
    classes = models.JSONField(_("classes"), default=list)
    classes_sha256 = models.CharField(max_length=64)
    input_contract = models.JSONField(_("input"), default=default_input_contract)
    description = models.CharField(_("description"), max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["task", "name"]
        default_permissions = ()
        verbose_name = _("model family")
        verbose_name_plural = _("model families")
        indexes = [models.Index(fields=["task", "postprocess", "classes_sha256"], name="registry_family_of")]

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    """One version, named by its bytes: the same name with other bytes is another version.

    Attributes:
        family: the post-processing family as the data plane names it; `family_ref` is the row.
        parent: the version that this one was made from (an int8 copy, a fine-tuning).
        preprocessing_sha256: hash of how pictures are fed (`SideFile.preprocessing_sha256`): equal tensors
            with other preprocessing are another version.
        metrics: what its maker states, by name; measured figures belong to evaluations.
        side_file: the side file of an upload as text; with the file's hash it is what the signature covers.
        statement: the signed text itself (see `apps.registry.statements`); empty for announced files.
        object_key: where the uploaded file lies in the object store; empty when it never lay there.
        checks: lines of the sandboxed check, as `CheckLine` of the contract.
        check_facts: what the check measured, and which walls stood while it did.
        check_until: until then the ledger waits for the worker's answer, or before it asks again.
        check_attempts: how often a worker was asked; an answer to an earlier question counts no more.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=120)
    family = models.CharField(_("family"), max_length=40)
    task = models.CharField(_("task"), max_length=16, choices=ModelTask.choices)
    sha256 = models.CharField("SHA-256", max_length=64)
    licence = models.CharField(_("licence"), max_length=80, blank=True)
    source = models.CharField(_("source"), max_length=500, blank=True)
    classes = models.JSONField(_("classes"), default=list)
    input_width = models.PositiveIntegerField(default=0)
    input_height = models.PositiveIntegerField(default=0)
    thresholds = models.JSONField(_("thresholds"), default=dict)
    builtin = models.BooleanField(_("built in"), default=False)
    note = models.TextField(_("note"), blank=True)
    problem = models.TextField(_("problem"), blank=True)
    present = models.BooleanField(_("present in the model directory"), default=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    family_ref = models.ForeignKey(ModelFamily, null=True, on_delete=models.PROTECT, related_name="versions")
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    kind = models.CharField(_("kind"), max_length=10, choices=VersionKind.choices, default=VersionKind.FP32)
    artifact = models.CharField(
        _("format"), max_length=12, choices=ArtifactFormat.choices, default=ArtifactFormat.ONNX
    )
    status = models.CharField(
        _("status"), max_length=10, choices=VersionStatus.choices, default=VersionStatus.READY
    )
    size_bytes = models.BigIntegerField(default=0)
    training_data = models.CharField(_("training data"), max_length=500, blank=True)
    metrics = models.JSONField(_("metrics"), default=dict)
    preprocess = models.JSONField(_("preprocessing"), default=dict)
    preprocessing_sha256 = models.CharField(max_length=64, blank=True)
    side_file = models.TextField(blank=True)
    statement = models.TextField(blank=True)
    signature = models.CharField(_("signature"), max_length=200, blank=True)
    object_key = models.CharField(max_length=200, blank=True)
    checks = models.JSONField(default=list)
    check_facts = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True)
    check_until = models.DateTimeField(null=True)
    check_attempts = models.PositiveSmallIntegerField(default=0)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="uploaded_models"
    )

    class Meta:
        ordering = ["task", "name"]
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [models.UniqueConstraint(fields=["name", "sha256"], name="registry_version_by_bytes")]

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:12]})"


class StageAssignment(models.Model):
    """Which version serves a stage on every camera. No row: the best version that is present."""

    stage = models.CharField(_("stage"), max_length=16, primary_key=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="assignments")
    assigned_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")


class ZoneDetector(models.Model):
    """The version that detects in one zone, in place of the one that serves the whole camera."""

    zone = models.OneToOneField(Zone, on_delete=models.CASCADE, primary_key=True, related_name="detector")
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="zone_detectors")
    assigned_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("detector of a zone")
        verbose_name_plural = _("detectors of zones")


class CascadeStage(models.TextChoices):
    CLASSIFY = "classify", _("Name more closely")
    TEXT = "text", _("Read text")


class Cascade(models.Model):
    """What a camera's detector found goes on: the crops of some classes are named by a classifier, or read.

    Attributes:
        name: what the classifier's answer is called on events ("colour"); empty where text is read.
        version: the classifier; text is read by the version that reads on the camera.
        zone: only what stands in it; none: the whole picture.
        every_s: a thing is looked at again after this at the earliest.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="cascades")
    zone = models.ForeignKey(Zone, null=True, on_delete=models.CASCADE, related_name="cascades")
    stage = models.CharField(_("what is done"), max_length=16, choices=CascadeStage.choices)
    name = models.CharField(_("name"), max_length=40, blank=True)
    labels = models.JSONField(_("classes"), default=list)
    version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT, related_name="cascades")
    every_s = models.FloatField(_("seconds between two looks"), default=5.0)
    assigned_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("cascade")
        verbose_name_plural = _("cascades")

    def __str__(self) -> str:
        return f"{self.get_stage_display()}: {', '.join(self.labels)}"
