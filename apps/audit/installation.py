"""The settings of the installation are on record: a row when they differ from those of the last row."""

from typing import Any

from django.conf import settings
from django.db import transaction

from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.services import record_system

ACTION = "settings.changed"
# What decides who may reach and see what. No secret is among them; of the key that signs, the public name is.
NAMES = (
    "MODE", "DEBUG", "BIND", "PORT", "ALLOWED_HOSTS", "TRUSTED_ORIGINS", "TRUSTED_PROXIES", "HTTPS_ONLY",
    "LEASE_TTL_S", "OBJECT_STORE_URL", "CHECKPOINT_URL", "CHECKPOINT_RECORDS", "CHECKPOINT_MINUTES",
    "TSA_URL",
)  # fmt: skip


def settings_record() -> bool:
    """Writes the row; False when nothing changed since the last one."""
    now = {name: _plain(getattr(settings, name)) for name in NAMES} | {"record_keys": list(public_keys())}
    last = AuditRecord.objects.filter(action=ACTION).order_by("-seq").first()
    before: dict[str, Any] = last.details["settings"] if last is not None else {}
    changed = {name: [before.get(name), value] for name, value in now.items() if before.get(name) != value}
    if not changed:
        return False
    with transaction.atomic():
        record_system(action=ACTION, object_type="settings", details={"changed": changed, "settings": now})
    return True


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | list) else str(value)
