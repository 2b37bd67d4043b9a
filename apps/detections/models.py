"""What was seen: one event per track, readings; and the state and accounting of each camera."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera, Script, Zone
from apps.core.clock import now
from apps.core.ids import new_id
from apps.registry.models import ModelVersion
from inference_workers.contracts.results import CameraState

# The data plane repeats itself every five seconds.
SILENT_AFTER = timedelta(seconds=20)


class EventStatus(models.TextChoices):
    NEW = "new", _("New")
    CONFIRMED = "confirmed", _("Confirmed")
    DISMISSED = "dismissed", _("Dismissed")


class ColourName(models.TextChoices):
    """As `inference_workers.contracts.colours.Colour`."""

    BLACK = "black", _("black")
    WHITE = "white", _("white")
    GRAY = "gray", _("gray")
    RED = "red", _("red")
    ORANGE = "orange", _("orange")
    YELLOW = "yellow", _("yellow")
    GREEN = "green", _("green")
    BLUE = "blue", _("blue")
    PURPLE = "purple", _("purple")
    PINK = "pink", _("pink")
    BROWN = "brown", _("brown")


class Event(models.Model):
    """One track. (camera, epoch, track_id) is the key under which the data plane reports it.

    Attributes:
        attributes: what classifiers said about it, with the version that said so (`track_apply`).
        attribute_text: the same values as they are searched, folded.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="events")
    epoch = models.CharField(max_length=36)
    track_id = models.BigIntegerField()
    revision = models.PositiveIntegerField(default=0)
    ended = models.BooleanField(_("ended"), default=False)
    label = models.CharField(_("class"), max_length=60)
    confidence = models.FloatField(_("best confidence"))
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    box_xyxy = models.JSONField(default=list)
    path = models.JSONField(default=list)
    zones = models.ManyToManyField(Zone, blank=True, related_name="events")
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT)
    model_name = models.CharField(_("model version"), max_length=120)
    model_sha256 = models.CharField("SHA-256", max_length=64)
    lease_id = models.CharField(max_length=36)
    snapshot_key = models.CharField(max_length=300, blank=True)
    snapshot_redaction = models.CharField(_("redaction"), max_length=16, blank=True)
    upper_colour = models.CharField(_("upper clothing"), max_length=8, choices=ColourName.choices, blank=True)
    lower_colour = models.CharField(_("lower clothing"), max_length=8, choices=ColourName.choices, blank=True)
    attributes = models.JSONField(_("attributes"), default=list)
    attribute_text = models.CharField(max_length=500, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=EventStatus.choices, default=EventStatus.NEW
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-first_seen_at", "-id"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(fields=["camera", "epoch", "track_id"], name="detections_event_per_track")
        ]
        indexes = [
            models.Index(fields=["-first_seen_at", "-id"], name="detections_event_newest"),
            models.Index(fields=["camera", "-first_seen_at", "-id"], name="detections_event_camera"),
            models.Index(fields=["label", "-first_seen_at"], name="detections_event_label"),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.first_seen_at:%Y-%m-%d %H:%M:%S}"


class EventFlag(models.Model):
    """An operator says that a result is wrong or hard; model owners look at it."""

    class Reason(models.TextChoices):
        WRONG_CLASS = "wrong_class", _("Wrong class")
        NOT_THERE = "not_there", _("Nothing there")
        MISSED = "missed", _("Something was missed")
        PRIVACY = "privacy", _("Somebody is not covered")
        HARD = "hard", _("Hard picture")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="flags")
    reason = models.CharField(_("reason"), max_length=16, choices=Reason.choices)
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    flagged_by_id = models.CharField(max_length=64)
    flagged_by_name = models.CharField(_("flagged by"), max_length=150)
    flagged_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-flagged_at"]
        verbose_name = _("flag")
        verbose_name_plural = _("flags")


