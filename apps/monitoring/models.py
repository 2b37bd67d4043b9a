"""What slipped: second looks at redacted pictures, their counts, what follows from them, and alerts."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id


class PictureKind(models.TextChoices):
    LIVE = "live", _("Live pictures")
    SNAPSHOT = "snapshot", _("Snapshots")
    FILE = "file", _("Files")


class LeakSample(models.Model):
    """One second look. It also keeps a message that comes twice from being counted twice.

    `boxes` are the bare faces, normalised 0..1; the picture itself is not kept.
    """

    id = models.CharField(primary_key=True, max_length=36, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="leak_samples")
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=PictureKind.choices)
    epoch = models.CharField(max_length=36)
    frame_seq = models.BigIntegerField()
    lease_id = models.CharField(max_length=36)
    leaks = models.PositiveIntegerField()
    on_covers = models.PositiveIntegerField()
    boxes = models.JSONField(default=list)
    lookers = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["camera", "-at"], name="monitoring_sample_newest")]


class LeakHour(models.Model):
    """The counts of one camera and hour. `leaky` pictures have one leak or more; `leaks` are faces."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="leak_hours")
    hour = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=PictureKind.choices)
    frames = models.PositiveIntegerField(default=0)
    leaky = models.PositiveIntegerField(default=0)
    leaks = models.PositiveIntegerField(default=0)
    on_covers = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ["-hour"]
        constraints = [
            models.UniqueConstraint(fields=["camera", "hour", "kind"], name="monitoring_hour_per_camera")
        ]


class LeakGuard(models.Model):
    """What follows from leaks of one camera until a person decides otherwise.

    `counted_from`: only samples from then on are held against the limit (the moment of the last review).
    """

    camera = models.OneToOneField(
        Camera, on_delete=models.CASCADE, primary_key=True, related_name="leak_guard"
    )
    counted_from = models.DateTimeField(null=True)
    exports_quarantined_at = models.DateTimeField(null=True)
    policy_raised_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()


class AlertKind(models.TextChoices):
    LEAKS = "leaks", _("Faces without a cover")


class AlertState(models.TextChoices):
    OPEN = "open", _("Open")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    CLOSED = "closed", _("Closed")


class Alert(models.Model):
    """Something that a person has to look into. At most one of a kind is not closed per camera."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(_("kind"), max_length=16, choices=AlertKind.choices)
    state = models.CharField(_("state"), max_length=12, choices=AlertState.choices, default=AlertState.OPEN)
    opened_at = models.DateTimeField(_("opened"))
    changed_at = models.DateTimeField(_("changed"))
    facts = models.JSONField(default=dict)
    changed_by_id = models.CharField(max_length=64, blank=True)
    changed_by_name = models.CharField(_("changed by"), max_length=150, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["-opened_at", "-id"]
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["camera", "kind"],
                condition=~models.Q(state="closed"),
                name="monitoring_one_open_alert",
            )
        ]
        indexes = [models.Index(fields=["-opened_at", "-id"], name="monitoring_alert_newest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.opened_at:%Y-%m-%d %H:%M:%S}"
