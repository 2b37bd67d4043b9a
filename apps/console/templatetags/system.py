"""Filters of the account and system pages."""

import re
from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role, TokenAction
from apps.audit.models import AuditRecord, RecordKind
from apps.console.purposes import PURPOSES
from apps.console.words import ACTIONS, action_words

register = template.Library()

_CHECKS: dict[str, str | Promise] = {
    "database": _("Database"),
    "migrations": _("Database structure"),
    "redis": _("Redis"),
    "objects": _("Picture store"),
    "leases": _("Permissions to look"),
}
_PROCESSES: dict[str, str | Promise] = {
    "recorder": _("writes results into the database"),
    "streams": _("reads the cameras"),
    "inference": _("analyses pictures"),
    "gpu": _("analyses pictures"),
    "worker": _("analyses pictures"),
}
_QUEUES: dict[str, str | Promise] = {
    "gpu": _("Pictures to analyse"),
    "control": _("Tasks of the control plane"),
}

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_words(agent: str) -> str:
    """“Firefox 140, Linux” from what a browser says about itself; that text itself when it is unknown."""
    browser = next((f"{name} {major}" for key, name in _BROWSERS if (major := _major(agent, key))), "")
    system = next((name for key, name in _SYSTEMS if key in agent), "")
    return ", ".join(part for part in (browser, system) if part) or agent or gettext("unknown")


def _major(agent: str, key: str) -> str:
    found = re.search(rf"{key}[A-Za-z]*/(\d{{1,4}})", agent)
    return found[1] if found else ""


@register.filter
def role_words(role: str) -> str:
    """A role of the record, also one that is not a person's: “system”."""
    return str(dict(Role.choices).get(role, role))


@register.filter
def purpose_words(purpose: str) -> str:
    """A purpose that was chosen on a page in words; one that a program gave as it came."""
    return str(PURPOSES.get(purpose, purpose))


@register.filter
def token_action_words(action: str) -> str:
    return str(dict(TokenAction.choices).get(action, action))


@register.filter
def check_words(name: str) -> str:
    return str(_CHECKS.get(name, name))


@register.filter
def queue_words(name: str) -> str:
    return str(_QUEUES.get(name, name))


@register.filter
def process_words(name: str) -> str:
    """What a process does, by the first part of its name (“streams-0@host”); empty when it is not known."""
    return str(_PROCESSES.get(re.split(r"[^a-z]", name.lower(), maxsplit=1)[0], ""))


@register.filter
def grouped(number: int) -> str:
    """1234567 as “1 234 567”, with spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")


@register.filter
def shares(account: Any) -> list[dict[str, Any]]:
    """The parts of a bar from 0 to 100."""
    counts = {
        "analysed": account.analysed,
        "skipped": account.skipped_total,
        "lost": account.lost_total,
        "flight": account.in_flight,
    }
    whole = sum(counts.values()) or 1
    parts, start = [], 0.0
    for name, count in counts.items():
        width = 100 * count / whole
        parts.append({"name": name, "x": f"{start:.3f}", "width": f"{width:.3f}"})
        start += width
    return parts


@register.filter
def entry_words(entry: AuditRecord) -> str:
    """What happened. A refused attempt names the right that was missing."""
    if entry.kind == RecordKind.VIEWING:
        return gettext("Watched live")
    if entry.kind == RecordKind.REFUSAL and entry.action not in ACTIONS:
        return gettext("Was refused: %s") % entry.action
    return action_words(entry.action)