class Reading(models.Model):
    """One line of text that a camera read."""

    id = models.UUIDField(primary_key=True, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="readings")
    epoch = models.CharField(max_length=36)
    track_id = models.BigIntegerField(null=True)
    event = models.ForeignKey(
        Event, null=True, blank=True, on_delete=models.SET_NULL, related_name="readings"
    )
    zone = models.ForeignKey(Zone, null=True, blank=True, on_delete=models.SET_NULL)
    read_at = models.DateTimeField(_("read"))
    text = models.CharField(_("text"), max_length=500)
    folded = models.CharField(max_length=500, db_index=True)
    script = models.CharField(_("writing system"), max_length=16, choices=Script.choices)
    confidence = models.FloatField(_("confidence"))
    box_xyxy = models.JSONField(default=list)
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.PROTECT)
    model_name = models.CharField(_("model version"), max_length=120)
    model_sha256 = models.CharField("SHA-256", max_length=64)
    snapshot_key = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-read_at", "-id"]
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        indexes = [
            models.Index(fields=["-read_at", "-id"], name="detections_reading_newest"),
            models.Index(fields=["camera", "-read_at", "-id"], name="detections_reading_camera"),
            models.Index(fields=["camera", "epoch", "track_id"], name="detections_reading_track"),
        ]

    def __str__(self) -> str:
        return self.text


class CameraRuntime(models.Model):
    """The newest status that the data plane reported for a camera.

    `served` is by stage the hash of what answered last, `waiting` by stage why the version that the lease
    names does not answer yet.
    `withheld` is the control plane's own word: why it gives no lease, empty when it gives one.
    """

    camera = models.OneToOneField(Camera, on_delete=models.CASCADE, primary_key=True, related_name="runtime")
    epoch = models.CharField(max_length=36)
    at = models.DateTimeField()
    state = models.CharField(max_length=16)
    since = models.DateTimeField()
    code = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    retry_in_s = models.FloatField(null=True)
    fps = models.FloatField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    codec = models.CharField(max_length=40, blank=True)
    clock_offset_s = models.FloatField(null=True)
    last_frame_at = models.DateTimeField(null=True)
    served = models.JSONField(default=dict)
    waiting = models.JSONField(default=dict)
    lease_revision = models.PositiveIntegerField(default=0)
    withheld = models.CharField(max_length=40, blank=True)

    class Meta:
        default_permissions = ()

    @property
    def is_silent(self) -> bool:
        """Nobody has reported for a while, so what was reported last says nothing about now."""
        ended = self.withheld or self.state == CameraState.STOPPED
        return not ended and max(self.at, self.since) < now() - SILENT_AFTER

    @property
    def shown_state(self) -> str:
        return "withheld" if self.withheld else "silent" if self.is_silent else self.state

    @property
    def shown_code(self) -> str:
        return self.withheld or ("not_reporting" if self.is_silent else self.code)


class FrameAccount(models.Model):
    """Cumulative counters of one run of a camera. captured = analysed + skipped + lost + in flight.

    A closed row belongs to a run that has ended: what was in flight is counted as lost.
    """

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="accounts")
    epoch = models.CharField(max_length=36)
    started_at = models.DateTimeField()
    at = models.DateTimeField()
    captured = models.BigIntegerField()
    analysed = models.BigIntegerField()
    in_flight = models.BigIntegerField()
    skipped = models.JSONField(default=dict)
    lost = models.JSONField(default=dict)
    closed = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["camera", "epoch"], name="detections_account_per_epoch")
        ]


class FeedEntry(models.Model):
    """One line of the feed that viewers follow: append-only, numbered without a gap in commit order.

    It only says where to look; who may see the entry is asked again when it is read.
    """

    class Kind(models.TextChoices):
        EVENT_CREATED = "event_created"
        EVENT_UPDATED = "event_updated"
        EVENT_ENDED = "event_ended"
        EVENT_STATUS = "event_status"
        EVENT_FLAGGED = "event_flagged"
        READING_CREATED = "reading_created"
        CAMERA_STATE = "camera_state"
        ALERT_OPENED = "alert_opened"
        ALERT_CHANGED = "alert_changed"

    seq = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    event_id = models.UUIDField(null=True)
    alert_id = models.UUIDField(null=True)
    camera_id = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["seq"]
        indexes = [models.Index(fields=["camera_id", "seq"], name="detections_feed_camera")]


class FeedHead(models.Model):
    """The number of the newest feed entry: one row, locked by every writer.

    Numbers are given under this lock, so a reader who has seen 7 never meets a 6 that is committed later.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="detections_single_feed_head")]
