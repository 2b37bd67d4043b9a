"""Evidence packs: what was asked for, how far it is, and the file that came of it."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id


class PackState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Being made")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Failed")


ACTIVE_STATES = (PackState.QUEUED, PackState.RUNNING)


class EvidencePack(models.Model):
    """One pack of one camera. This row is the truth, the message to the worker only wakes it up.

    A pack is kept as long as everything in it may be, and a hold on any of its time holds it.

    Attributes:
        oldest_at: the end of the first thing in it, from which its class counts.
        items: chosen `segments` and `events` by id, and `redactions` whose results go in; empty: everything
            of the span.
        facts: counts, and the hashes of the manifest, once it is made.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="evidence_packs")
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    oldest_at = models.DateTimeField()
    event_id = models.UUIDField(null=True, blank=True)
    items = models.JSONField(default=dict)
    purpose = models.CharField(_("purpose"), max_length=80)
    case = models.CharField(_("case"), max_length=80)
    reason = models.CharField(_("reason"), max_length=500)
    requested_by_id = models.CharField(max_length=64)
    requested_by_name = models.CharField(_("asked by"), max_length=150)
    created_at = models.DateTimeField(_("asked"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=8, choices=PackState.choices, default=PackState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("made"), null=True)
    object_key = models.CharField(max_length=300, blank=True)
    bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    facts = models.JSONField(default=dict)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["-created_at", "-id"]
        verbose_name = _("evidence pack")
        verbose_name_plural = _("evidence packs")
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="evidence_forwards"),
            models.CheckConstraint(condition=~Q(case=""), name="evidence_has_case"),
        ]
        indexes = [models.Index(fields=["state", "leased_until"], name="evidence_due")]

    def __str__(self) -> str:
        return f"{self.case} ({self.since:%Y-%m-%d %H:%M} – {self.until:%Y-%m-%d %H:%M})"
