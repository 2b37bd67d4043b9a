"""Labelled sets with their versions, and the ledger of everything that is measured on them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id
from apps.registry.models import ModelVersion


class SetState(models.TextChoices):
    CHECKING = "checking", _("Being checked")
    READY = "ready", _("Ready")
    REFUSED = "refused", _("Refused")
    ERASED = "erased", _("Replaced after an erasure")


class LabelledSet(models.Model):
    """A set of labelled pictures by its name; what is measured on is one of its versions."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_name = models.CharField(max_length=150)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        verbose_name = _("labelled set")
        verbose_name_plural = _("labelled sets")

    def __str__(self) -> str:
        return self.name


class SetVersion(models.Model):
    """One version of a set, named by the hash of its labels (which name its pictures by theirs).

    Attributes:
        slices: pictures per light and per camera, as the check found them.
        problems: why pictures were refused, in words; a set with any is refused as a whole.
        must_pass: hashes of pictures on which no version may miss an object; may change, on record.
        cameras: the slices that were cameras of the house at the import, by name: their ids.
        placed: pictures that name their source, or a camera of the house and the moment: those in which
            an erasure finds persons.
        replaced_by: after an erasure the version with the pictures that are left, where any are.
        went: what an erasure took: `pictures`, and the `sha256` over their sorted hashes.
        keep_until: its pictures show people: they are deleted then.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    labelled_set = models.ForeignKey(LabelledSet, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    form = models.CharField(_("format"), max_length=10)
    pictures = models.PositiveIntegerField()
    objects_labelled = models.PositiveIntegerField()
    bytes = models.BigIntegerField()
    classes = models.JSONField(default=list)
    slices = models.JSONField(default=dict)
    problems = models.JSONField(default=list)
    must_pass = models.JSONField(default=list)
    cameras = models.JSONField(default=dict)
    placed = models.PositiveIntegerField(default=0)
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replaces")
    went = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=10, choices=SetState.choices, default=SetState.CHECKING)
    keep_until = models.DateTimeField(_("kept until"))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["labelled_set__name", "-number"]
        default_permissions = ()
        verbose_name = _("version of a labelled set")
        verbose_name_plural = _("versions of labelled sets")
        constraints = [
            models.UniqueConstraint(fields=["labelled_set", "number"], name="evaluations_set_number"),
            models.UniqueConstraint(fields=["labelled_set", "sha256"], name="evaluations_set_by_labels"),
        ]

    def __str__(self) -> str:
        return f"{self.labelled_set} v{self.number}"


class JobKind(models.TextChoices):
    """The kinds of the contract; GATE, of a file that was not made here, asks nothing of a worker."""

    CHECK = "check", _("Check of a set")
    MEASURE = "measure", _("Measurement")
    COMPARE = "compare", _("Comparison")
    REPLAY = "replay", _("Replay")
    VARIANT = "variant", _("Variant")
    GATE = "gate", _("Gate")


GATED_KINDS = (JobKind.VARIANT, JobKind.GATE)


class JobState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


ACTIVE_STATES = (JobState.QUEUED, JobState.RUNNING)


class Verdict(models.TextChoices):
    """What a comparison says of the candidate; the rule is in docs/model-quality.md."""

    BETTER = "better", _("better")
    EQUAL = "equal", _("equal")
    WORSE = "worse", _("worse")
    UNCLEAR = "unclear", _("unclear")


class Gate(models.TextChoices):
    """What became of a variant: it may lose one point of mAP against its parent, however fast it is."""

    OPEN = "open", _("not judged yet")
    PASSED = "passed", _("passed")
    REFUSED = "refused", _("refused")


class Evaluation(models.Model):
    """One durable job. This row is the truth; the message to the worker only wakes it up.

    Attributes:
        candidate: the version measured, compared, replayed, or the parent of a variant.
        base: what it is compared with.
        candidate_measure, base_measure: the measurements that a comparison waits for and reads.
        variant_of: the variant job whose gate this comparison is.
        made: the version that a variant job made, or whose gate this is.
        preprocessing_sha256: how the candidate was fed when this was asked: a measurement is of bytes and of
            the way they are fed.
        options: resamples, seed and margin; the window of a replay; kind and calibration of a variant.
        portions_done, portions: how far it is, as the worker says.
        attempts, failures, lost: messages, those that ended in an error, those whose worker died.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=JobKind.choices)
    state = models.CharField(_("state"), max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="evaluations"
    )
    set_version = models.ForeignKey(
        SetVersion, null=True, on_delete=models.SET_NULL, related_name="evaluations"
    )
    set_name = models.CharField(max_length=100, blank=True)
    candidate = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="evaluations"
    )
    base = models.ForeignKey(
        ModelVersion, null=True, on_delete=models.PROTECT, related_name="evaluations_as_base"
    )
    preprocessing_sha256 = models.CharField(max_length=64, blank=True)
    candidate_measure = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="comparisons"
    )
    base_measure = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="comparisons_as_base"
    )
    camera = models.ForeignKey(Camera, null=True, on_delete=models.CASCADE, related_name="replays")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    options = models.JSONField(default=dict)
    portions_done = models.PositiveIntegerField(default=0)
    portions = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    lost = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(default=0.0)
    summary = models.JSONField(default=dict)
    words = models.JSONField(default=dict)
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict.choices, blank=True)
    output_sha256 = models.CharField(max_length=64, blank=True)
    variant_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="gates")
    made = models.ForeignKey(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="made_by")
    gate = models.CharField(_("gate"), max_length=8, choices=Gate.choices, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ()
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        constraints = [
            models.UniqueConstraint(
                fields=["set_version", "candidate", "preprocessing_sha256"],
                condition=Q(kind=JobKind.MEASURE, state__in=(*ACTIVE_STATES, JobState.DONE)),
                name="evaluations_measured_once",
            )
        ]
        indexes = [
            models.Index(fields=["state", "created_at"], name="evaluations_due"),
            models.Index(fields=["kind", "candidate", "base", "-finished_at"], name="evaluations_pair"),
            models.Index(fields=["kind", "-created_at"], name="evaluations_listed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.candidate or self.set_name}"
