"""The first page of compliance: what has to be done today, and by when."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import Capability
from apps.audit.keys import public_keys
from apps.audit.locking import storage_state
from apps.audit.selectors import chain_state, checkpoint_state, last_verification
from apps.compliance.duties import Duties, Duty, DutyKind
from apps.compliance.selectors import duties_of
from apps.console.access import page, viewer
from apps.console.words import CODES, DUTIES

SHOWN = 100  # rows per part; a page of thousands helps nobody, and the numbers above it count all

# Where a duty is done: the page, and whether it takes the object's key.
_ADDRESSES: dict[DutyKind, tuple[str, bool]] = {
    DutyKind.RECORD_BROKEN: ("console:record", False),
    DutyKind.RECORD_UNCHECKED: ("console:record", False),
    DutyKind.CHECKPOINT_LATE: ("console:record", False),
    DutyKind.NOT_DELETED: ("console:retention", False),
    DutyKind.UNMASKING: ("console:unmask", True),
    DutyKind.CASE: ("console:case", True),
    DutyKind.LEAKS: ("console:alert", True),
    DutyKind.QUARANTINE: ("console:camera", True),
    DutyKind.NO_BASIS: ("console:purpose_add", False),
    DutyKind.PURPOSE_ENDS: ("console:purpose", True),
    DutyKind.CONSENT_ENDS: ("console:consent", True),
    DutyKind.NO_SIGN: ("console:camera_sign", True),
    DutyKind.HOLD_ENDS: ("console:retention", False),
}
_QUERIES = {DutyKind.NO_BASIS: "?camera=", DutyKind.HOLD_ENDS: "#r"}
_TONES = {
    DutyKind.RECORD_BROKEN: "bad",
    DutyKind.NOT_DELETED: "bad",
    DutyKind.LEAKS: "bad",
    DutyKind.NO_BASIS: "bad",
    DutyKind.UNMASKING: "accent",
}
# The numbers on top: what they count, and the page that lists it.
_COUNTED: tuple[tuple[str | Promise, str, tuple[DutyKind, ...]], ...] = (
    (_("Requests of persons"), "console:cases", (DutyKind.CASE,)),
    (_("Unmaskings to decide"), "console:unmasking", (DutyKind.UNMASKING,)),
    (_("Alerts, quarantine"), "console:alerts", (DutyKind.LEAKS, DutyKind.QUARANTINE)),
    (_("Cameras without basis"), "console:purposes", (DutyKind.NO_BASIS,)),
    (_("Cameras without sign"), "console:purposes", (DutyKind.NO_SIGN,)),
    (_("Purposes, consents ending"), "console:purposes", (DutyKind.PURPOSE_ENDS, DutyKind.CONSENT_ENDS)),
    (_("Holds ending"), "console:retention", (DutyKind.HOLD_ENDS,)),
)


@page(Capability.SEE_RECORD)
def duties(request: HttpRequest) -> HttpResponse:
    found = duties_of(viewer(request))
    context = {
        "duties": found,
        "parts": _parts(found),
        "numbers": [
            {"words": words, "count": found.count(*kinds), "url": reverse(name)}
            for words, name, kinds in _COUNTED
        ],
        "chain": chain_state(),
        "last_check": last_verification(),
        "checkpoint": checkpoint_state(),
        "storage": storage_state(),
        "public_keys": public_keys(),
        "zone_name": "UTC",
    }
    return render(request, "console/duties.html", context)


def _parts(found: Duties) -> list[dict[str, Any]]:
    parts = {"now": found.now, "soon": found.soon, "later": found.later}
    return [
        {"name": name, "rows": [_row(duty) for duty in rows[:SHOWN]], "more": max(0, len(rows) - SHOWN)}
        for name, rows in parts.items()
        if rows
    ]


def _row(duty: Duty) -> dict[str, Any]:
    return {
        "duty": duty,
        "words": DUTIES[duty.kind],
        "url": address_of(duty),
        "tone": _TONES.get(duty.kind, "warn"),
        "reason": CODES.get(duty.code, "") if duty.kind is DutyKind.NO_BASIS else "",
    }


def address_of(duty: Duty) -> str:
    """Where the duty is done."""
    name, takes_key = _ADDRESSES[duty.kind]
    if takes_key:
        return reverse(name, args=[duty.object_id])
    query = _QUERIES.get(duty.kind)
    return reverse(name) + (f"{query}{duty.object_id}" if query else "")
