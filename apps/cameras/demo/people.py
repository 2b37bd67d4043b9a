"""The demo accounts: one person per role, and one who may do nothing."""

import json
import os
import secrets
from pathlib import Path

from apps.accounts.models import User
from apps.accounts.services import user_create
from apps.cameras.demo.cast import cast

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def people_seed(accounts_path: Path) -> dict[str, User]:
    """Create the demo accounts that are missing; new passwords are added to `accounts_path` (mode 0600)."""
    people = cast().people
    known = {user.username: user for user in User.objects.filter(username__in=[p.username for p in people])}
    rows = _rows(accounts_path)
    for person in people:
        if person.username in known:
            continue
        password = _password()
        known[person.username] = user_create(
            acting_user=None, username=person.username, password=password, role=person.role
        )
        rows[person.username] = {"username": person.username, "password": password, "role": person.note}
    _write(accounts_path, [row for name, row in rows.items() if name in known])
    return known


def _password() -> str:
    """Six syllables and three digits: about 50 bits, and can be typed from a screen."""
    syllables = [secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(6)]
    return f"{''.join(syllables[:3])}-{''.join(syllables[3:])}-{secrets.randbelow(900) + 100}"


def _rows(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    return {row["username"]: row for row in json.loads(path.read_text())}


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    """Readable by its owner alone from the first byte on, and never half written."""
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(rows, file, ensure_ascii=False, indent=1)
    unfinished.replace(path)
