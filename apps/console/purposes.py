"""Why somebody looks: chosen in the header of every page, kept in the session, written into the record."""

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SESSION_KEY = "purpose"

PURPOSES: dict[str, str | Promise] = {
    "live monitoring": _("Live monitoring"),
    "event triage": _("Event triage"),
    "incident investigation": _("Incident investigation"),
    "maintenance": _("Maintenance and set-up"),
    "model quality": _("Model quality"),
    "compliance review": _("Compliance review"),
    "data subject request": _("Request of a person"),
}


def purpose_of(request: HttpRequest, default: str) -> str:
    """The purpose that was chosen, or that of the page."""
    chosen = request.session.get(SESSION_KEY, "")
    return chosen if chosen in PURPOSES else default
