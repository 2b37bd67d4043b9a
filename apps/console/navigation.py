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
    Entry("console:evaluations", "compare", _("Comparisons"), Capability.SEE_MODELS, _SYSTEM),
    Entry("console:rollouts", "rollouts", _("Rollouts"), Capability.SEE_ROLLOUTS, _SYSTEM),
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


@dataclass(frozen=True, slots=True)
class Page:
    """A page of compliance as the administration panel offers it, with what it is for."""

    url: str
    label: str | Promise
    hint: str | Promise


_COMPLIANCE_PAGES: tuple[tuple[str, Capability, str | Promise, str | Promise], ...] = (
    ("console:duties", Capability.SEE_RECORD, _("Duties"), _("What is due today, this week and later")),
    (
        "console:purposes",
        Capability.SEE_PURPOSES,
        _("Purposes"),
        _("Why each camera may look; signs to print"),
    ),
    ("console:consents", Capability.SEE_PURPOSES, _("Consents"), _("Who agreed to what; withdrawals")),
    (
        "console:cases",
        Capability.RUN_CASES,
        _("Requests of persons"),
        _("Access and erasure, with their clock"),
    ),
    (
        "console:retention",
        Capability.MANAGE_RETENTION,
        _("Retention and holds"),
        _("Dry run, classes, holds"),
    ),
    ("console:unmasking", Capability.APPROVE_UNMASKING, _("Unmasking"), _("Requests for a second person")),
    ("console:alerts", Capability.REVIEW_LEAKS, _("Alerts"), _("Uncovered faces, exports in quarantine")),
    (
        "console:record",
        Capability.SEE_RECORD,
        _("Record"),
        _("Filters, who saw a camera, signed export as CSV, JSON or PDF"),
    ),
    ("console:audit_pack", Capability.SEE_RECORD, _("Audit-day pack"), _("One PDF and its data, signed")),
)
# Where the rows of a list of the panel are worked with.
_PAGES_OF_MODELS = {
    "audit.auditrecord": "console:record",
    "consent.purpose": "console:purposes",
    "consent.consent": "console:consents",
    "retention.legalhold": "console:retention",
    "retention.retentionclass": "console:retention",
    "unmasking.unmaskrequest": "console:unmasking",
}


def compliance_pages(user: Any) -> list[Page]:
    """The pages of compliance that `user` may open."""
    return [
        Page(reverse(name), label, hint)
        for name, capability, label, hint in _COMPLIANCE_PAGES
        if user_can(user, capability)
    ]


def page_of_model(user: Any, label: str) -> Page | None:
    """The page on which the rows of a model are worked with, if `user` may open it."""
    name = _PAGES_OF_MODELS.get(label)
    url = reverse(name) if name else ""
    return next((page for page in compliance_pages(user) if page.url == url), None)
