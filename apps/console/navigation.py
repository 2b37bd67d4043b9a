"""Which pages exist and which of them a user is offered."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.accounts.roles import Capability, user_can


@dataclass(frozen=True, slots=True)
class Entry:
    """`capability` None: every signed-in person; `group` is the heading under which it stands."""

    name: str
    icon: str
    label: str | Promise
    capability: Capability | None
    group: str | Promise


_WATCH = _("Watching")
_COMPLIANCE = _("Compliance")
_SYSTEM = _("System")
ENTRIES = (
    Entry("console:live", "live", _("Live"), Capability.WATCH_LIVE, _WATCH),
    Entry("console:events", "events", _("Events"), Capability.SEE_EVENTS, _WATCH),
    Entry("console:readings", "readings", _("Readings"), Capability.SEE_EVENTS, _WATCH),
    Entry("console:cameras", "cameras", _("Cameras"), Capability.SEE_CAMERAS, _WATCH),
    Entry("console:unmasking", "key", _("Unmasking"), Capability.REQUEST_UNMASKING, _WATCH),
    Entry("console:duties", "duties", _("Duties"), Capability.SEE_RECORD, _COMPLIANCE),
    Entry("console:purposes", "purpose", _("Purposes"), Capability.SEE_PURPOSES, _COMPLIANCE),
    Entry("console:consents", "consents", _("Consents"), Capability.SEE_PURPOSES, _COMPLIANCE),
    Entry("console:cases", "cases", _("Requests of persons"), Capability.RUN_CASES, _COMPLIANCE),
    Entry("console:retention", "retention", _("Retention"), Capability.MANAGE_RETENTION, _COMPLIANCE),
    Entry("console:record", "record", _("Record"), Capability.SEE_RECORD, _COMPLIANCE),
    Entry("console:redactions", "redact", _("Redact files"), Capability.REDACT_FILES, _SYSTEM),
    Entry("console:evidence", "evidence", _("Evidence"), Capability.EXPORT_EVIDENCE, _SYSTEM),
    Entry("console:models", "models", _("Models"), Capability.SEE_MODELS, _SYSTEM),
    Entry("console:alerts", "warning", _("Alerts"), Capability.SEE_CAMERAS, _SYSTEM),
    Entry("console:people", "people", _("People and tokens"), Capability.MANAGE_USERS, _SYSTEM),
    Entry("console:health", "health", _("Health"), Capability.SEE_HEALTH, _SYSTEM),
    Entry("console:integrate", "integrate", _("API"), None, _SYSTEM),
)


@dataclass(frozen=True, slots=True)
class Link:
    url: str
    icon: str
    label: str | Promise
    group: str | Promise
    current: bool


def links_for(user: Any, path: str) -> list[Link]:
    """The pages of `user`; the current one is the longest address that `path` begins with.

    Who keeps the duties of compliance begins with them.
    """
    entries: tuple[Entry, ...] = ENTRIES
    if user_can(user, Capability.SEE_RECORD):
        entries = tuple(sorted(ENTRIES, key=lambda entry: entry.group != _COMPLIANCE))
    offered = [(entry, reverse(entry.name)) for entry in entries if _offers(user, entry)]
    here = max((url for _entry, url in offered if path.startswith(url)), key=len, default="")
    links = [Link(url, entry.icon, entry.label, entry.group, url == here) for entry, url in offered]
    if user.is_staff and user.role in (Role.ADMINISTRATOR, Role.COMPLIANCE):
        links.append(Link(reverse("admin:index"), "admin", _("Administration"), _SYSTEM, False))
    return links


def _offers(user: Any, entry: Entry) -> bool:
    return entry.capability is None or user_can(user, entry.capability)
