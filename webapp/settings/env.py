"""Reads the control plane's environment: typed, and refusing nonsense before anything starts."""

import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from inference_workers.contracts.environment import Environment, SettingError

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENTS = ("embedded", "production", "test")
LONGEST_SOCKET_PATH = 100


def environment() -> Environment:
    return Environment()


def read_mode(env: Environment) -> str:
    """`embedded` is `make run` on one machine; `production` has no default for any secret."""
    return env.choice("VIDETTE_ENV", ENVIRONMENTS, "embedded")


def _new_secrets() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "VIDETTE_FIELD_KEY": Fernet.generate_key().decode(),
        "VIDETTE_LEASE_KEY": Fernet.generate_key().decode(),
        "VIDETTE_RECORD_KEY": Fernet.generate_key().decode(),  # 32 random bytes: an Ed25519 seed
        "VIDETTE_MASTER_KEY": Fernet.generate_key().decode(),  # seals the keys of originals
        "VIDETTE_REDIS_PASSWORD": secrets.token_urlsafe(32),
    }


def embedded_secrets(data_dir: Path) -> dict[str, str]:
    """The secrets of this installation: generated on first start, readable by its owner alone.

    A secret that a newer version asks for is added. The lock is for processes that start together.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data_dir / "secrets.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _completed_secrets(data_dir / "secrets.json")


def _completed_secrets(path: Path) -> dict[str, str]:
    stored = dict(json.loads(path.read_text())) if path.exists() else {}
    values = _new_secrets() | stored
    if values != stored:
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(values, file, indent=1)
        fresh.replace(path)
    return values


def embedded_redis_socket(data_dir: Path) -> Path:
    """Where the embedded Redis listens.

    The kernel cuts socket paths at 108 bytes; below a deep folder the socket moves to a private folder
    of its own. The folder is made, with its rights, by the process that starts Redis.
    """
    socket = data_dir / "run" / "redis.sock"
    if len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"vidette-{os.getuid()}-{name}" / "redis.sock"


def embedded_redis_url(data_dir: Path, generated: dict[str, str]) -> str:
    """The address of the embedded Redis, with its password."""
    password = quote(generated["VIDETTE_REDIS_PASSWORD"], safe="")
    return f"unix://:{password}@{embedded_redis_socket(data_dir)}"


def broker_url(redis_url: str) -> str:
    """The same Redis in the spelling that Celery's transport reads."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def read_secret(env: Environment, name: str, generated: dict[str, str]) -> str:
    """A secret from the environment, or the generated one of an embedded installation."""
    try:
        return env.text(name, generated.get(name))
    except SettingError as error:
        raise ImproperlyConfigured(
            f"{name} is not set. In production every secret comes from the environment; "
            "docs/operations.md says how to make one."
        ) from error


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """`sqlite:///absolute/path` or `postgresql://user:password@host:port/name`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path) if parts.path.strip("/") else data_dir / "vidette.sqlite3")
    if parts.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured(f"DATABASE_URL: expected sqlite: or postgresql:, got scheme {parts.scheme!r}")


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # One writer at a time: take the lock at the start and wait for it, instead of failing
            # with "database is locked" when a read turns into a write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        },
    }
