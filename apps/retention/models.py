"""Retention classes, which camera keeps what, legal holds, and what the sweeper did and has still to do."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.ids import new_id

DEFAULT_HOURS = 72
DEFAULT_CODE = "standard"


def keep_while_held(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """A camera with an active hold cannot be removed; holds that are over go with it."""
    active = sub_objs.filter(released_at=None, expires_at__gt=now())
    if active.exists():
        raise models.ProtectedError("a legal hold is active on this camera", set(active))
    models.CASCADE(collector, field, sub_objs, using)


class RetentionClass(models.Model):
    """For how long data about persons is kept, and why longer than the default when it is longer.

    Originals (not redacted) are kept only by a class that says so, sealed, and never longer than the rest.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    hours = models.PositiveIntegerField(_("kept for hours"), default=DEFAULT_HOURS)
    justification = models.TextField(_("justification"), max_length=1000, blank=True)
    original_hours = models.PositiveIntegerField(_("sealed originals for hours"), default=0)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["hours", "code"]
        verbose_name = _("retention class")
        verbose_name_plural = _("retention classes")
        constraints = [
            models.CheckConstraint(condition=Q(hours__gte=1), name="retention_class_some_time"),
            models.CheckConstraint(
                condition=Q(hours__lte=DEFAULT_HOURS, original_hours=0) | ~Q(justification=""),
                name="retention_class_justified",
            ),
            models.CheckConstraint(
                condition=Q(original_hours__lte=F("hours")), name="retention_class_originals_not_longer"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RecordingMode(models.TextChoices):
    OFF = "off", _("Nothing")
    EVENTS = "events", _("While something happens")
    CONTINUOUS = "continuous", _("Always")


class CameraRetention(models.Model):
    """What a camera records and how long it is kept; a camera without a row has the defaults.

    Without a class of its own it follows its purpose; with one, the shorter of the two counts.
    """

    camera = models.OneToOneField(
        Camera, on_delete=models.CASCADE, primary_key=True, related_name="retention"
    )
    retention_class = models.ForeignKey(
        RetentionClass, null=True, blank=True, on_delete=models.PROTECT, related_name="cameras"
    )
    recording = models.CharField(
        _("recording"), max_length=12, choices=RecordingMode.choices, default=RecordingMode.EVENTS
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()


class LegalHold(models.Model):
    """What must not be deleted: a span of time of one camera, until the hold expires or is released.

    A hold on an event names it, and holds the event's time. A camera with an active hold cannot be removed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=keep_while_held, related_name="holds")
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    event_id = models.UUIDField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    case = models.CharField(_("case"), max_length=80, blank=True)
    placed_by_id = models.CharField(max_length=64)
    placed_by_name = models.CharField(_("placed by"), max_length=150)
    placed_at = models.DateTimeField(_("placed"))
    expires_at = models.DateTimeField(_("expires"))
    released_at = models.DateTimeField(_("released"), null=True)
    released_by_name = models.CharField(_("released by"), max_length=150, blank=True)
    release_reason = models.CharField(_("reason of the release"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-placed_at"]
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="retention_hold_forwards"),
            models.CheckConstraint(condition=~Q(reason=""), name="retention_hold_has_reason"),
        ]
        indexes = [models.Index(fields=["camera", "expires_at"], name="retention_hold_camera")]

    def __str__(self) -> str:
        return f"{self.case or self.reason} ({self.since:%Y-%m-%d %H:%M} – {self.until:%Y-%m-%d %H:%M})"


class DoomedObject(models.Model):
    """An object whose row is deleted and recorded already, and which has still to leave the store."""

    key = models.CharField(max_length=300, primary_key=True)
    store = models.CharField(max_length=40)
    since = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["since"]


class Sweep(models.Model):
    """One run of the sweeper that deleted something, for the page; the certificates are in the record."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(_("time"), db_index=True)
    counts = models.JSONField(default=dict)
    objects_gone = models.PositiveIntegerField(default=0)
    first_seq = models.BigIntegerField(null=True)
    last_seq = models.BigIntegerField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["-at"]
