"""What each model version saw on each camera, in short windows: what rollouts judge by."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id
from apps.registry.models import ModelVersion


class VersionRole(models.TextChoices):
    SERVING = "serving", _("Serving")
    SHADOW = "shadow", _("Shadow")


class VersionWindow(models.Model):
    """One version of one stage on one camera for a few seconds, as the data plane reported it.

    `sha256` is what the answers proved, `version` what the lease had named. `counts` holds the rest of the
    message (`inference_workers.contracts.comparison`): errors, skipped, latency_ms, seen, beside.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="version_windows")
    stage = models.CharField(_("stage"), max_length=16)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="windows")
    sha256 = models.CharField("SHA-256", max_length=64)
    role = models.CharField(_("role"), max_length=8, choices=VersionRole.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    epoch = models.CharField(max_length=36)
    lease_id = models.CharField(max_length=36)
    frames = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        ordering = ["-started_at"]
        verbose_name = _("window of a model version")
        verbose_name_plural = _("windows of model versions")
        constraints = [
            models.UniqueConstraint(
                fields=["camera", "stage", "version", "role", "started_at"], name="rollouts_window_once"
            )
        ]
        indexes = [
            models.Index(fields=["version", "stage", "ended_at"], name="rollouts_window_version"),
            models.Index(fields=["ended_at"], name="rollouts_window_ended"),
        ]
