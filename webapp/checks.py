"""System checks of the settings as a whole, each with a stable id.

An error (`vidette.E…`) keeps every process from starting: management commands and Celery run the checks
by themselves, the web process through `refuse_unsafe_settings`.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from apps.audit.locking import Lock, storage_ask

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
LEAST_SECRET_CHARACTERS = 50
LEAST_SHM_MB = 64
_MB = 1024 * 1024


def _production() -> bool:
    return str(settings.MODE) == "production"


def secret_key_is_strong() -> list[CheckMessage]:
    if len(settings.SECRET_KEY) >= LEAST_SECRET_CHARACTERS and len(set(settings.SECRET_KEY)) > 5:
        return []
    hint = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(64))"'
    return [Error("SECRET_KEY is too short or too regular to sign sessions.", hint=hint, id="vidette.E001")]


def fernet_keys_are_valid() -> list[CheckMessage]:
    hint = "openssl rand -base64 32 | tr '+/' '-_'"
    return [
        Error(f"{name} holds no valid key of 32 bytes.", hint=f"Make one: {hint}", id="vidette.E002")
        for name, value in (
            ("VIDETTE_FIELD_KEY", settings.FIELD_KEY),
            ("VIDETTE_LEASE_KEY", settings.LEASE_KEY),
            ("VIDETTE_RECORD_KEY", settings.RECORD_KEY),  # 32 bytes in the same spelling
            ("VIDETTE_MASTER_KEY", settings.MASTER_KEY),
        )
        if not all(_is_fernet_key(key.strip()) for key in value.split(","))
    ]


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def keys_differ() -> list[CheckMessage]:
    fields = {key.strip() for key in settings.FIELD_KEY.split(",")}
    if fields.isdisjoint(key.strip() for key in settings.LEASE_KEY.split(",")):
        return []
    message = "VIDETTE_FIELD_KEY and VIDETTE_LEASE_KEY share a key: the data plane could open stored secrets."
    return [Error(message, hint="Give each a key of its own.", id="vidette.E003")]


def hosts_are_listed() -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    if not _production() and settings.BIND in LOOPBACK:
        return [Warning("ALLOWED_HOSTS holds '*'; tolerated on loopback alone.", id="vidette.W001")]
    message = "ALLOWED_HOSTS holds '*': requests for any host name would be believed."
    return [Error(message, hint="List the names under which people reach the pages.", id="vidette.E004")]


def origins_are_listed() -> list[CheckMessage]:
    origins = settings.TRUSTED_ORIGINS
    if not origins:
        hint = "TRUSTED_ORIGINS=https://vidette.example.org"
        return [Error("TRUSTED_ORIGINS is empty: no browser could connect.", hint=hint, id="vidette.E005")]
    wrong = [origin for origin in origins if "*" in origin or not origin.startswith(("http://", "https://"))]
    if not wrong:
        return []
    message = f"TRUSTED_ORIGINS: expected scheme://host without wildcards, got {', '.join(wrong)}."
    return [Error(message, hint="The websockets' protection is this list.", id="vidette.E006")]


def production_is_strict() -> list[CheckMessage]:
    if not _production():
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(Error("DEBUG is on in production: error pages would show the code.", id="vidette.E007"))
    if not settings.ALLOWED_HOSTS:
        found.append(Error("ALLOWED_HOSTS is empty in production.", id="vidette.E008"))
    if not settings.HTTPS_ONLY:
        found.append(Warning("HTTPS_ONLY is off: sessions travel in clear.", id="vidette.W002"))
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        message = "SQLite in production: one machine, one writer; the record is tamper-evident only."
        found.append(Warning(message, hint="Set DATABASE_URL to PostgreSQL.", id="vidette.W003"))
    return found


def outside_needs_names() -> list[CheckMessage]:
    """Listening beyond loopback with loopback's names alone answers 400 to everybody."""
    if settings.BIND in LOOPBACK or set(settings.ALLOWED_HOSTS) - set(LOOPBACK):
        return []
    message = f"VIDETTE_BIND is {settings.BIND}, but ALLOWED_HOSTS names loopback alone."
    hint = "ALLOWED_HOSTS=name TRUSTED_ORIGINS=http://name:port"
    return [Warning(message, hint=hint, id="vidette.W004")]


def shared_memory_is_usable() -> list[CheckMessage]:
    """Pages and decoders usually share a machine; where they do not, the data plane checks its own."""
    folder: Path = settings.SHM_DIR
    if _production():
        return []
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        message = f"VIDETTE_SHM_DIR: {folder} cannot be written, so no camera can be decoded."
        return [Error(message, hint="Mount a tmpfs there, or name another folder.", id="vidette.E009")]
    free_mb = shutil.disk_usage(folder).free // _MB
    if free_mb >= LEAST_SHM_MB:
        return []
    message = f"{folder} has {free_mb} MB left; a camera needs about 20 MB and the start {LEAST_SHM_MB} MB."
    return [Warning(message, hint="In a container: --shm-size=1g.", id="vidette.W005")]


CHECKS: tuple[Callable[[], list[CheckMessage]], ...] = (
    secret_key_is_strong,
    fernet_keys_are_valid,
    keys_differ,
    hosts_are_listed,
    origins_are_listed,
    production_is_strict,
    outside_needs_names,
    shared_memory_is_usable,
)


@register(Tags.security, deploy=True)
def checkpoints_are_locked(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Asks the storage itself, so only on `check --deploy`: nothing waits for a network at a start."""
    found = storage_ask()
    words = {
        Lock.FOLDER: "lie in a folder, and whoever owns it can delete them",
        Lock.GOVERNED: "are in governance mode, so whoever has a certain right can delete them",
        Lock.OPEN: "can be deleted: the newest one has no retention",
        Lock.AWAY: f"cannot be asked for: {found.why}",
    }
    if found.lock not in words or (found.lock is Lock.FOLDER and not _production()):
        return []
    hint = "VIDETTE_CHECKPOINT_URL=s3://bucket with Object Lock and a default retention in compliance mode."
    return [Warning(f"The record's checkpoints {words[found.lock]}.", hint=hint, id="vidette.W006")]


@register(Tags.security)
def vidette_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [message for check in CHECKS for message in check()]


def refuse_unsafe_settings() -> None:
    """Raises ImproperlyConfigured with every error's id and words."""
    found = [message for message in run_checks(tags=[Tags.security]) if message.is_serious()]
    if found:
        raise ImproperlyConfigured("; ".join(f"{message.id}: {message.msg}" for message in found))
