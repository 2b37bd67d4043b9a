"""System checks: each unsafe setting has an id, and the web process does not start with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from webapp import checks

ROOT = Path(__file__).resolve().parents[2]
KEY = Fernet.generate_key().decode()
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
SAFE: dict[str, Any] = {
    "MODE": "production",
    "DEBUG": False,
    "BIND": "0.0.0.0",
    "ALLOWED_HOSTS": ["vidette.example.org"],
    "TRUSTED_ORIGINS": ["https://vidette.example.org"],
    "HTTPS_ONLY": True,
    "DATABASES": POSTGRES,
    "FIELD_KEY": KEY,
    "LEASE_KEY": Fernet.generate_key().decode(),
    "RECORD_KEY": Fernet.generate_key().decode(),
    "MASTER_KEY": Fernet.generate_key().decode(),
    "SECRET_KEY": "x1y2z3" * 12,
    "SHM_DIR": Path("/dev/shm"),
}

CASES = [
    ("vidette.E001", {"SECRET_KEY": "short"}),
    ("vidette.E001", {"SECRET_KEY": "a" * 80}),
    ("vidette.E002", {"FIELD_KEY": "no-key"}),
    ("vidette.E002", {"LEASE_KEY": f"{KEY},no-key"}),
    ("vidette.E002", {"RECORD_KEY": "short"}),
    ("vidette.E002", {"MASTER_KEY": "short"}),
    ("vidette.E003", {"LEASE_KEY": KEY}),
    ("vidette.E003", {"LEASE_KEY": f"{Fernet.generate_key().decode()}, {KEY}"}),
    ("vidette.E004", {"ALLOWED_HOSTS": ["*"]}),
    ("vidette.E004", {"ALLOWED_HOSTS": ["*"], "MODE": "embedded"}),
    ("vidette.E005", {"TRUSTED_ORIGINS": []}),
    ("vidette.E006", {"TRUSTED_ORIGINS": ["*"]}),
    ("vidette.E006", {"TRUSTED_ORIGINS": ["https://*.example.org"]}),
    ("vidette.E006", {"TRUSTED_ORIGINS": ["vidette.example.org"]}),
    ("vidette.E007", {"DEBUG": True}),
    ("vidette.E008", {"ALLOWED_HOSTS": []}),
    ("vidette.E009", {"SHM_DIR": Path("/nowhere"), "MODE": "embedded"}),
    ("vidette.W001", {"ALLOWED_HOSTS": ["*"], "MODE": "embedded", "BIND": "127.0.0.1"}),
    ("vidette.W002", {"HTTPS_ONLY": False}),
    ("vidette.W003", {"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}),
    ("vidette.W004", {"ALLOWED_HOSTS": ["localhost"], "MODE": "embedded"}),
]


def found_with(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> list[str]:
    monkeypatch.setattr(checks, "settings", SimpleNamespace(**(SAFE | changes)))
    return [str(message.id) for check in checks.CHECKS for message in check()]


def test_a_careful_installation_has_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_with(monkeypatch, {}) == []


@pytest.mark.parametrize(("expected", "changes"), CASES)
def test_an_unsafe_setting_is_named_by_its_id(
    monkeypatch: pytest.MonkeyPatch, expected: str, changes: dict[str, Any]
) -> None:
    assert expected in found_with(monkeypatch, changes)


def test_a_full_shared_memory_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_SHM_MB", 10**9)
    assert "vidette.W005" in found_with(monkeypatch, {"MODE": "embedded"})


def test_the_web_process_refuses_and_says_why(settings: Any) -> None:
    settings.TRUSTED_ORIGINS = ["*"]
    with pytest.raises(ImproperlyConfigured, match=r"vidette\.E006: TRUSTED_ORIGINS"):
        checks.refuse_unsafe_settings()


def start(tmp_path: Path, program: tuple[str, ...] = ("-c", "import webapp.asgi"), **variables: str) -> str:
    """Output of a process that should refuse to start."""
    clean = {"PATH": os.environ["PATH"], "VIDETTE_DATA_DIR": str(tmp_path), **variables}
    command = [sys.executable, "-W", "ignore", *program]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


@pytest.mark.parametrize(
    "missing",
    [
        "SECRET_KEY",
        "VIDETTE_FIELD_KEY",
        "VIDETTE_LEASE_KEY",
        "VIDETTE_RECORD_KEY",
        "VIDETTE_MASTER_KEY",
        "REDIS_URL",
        "DATABASE_URL",
    ],
)
def test_production_has_no_default_for(tmp_path: Path, missing: str) -> None:
    given = {
        "VIDETTE_ENV": "production",
        "SECRET_KEY": "x1y2z3" * 12,
        "VIDETTE_FIELD_KEY": SAFE["FIELD_KEY"],
        "VIDETTE_LEASE_KEY": SAFE["LEASE_KEY"],
        "VIDETTE_RECORD_KEY": SAFE["RECORD_KEY"],
        "VIDETTE_MASTER_KEY": SAFE["MASTER_KEY"],
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x",
        "ALLOWED_HOSTS": "vidette.example.org",
        "TRUSTED_ORIGINS": "https://vidette.example.org",
    }
    del given[missing]
    said = start(tmp_path, **given)
    assert missing in said
    assert "ImproperlyConfigured" in said
    assert not (tmp_path / "secrets.json").exists()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "eighty", "expected a whole number"),
        ("PORT", "70000", "expected 1 to 65535"),
        ("DEBUG", "perhaps", "expected yes or no"),
        ("LOG_LEVEL", "LOUD", "expected one of DEBUG"),
        ("REDIS_URL", "http://canary-value", "expected a URL with scheme redis"),
        ("DATABASE_URL", "mysql://canary-value", "expected sqlite: or postgresql:"),
        ("VIDETTE_DATA_DIR", "relative/path", "expected an absolute path"),
        ("VIDETTE_ENV", "prod", "expected one of embedded"),
    ],
)
def test_nonsense_is_refused_in_words(tmp_path: Path, name: str, value: str, expected: str) -> None:
    said = start(tmp_path, **{name: value})
    assert f"{name}: {expected}" in said
    assert "canary-value" not in said


def test_hosts_with_a_wildcard_keep_the_web_from_starting(tmp_path: Path) -> None:
    assert "vidette.E004" in start(tmp_path, ALLOWED_HOSTS="*", VIDETTE_BIND="0.0.0.0")


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    from webapp.settings.env import embedded_secrets

    first = embedded_secrets(tmp_path)
    assert embedded_secrets(tmp_path) == first
    assert len(set(first.values())) == len(first)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_secret_that_a_newer_version_asks_for_is_added(tmp_path: Path) -> None:
    from webapp.settings.env import embedded_secrets

    first = embedded_secrets(tmp_path)
    older = {name: value for name, value in first.items() if name != "VIDETTE_RECORD_KEY"}
    (tmp_path / "secrets.json").write_text(json.dumps(older))
    later = embedded_secrets(tmp_path)
    assert later.keys() == first.keys()
    assert later.items() >= older.items()
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
