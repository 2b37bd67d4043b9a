"""Requests to see somebody unredacted, the grants that follow, and what is shown under them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id


class RequestState(models.TextChoices):
    OPEN = "open", _("Waiting for a second person")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class UnmaskRequest(models.Model):
    """Who wants to see what, and why; decided by somebody else."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="unmask_requests")
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    # A track belongs to one run of the camera: its number means somebody else in another one.
    track_id = models.BigIntegerField(_("track"), null=True, blank=True)
    epoch = models.CharField(max_length=36, blank=True)
    purpose = models.CharField(_("purpose"), max_length=80)
    case = models.CharField(_("case"), max_length=80)
    reason = models.CharField(_("reason"), max_length=500)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="unmask_requests"
    )
    requested_at = models.DateTimeField(_("asked"))
    state = models.CharField(_("state"), max_length=10, choices=RequestState.choices, default="open")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="unmask_decisions"
    )
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        default_permissions = ()
        ordering = ["-requested_at"]
        verbose_name = _("request for unmasking")
        verbose_name_plural = _("requests for unmasking")
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="unmasking_forwards"),
            # The database itself refuses a decision of one's own.
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by")) | Q(state="withdrawn"),
                name="unmasking_second_person",
            ),
        ]


class UnmaskGrant(models.Model):
    """What an approval gives: to one person, once, in one session, for minutes.

    `sealed_key` seals what is shown under the grant; it is emptied when the grant locks.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.OneToOneField(UnmaskRequest, on_delete=models.CASCADE, related_name="grant")
    granted_at = models.DateTimeField()
    open_until = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    session_sha256 = models.CharField(max_length=64, blank=True)
    seen_until = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)
    sealed_key = models.BinaryField(default=b"")

    class Meta:
        default_permissions = ()
        ordering = ["-granted_at"]


class PartState(models.TextChoices):
    WAITING = "waiting", _("Being prepared")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class RevealPart(models.Model):
    """One segment of what a grant shows: watermarked, sealed with the grant's key, gone when it locks."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    grant = models.ForeignKey(UnmaskGrant, on_delete=models.CASCADE, related_name="parts")
    segment_id = models.UUIDField()
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=PartState.choices, default=PartState.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    object_key = models.CharField(max_length=300)
    frames = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["grant", "number"], name="unmasking_part_once")]
