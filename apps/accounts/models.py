"""Users with one role each, and the scope of a service account's token."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
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


class RoleUserManager(UserManager["User"]):
    """Makes users by role; Django's superuser becomes an administrator, who is not above the rules."""

    use_in_migrations = False

    def _create_user(self, username: str, email: str | None, password: str | None, **fields: Any) -> "User":
        for name in ("is_staff", "is_superuser"):
            fields.pop(name, None)
        user = self.model(
            username=self.model.normalize_username(username),
            email=self.normalize_email(email),
            **fields,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> "User":
        return self._create_user(username, email, password, **{**fields, "role": Role.ADMINISTRATOR})


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox is untyped
    """A person or a service account. What it may do follows from `role` and from object grants.

    There is no superuser: Django and guardian let one pass every check, and nobody here may watch a camera
    without a grant.
    """

    is_superuser = False
    token_scope: "ApiToken | None" = None  # set for the length of a request that came with a token

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.OPERATOR)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")

    objects: ClassVar[RoleUserManager] = RoleUserManager()

    class Meta:
        ordering = ["username"]
        verbose_name = _("user")
        verbose_name_plural = _("users")

    @property
    def is_staff(self) -> bool:  # type: ignore[override]  # a column in Django, a fact here
        """Whether the administration pages may be entered at all."""
        return self.is_active and self.role in (Role.ADMINISTRATOR, Role.COMPLIANCE)


class TokenAction(models.TextChoices):
    """What a token may do; a request for anything else is refused."""

    CAMERAS_READ = "cameras:read", _("Read sites, cameras and zones")
    CAMERAS_WRITE = "cameras:write", _("Change cameras and zones")
    EVENTS_READ = "events:read", _("Read events, readings and snapshots")
    EVENTS_WRITE = "events:write", _("Triage and flag events")
    LIVE_READ = "live:read", _("Watch live pictures")
    FRAMES_WRITE = "frames:write", _("Analyse pictures")
    REDACTIONS_WRITE = "redactions:write", _("Redact files")
    RECORDINGS_READ = "recordings:read", _("Watch recordings")
    MODELS_READ = "models:read", _("Read models")
    ROLLOUTS_READ = "rollouts:read", _("Read rollouts and what serves where")
    ROLLOUTS_WRITE = "rollouts:write", _("Prepare, start, grow and take back rollouts")
    EVALUATIONS_WRITE = "evaluations:write", _("Measure and compare models")
    MODELS_WRITE = "models:write", _("Upload and retire models")
    AUDIT_READ = "audit:read", _("Read the record")
    PURPOSES_READ = "purposes:read", _("Read purposes and consents")
    PURPOSES_WRITE = "purposes:write", _("Change purposes and consents")
    EVIDENCE_WRITE = "evidence:write", _("Make and read evidence packs")
    CASES_READ = "cases:read", _("Read requests of persons and their deadlines")


class ApiToken(AbstractAuthToken):  # type: ignore[misc]
    """A hashed token of a service account and its scope: actions × camera groups × expiry.

    `group_ids` holds the ids of camera groups; empty means every camera that the account may see.
    `tail` is what people see of it afterwards.
    """

    name = models.CharField(_("name"), max_length=80, default="")
    actions = models.JSONField(_("actions"), default=list)
    group_ids = models.JSONField(_("camera groups"), default=list, blank=True)
    tail = models.CharField(_("last characters"), max_length=4, default="", editable=False)

    class Meta:
        ordering = ["-created"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} (…{self.tail})"
