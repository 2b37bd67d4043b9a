"""Recorded segments, and the keys under which originals are sealed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id
from apps.retention.models import RecordingMode


class OriginalKey(models.Model):
    """The key pair of one camera and day. The data plane gets the public half, to seal and not to open.

    `sealed_private` is the private half under the master key, which stands outside of the database. Emptied,
    nothing that was sealed under it can be opened again: that is the erasure.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera_id = models.UUIDField()  # no foreign key: the proof of the erasure outlives the camera
    day = models.DateField(_("day"))
    public_key = models.BinaryField()
    sealed_private = models.BinaryField(default=b"")
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(
                fields=["camera_id", "day"],
                condition=Q(destroyed_at=None),
                name="recordings_one_living_key_per_day",
            )
        ]

    def __str__(self) -> str:
        return self.fingerprint[:16]


class Segment(models.Model):
    """A few seconds of one camera, redacted; the id is that of the data plane and names the file for good."""

    id = models.UUIDField(primary_key=True, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="segments")
    epoch = models.CharField(max_length=36)
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(_("begins"))
    ended_at = models.DateTimeField(_("ends"))
    frames = models.PositiveIntegerField(_("pictures"))
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    bytes = models.PositiveIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    object_key = models.CharField(max_length=300)
    lease_id = models.CharField(max_length=36)
    reason = models.CharField(_("recorded"), max_length=12, choices=RecordingMode.choices)
    redaction = models.JSONField(default=dict)
    served = models.JSONField(default=dict)
    track_ids = models.JSONField(default=list)
    original_key = models.CharField(max_length=300, blank=True)
    original_sha256 = models.CharField(max_length=64, blank=True)
    original_bytes = models.PositiveIntegerField(default=0)
    sealed_under = models.ForeignKey(
        OriginalKey, null=True, on_delete=models.SET_NULL, related_name="segments"
    )

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("recorded segment")
        verbose_name_plural = _("recorded segments")
        constraints = [
            models.CheckConstraint(condition=Q(ended_at__gte=F("started_at")), name="recordings_forwards")
        ]
        indexes = [
            models.Index(fields=["camera", "started_at"], name="recordings_camera_time"),
            models.Index(fields=["ended_at"], name="recordings_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S}, {self.frames}"
