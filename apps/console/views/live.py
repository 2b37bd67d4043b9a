"""The live wall."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.selectors import cameras_watchable_by
from apps.console.access import page, viewer
from apps.console.words import words_for_scripts
from apps.detections.selectors import camera_states
from apps.live.feed import state_summary
from apps.registry.selectors import versions_all

LAYOUTS = (1, 4, 9, 16)


@page(Capability.WATCH_LIVE)
def wall(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    context = {
        "cameras": list(cameras_watchable_by(user)),
        "layouts": LAYOUTS,
        "can_manage": user_can(user, Capability.MANAGE_CAMERAS),
        "words": live_words(),
        "states": live_states(user),
    }
    return render(request, "console/live.html", context)


def live_states(user: User) -> dict[str, object]:
    return {str(key): state_summary(row) for key, row in camera_states(user).items()}


def live_words() -> dict[str, object]:
    return {
        **words_for_scripts(),
        "models": {str(version.pk): version.name for version in versions_all()},
        "text": {
            "connecting": _("Connecting"),
            "connected": _("Connected"),
            "reconnecting": _("Connection lost, trying again"),
            "signed_out": _("You are signed out. Sign in again to go on."),
            "no_record": _(
                "Watching has stopped, because the record cannot be written. An administrator can help."
            ),
            "waiting": _("Waiting for the first picture"),
            "not_open": _("This camera is not open to you any more"),
            "stale": _("stale · {s} s"),
            "age": _("{s} s"),
            "fps": _("{n} fps"),
            "no_picture_since": _("No picture for {s} s"),
            "covered": _("Covered as a whole, to be safe"),
            "covered_why": _(
                "Faces were not looked for in time, or may not be here. "
                "Health says how many pictures were lost, and why; an administrator can help."
            ),
            "retry_in": _("Next try in {s} s"),
            "retrying": _("Trying again now"),
            "new_event": _("New: {what}"),
            "new_alert": _("Alert: uncovered faces"),
            "range": _("{from}–{to} of {all}"),
            "redaction_unknown": _("Cover unknown"),
        },
    }
