"""Files to redact, the steps of that work, and the edits that people make to the result."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class RedactionState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


FINAL_STATES = (RedactionState.DONE, RedactionState.FAILED, RedactionState.CANCELLED)
ACTIVE_STATES = (RedactionState.QUEUED, RedactionState.RUNNING)


class StepKind(models.TextChoices):
    """The kinds of the contract, in the order of the work."""

    PROBE = "probe", _("Look at the file")
    ANALYSE = "analyse", _("Find people")
    FOLLOW = "follow", _("Follow a region")
    STITCH = "stitch", _("Join the tracks")
    RENDER = "render", _("Cover")
    MUX = "mux", _("Put together")


class StepState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Redaction(models.Model):
    """One uploaded file. Its objects lie below `redactions/<id>/`; no page and no API reads the upload.

    Attributes:
        film: what the file is (FilmFacts); empty before it was looked at.
        chosen_models: which versions look; fixed at the start, so that a repeated step gives the same bytes.
        revision: one more with every edit and undo; the tracks that are wanted.
        tracks_revision: the newest revision whose tracks are there.
        rendered_revision: the revision whose film is wanted; one lags behind the other until somebody asks
            to render again.
        ready_revision: the newest revision whose film is there.
        version: one more with every change, for those who wait for news.
        input_until: when the upload goes; editing is possible until then.
        round_at: when the present piece of work began, for its progress.
        cleared_at: when everything but the results was deleted, some time after the upload.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="redactions")
    created_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    filename = models.CharField(_("file"), max_length=160)
    purpose = models.CharField(_("purpose"), max_length=80)
    input_sha256 = models.CharField(max_length=64)
    input_bytes = models.BigIntegerField()
    options = models.JSONField(default=dict)
    chosen_models = models.JSONField(default=dict)
    state = models.CharField(
        _("state"), max_length=10, choices=RedactionState.choices, default=RedactionState.QUEUED
    )
    film = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    tracks_revision = models.PositiveIntegerField(null=True)
    rendered_revision = models.PositiveIntegerField(default=0)
    ready_revision = models.PositiveIntegerField(null=True)
    result = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    round_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    editable = models.BooleanField(default=True)
    input_until = models.DateTimeField(null=True)
    input_gone_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ()
        verbose_name = _("redaction of a file")
        verbose_name_plural = _("redactions of files")
        indexes = [
            models.Index(fields=["state", "created_at"], name="redactions_due"),
            models.Index(fields=["owner", "-created_at"], name="redactions_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.filename} ({self.state})"

    def keeps_somebody(self, revision: int) -> bool:
        """Whether an edit leaves a person visible in the result of this revision."""
        counts = models.Q(undone_revision=None) | models.Q(undone_revision__gt=revision)
        return self.edits.filter(counts, kind=EditKind.KEEP, made_revision__lte=revision).exists()


class RedactionStep(models.Model):
    """One step of the work. This row is the truth, the message to the worker only wakes it up.

    `key` names what the step makes, so that the same work is never planned twice. `attempts` counts
    messages, `failures` those that ended in an error, `lost` those whose worker died.
    """

    redaction = models.ForeignKey(Redaction, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=120)
    kind = models.CharField(max_length=8, choices=StepKind.choices)
    place = models.PositiveSmallIntegerField()
    segment = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=0)
    covers = models.CharField(max_length=80, blank=True)
    edit_id = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=8, choices=StepState.choices, default=StepState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    lost = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(default=0.0)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering = ["redaction", "place", "segment"]
        default_permissions = ()
        verbose_name = _("step of a redaction")
        verbose_name_plural = _("steps of redactions")
        constraints = [models.UniqueConstraint(fields=["redaction", "key"], name="redactions_step_once")]
        indexes = [models.Index(fields=["state", "leased_until"], name="redactions_step_due")]


class EditKind(models.TextChoices):
    ADD = "add", _("Cover a region")
    DROP = "drop", _("Drop a false cover")
    KEEP = "keep", _("Keep one person visible")


class RedactionEdit(models.Model):
    """One edit of a result. It counts from `made_revision` until before `undone_revision`.

    An undone edit stays in the table: what was done is history.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    redaction = models.ForeignKey(Redaction, on_delete=models.CASCADE, related_name="edits")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=EditKind.choices)
    what = models.JSONField(default=dict)
    made_revision = models.PositiveIntegerField()
    undone_revision = models.PositiveIntegerField(null=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by_name = models.CharField(max_length=150)
    undone_at = models.DateTimeField(null=True)
    undone_by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["number"]
        default_permissions = ()
        verbose_name = _("edit of a redaction")
        verbose_name_plural = _("edits of redactions")
        constraints = [models.UniqueConstraint(fields=["redaction", "number"], name="redactions_edit_number")]
