"""The history of leases, and the ledger of durable work."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.core.ids import new_id


class LeaseChange(models.Model):
    """One change of what a camera's lease allows. Renewals without a change leave no row.

    `withheld` says why there is no lease from then on, as a code of `apps.consent.basis`. `confirmed_at` is
    when the data plane reported that it obeys, by the data plane's clock. The database refuses to change or
    delete a row (`apps.dispatch.history`), so it stays when its camera is removed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    camera = models.ForeignKey(
        Camera, on_delete=models.DO_NOTHING, db_constraint=False, related_name="lease_changes"
    )
    revision = models.PositiveIntegerField()
    issued_at = models.DateTimeField()
    reason = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=64)
    contents = models.JSONField()
    withheld = models.CharField(max_length=40, blank=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["-issued_at"]
        verbose_name = _("change of a lease")
        verbose_name_plural = _("changes of leases")
        constraints = [models.UniqueConstraint(fields=["camera", "revision"], name="dispatch_lease_revision")]

    @property
    def obeyed_after_s(self) -> float | None:
        """From the change to the data plane's report that it is in force; clocks differ by a little."""
        if self.confirmed_at is None:
            return None
        return max(0.0, (self.confirmed_at - self.issued_at).total_seconds())


class WorkState(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class WorkItem(models.Model):
    """Uploaded work. This row is the truth; the queue only wakes a worker up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    request_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=WorkState.choices, default=WorkState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    script = models.CharField(max_length=16, default="latin")
    input_key = models.CharField(max_length=300)
    output_key = models.CharField(max_length=300, blank=True)
    result = models.JSONField(default=dict)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "idempotency_key"],
                condition=models.Q(idempotency_key__isnull=False),
                name="dispatch_idempotency_per_owner",
            )
        ]
        indexes = [models.Index(fields=["state", "leased_until"], name="dispatch_work_due")]
