"""The record: one row per change or access, each row's hash over its content and the row before it.

The database refuses to update or delete these rows (triggers in the migrations), because guards in Python
do not hold: `_base_manager.update()` passes them.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RecordKind(models.TextChoices):
    CHANGE = "change", _("Change")
    ACCESS = "access", _("Access")
    VIEWING = "viewing", _("Viewing time")
    REFUSAL = "refusal", _("Refused attempt")
    SIGN_IN = "sign_in", _("Sign-in")
    SYSTEM = "system", _("System")


class AuditRecord(models.Model):
    """One link of the chain. The actor is text, so that the row outlives the account."""

    seq = models.BigIntegerField(primary_key=True, verbose_name=_("number"))
    at = models.DateTimeField(_("time"), db_index=True)
    kind = models.CharField(_("kind"), max_length=16, choices=RecordKind.choices)
    action = models.CharField(_("action"), max_length=80)
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True)
    actor_name = models.CharField(_("actor"), max_length=150)
    actor_role = models.CharField(_("role"), max_length=32, blank=True)
    object_type = models.CharField(_("object type"), max_length=40, blank=True)
    object_id = models.CharField(_("object id"), max_length=64, blank=True)
    camera_id = models.UUIDField(_("camera"), null=True, blank=True)
    purpose = models.CharField(_("purpose"), max_length=80, blank=True)
    redacted = models.BooleanField(_("redacted"), null=True, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict)
    previous_hash = models.CharField(_("previous hash"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64, unique=True)

    class Meta:
        ordering = ["-seq"]
        verbose_name = _("record entry")
        verbose_name_plural = _("the record")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["camera_id", "-at"], name="audit_camera_at"),
            models.Index(fields=["actor_id", "-at"], name="audit_actor_at"),
            models.Index(fields=["action", "-at"], name="audit_action_at"),
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"#{self.seq} {self.action}"


class AuditCheckpoint(models.Model):
    """A signed statement about the records up to `last`. A copy: the one that counts lies outside."""

    number = models.BigIntegerField(primary_key=True, verbose_name=_("number"))
    first = models.BigIntegerField(_("first entry"))
    last = models.BigIntegerField(_("last entry"), unique=True)
    document = models.JSONField(_("signed statement"))

    class Meta:
        ordering = ["-number"]
        verbose_name = _("checkpoint of the record")
        verbose_name_plural = _("checkpoints of the record")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"#{self.number} ({self.first}–{self.last})"


class AuditHead(models.Model):
    """The chain's head: one row, locked by every writer."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_single_head")]
