"""The last words before the table: where to open the pages, and with which account."""

import json
from pathlib import Path

from django.utils.translation import gettext as _


def greeting(*, host: str, port: int, accounts_path: Path, log_dir: Path) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - how to reach it from here
    lines = ["", _("Vidette is at http://%(address)s/") % {"address": f"{shown}:{port}"}, ""]
    accounts = demo_accounts(accounts_path)
    if accounts:
        lines.append(_("Demo accounts (kept in %(path)s):") % {"path": accounts_path})
        lines += [f"  {name:<10} {password:<24} {role}" for name, password, role in accounts]
        lines.append("")
    lines.append(_("Logs: %(folder)s   Stop: Ctrl-C") % {"folder": log_dir})
    return "\n".join(lines)


def demo_accounts(path: Path) -> list[tuple[str, str, str]]:
    """(name, password, role) of each demo account; empty where none was seeded."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text())
    return [(row["username"], row["password"], row.get("role", "")) for row in rows]
