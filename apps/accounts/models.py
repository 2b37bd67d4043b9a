"""Users with one role each, and the scope of a service account's token."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from apps.core.ids import new_id


class Role(models.TextChoices):
    OPERATOR = "operator", _("Operator")
    COMPLIANCE = "compliance", _("Compliance officer")
    MODEL_OWNER = "model_owner", _("Model owner")
    INTEGRATOR = "integrator", _("Integrator")
    ADMINISTRATOR = "administrator", _("Administrator")


class User(AbstractUser):
    """A person or a service account. What it may do follows from `role` and from object grants."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.OPERATOR)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")

    class Meta:
        ordering = ["username"]
        verbose_name = _("user")
        verbose_name_plural = _("users")


class TokenAction(models.TextChoices):
    """What a token may do; a request for anything else is refused."""

    CAMERAS_READ = "cameras:read", _("Read sites, cameras and zones")
    CAMERAS_WRITE = "cameras:write", _("Change cameras and zones")
    EVENTS_READ = "events:read", _("Read events, readings and snapshots")
    EVENTS_WRITE = "events:write", _("Triage and flag events")
    LIVE_READ = "live:read", _("Watch live pictures")
    FRAMES_WRITE = "frames:write", _("Analyse pictures")
    MODELS_READ = "models:read", _("Read models")
    AUDIT_READ = "audit:read", _("Read the record")


class ApiToken(AbstractAuthToken):  # type: ignore[misc]
    """A hashed token of a service account and its scope: actions × camera groups × expiry.

    `group_ids` holds the ids of camera groups; empty means every camera that the account may see.
    """

    name = models.CharField(_("name"), max_length=80, default="")
    actions = models.JSONField(_("actions"), default=list)
    group_ids = models.JSONField(_("camera groups"), default=list, blank=True)

    class Meta:
        ordering = ["-created"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
