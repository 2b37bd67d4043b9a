"""Rollouts, which version every camera is given, and what versions saw: what rollouts judge by."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
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
    message (`inference_workers.contracts.comparison`): errors, skipped, seen, beside.
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


class Strategy(models.TextChoices):
    SHADOW = "shadow", _("Shadow: it sees the frames, nothing of it is published")
    CANARY = "canary", _("Canary: a growing share of the cameras")
    AB = "ab", _("A/B: half of the cameras, one stated question")
    BLUE_GREEN = "blue_green", _("Blue/green: all cameras at once, the version before stays warm")
    AT_ONCE = "at_once", _("At once: all cameras without a trial, when a second person approves")


class RolloutState(models.TextChoices):
    DRAFT = "draft", _("Prepared")
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting for a second person")
    DONE = "done", _("Done")
    ROLLED_BACK = "rolled_back", _("Rolled back")
    STOPPED = "stopped", _("Ended without a change")


ACTIVE = (RolloutState.RUNNING, RolloutState.WAITING)
FINAL = (RolloutState.DONE, RolloutState.ROLLED_BACK, RolloutState.STOPPED)


class Rollout(models.Model):
    """One version taking the place of another on one stage, camera by camera.

    Strategy, cameras, steps and guards are fixed when it starts. `salt` orders the cameras
    (`share.place_of`), `percent` is how many of them the step reaches, `readings` the newest look of every
    guard. Cameras, sites and groups are kept as ids: one that is removed leaves no hole in what was decided.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stage = models.CharField(_("stage"), max_length=16)
    base = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="rollouts_as_base")
    candidate = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="rollouts")
    strategy = models.CharField(_("strategy"), max_length=12, choices=Strategy.choices)
    state = models.CharField(_("state"), max_length=12, choices=RolloutState.choices, default="draft")
    scope = models.JSONField(default=dict)
    pinned = models.JSONField(default=list)
    excluded = models.JSONField(default=list)
    steps = models.JSONField(default=list)
    guards = models.JSONField(default=list)
    question = models.CharField(_("question"), max_length=300, blank=True)
    sample_size = models.PositiveIntegerField(_("events per side"), null=True)
    reason = models.CharField(_("reason"), max_length=500)
    override = models.CharField(_("why in spite of the comparison"), max_length=500, blank=True)
    salt = models.CharField(max_length=32)
    percent = models.PositiveSmallIntegerField(_("share"), default=0)
    created_at = models.DateTimeField(_("prepared"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(_("started"), null=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    stepped_at = models.DateTimeField(null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(_("ended"), null=True)
    end_reason = models.CharField(max_length=500, blank=True)
    guarded_at = models.DateTimeField(null=True)
    looked_until = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=8, blank=True)
    readings = models.JSONField(default=list)
    report = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["-created_at", "-id"]
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        constraints = [
            models.UniqueConstraint(
                fields=["stage"],
                condition=Q(state__in=["running", "waiting"]),
                name="rollouts_one_per_stage",
            ),
            models.CheckConstraint(condition=~Q(base=F("candidate")), name="rollouts_two_versions"),
            # The database itself refuses 100 % by one person.
            models.CheckConstraint(
                condition=Q(approved_by=None)
                | (~Q(approved_by=F("started_by")) & ~Q(approved_by=F("requested_by"))),
                name="rollouts_second_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate.name} / {self.base.name}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


class RolloutStep(models.Model):
    """One line of a rollout's history: never changed, never removed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="history")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=20)
    state = models.CharField(max_length=12, choices=RolloutState.choices)
    percent = models.PositiveSmallIntegerField()
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=150)
    details = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["rollout", "number"], name="rollouts_step_once")]


class GuardLook(models.Model):
    """One look of a rollout's guards: what they measured and what followed. The charts show these."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="looks")
    at = models.DateTimeField()
    verdict = models.CharField(max_length=8)
    percent = models.PositiveSmallIntegerField()
    cameras = models.PositiveIntegerField()
    readings = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        ordering = ["-at"]
        indexes = [models.Index(fields=["rollout", "-at"], name="rollouts_look_newest")]


class RolloutProof(models.Model):
    """The proof that a camera went back: when its results first carried the base's hash again."""

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="proofs")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    proved_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["rollout", "camera"], name="rollouts_proof_once")]


class CameraAssignment(models.Model):
    """One camera's own version of a stage; without a row it has the version of the stage."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="stage_assignments")
    stage = models.CharField(_("stage"), max_length=16)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="camera_assignments")
    assigned_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["camera", "stage"], name="rollouts_camera_stage")]


class ServingEntry(models.Model):
    """What was assigned from a moment on, everywhere: the states that can be gone back to. Never changed.

    `contents`: by stage the version's id, or null where Vidette chooses; which cameras differ; detectors of
    zones and classifiers of cascades (`apps.registry.kept`).
    """

    number = models.PositiveIntegerField(primary_key=True)
    at = models.DateTimeField()
    action = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=150)
    fingerprint = models.CharField(max_length=64)
    contents = models.JSONField()

    class Meta:
        default_permissions = ()
        ordering = ["-number"]
