"""Model versions that the data plane announced, and the version that serves each stage."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class ModelTask(models.TextChoices):
    DETECTION = "detection", _("Detection")
    FACE = "face", _("Faces")
    TEXT = "text", _("Text")
    MOTION = "motion", _("Motion")
    UNKNOWN = "unknown", _("Unknown")


class ModelVersion(models.Model):
    """One version, named by its bytes: the same name with other bytes is another version."""

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
