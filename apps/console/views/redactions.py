"""Files to redact: the page to upload them, the queue, the result with its editor."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability
from apps.console.access import page, told, viewer
from apps.console.purposes import purpose_of
from apps.console.redaction_words import (
    PHASES,
    TONES,
    coverage_words,
    error_words,
    gaps_words,
    leaks_words,
    phase_words,
)
from apps.console.templatetags.console import at_camera
from apps.core.errors import DomainError
from apps.core.pagination import keyset_page
from apps.redactions import editing, services
from apps.redactions.media import Wish, report_open, result_open, tracks_open
from apps.redactions.models import ACTIVE_STATES, Redaction
from apps.redactions.options import TARGETS
from apps.redactions.progress import Progress, progress_of
from apps.redactions.selectors import redaction_get, redactions_of
from apps.redactions.uploads import max_bytes
from inference_workers.contracts.lease import RedactionStyle

MAY = Capability.REDACT_FILES
PAGE_ROWS = 20
PURPOSE = "compliance review"
Change = Callable[..., object]


def _target_words() -> dict[str, str]:
    words = {"face": _("Faces"), "head": _("Heads"), "person": _("Whole persons"), "text": _("Text")}
    return {name: words[name] for name in TARGETS}


def _style_words() -> dict[str, str]:
    words = {"mosaic": _("Mosaic"), "blur": _("Strong blur"), "solid": _("Solid")}
    return {style.value: words[style.value] for style in RedactionStyle}


def _listed(redaction: Redaction, progress: Progress) -> dict[str, Any]:
    return {
        "row": redaction,
        "progress": progress,
        "percent": round(progress.share * 100),
        "phase": phase_words(redaction, progress.phase, waiting=progress.waiting),
        "tone": TONES[redaction.state],
        "error": error_words(redaction),
        "active": redaction.state in ACTIVE_STATES,
        "partial": bool(redaction.result.get("summary", {}).get("partial")),
        "leaky": bool(redaction.result.get("summary", {}).get("leaky")),
        "edits_wait": redaction.rendered_revision != redaction.revision,
        # As the script of the page writes it: another key means that the page has something new to show.
        "key": " ".join(
            "null" if part is None else str(part)
            for part in (redaction.state, redaction.tracks_revision, redaction.ready_revision)
        ),
    }


def _progress_words() -> dict[str, Any]:
    return {
        "phases": {name: str(words) for name, words in PHASES.items()},
        "waiting": _("Waiting for a worker"),
        "paused": _("Paused"),
        "left": _("about {time} left"),
    }


@page(MAY)
def redactions(request: HttpRequest) -> HttpResponse:
    context = {
        **_queue(request),
        "targets": _target_words(),
        "styles": _style_words(),
        "max_bytes": max_bytes(),
        "purpose": purpose_of(request, PURPOSE),
        "words": _upload_words(),
        "progress_words": _progress_words(),
    }
    return render(request, "console/redactions.html", context)


@page(MAY)
def redaction_rows(request: HttpRequest) -> HttpResponse:
    """The queue alone, for htmx: it asks again while work is under way."""
    return render(request, "console/_redaction_rows.html", _queue(request))


def _queue(request: HttpRequest) -> dict[str, Any]:
    cursor = request.GET.get("cursor", "")
    found = keyset_page(
        redactions_of(viewer(request)), ordering=("-created_at", "-id"), limit=PAGE_ROWS, cursor=cursor
    )
    progress = progress_of(found.items)
    rows = [_listed(row, progress[row.pk]) for row in found.items]
    return {
        "rows": rows,
        "active": any(row["active"] for row in rows),
        "cursor": cursor,
        "next_cursor": found.next_cursor,
        "query": {},
    }


def _upload_words() -> dict[str, str]:
    return {
        "uploading": _("Uploading: {percent} %"),
        "stored": _("Uploaded"),
        "too_large": _("This file is larger than is allowed."),
        "lost": _("The connection was lost. Drop the file again."),
        "empty": _("The file is empty."),
    }


@page(MAY)
def redaction(request: HttpRequest, redaction_id: str) -> HttpResponse:
    found = redaction_get(viewer(request), redaction_id)
    listed = _listed(found, progress_of([found])[found.pk])
    edits = list(found.edits.all())
    context = {
        **listed,
        "progress_item": listed,
        "redaction": found,
        "targets": [_target_words()[name] for name in found.options["targets"]],
        "style": _style_words()[found.options["style"]],
        "coverage": coverage_words(found),
        "gaps": gaps_words(found),
        "leaks": leaks_words(found),
        "edits": edits,
        "can_edit": found.input_until is not None and found.ready_revision is not None,
        "can_undo": any(edit.undone_revision is None for edit in edits),
        "until": at_camera(found.input_until, "UTC"),
        "sides": _sides(),
        "words": _editor_words(),
        "progress_words": _progress_words(),
    }
    return render(request, "console/redaction.html", context)


def _sides() -> list[dict[str, Any]]:
    """The sides of a region in per cent, for those who type instead of drawing."""
    labels = (_("Left, %"), _("Top, %"), _("Right, %"), _("Bottom, %"))
    return [
        {"place": place, "label": label, "value": value}
        for place, (label, value) in enumerate(zip(labels, (40, 40, 60, 60), strict=True))
    ]


def _editor_words() -> dict[str, str]:
    return {
        "face": _("Face"),
        "head": _("Head"),
        "person": _("Person"),
        "text": _("Text"),
        "manual": _("Drawn region"),
        "covered": _("covered"),
        "dropped": _("not covered: dropped"),
        "kept": _("not covered: kept visible"),
        "uncertain": _("uncertain"),
        "track": _("{kind} {id}, {from} to {until}, {state}"),
        "none": _("No track is chosen. Choose one on the timeline or in the picture."),
        "draw": _("Draw a box around what has to be covered, or type its place below."),
        "sure_keep": _("This person will be visible in the result. Is that what you want?"),
        "failed": _("That did not work: {why}"),
        "lost": _("The connection was lost. Try again."),
    }


_CHANGES: dict[str, tuple[Change, Any]] = {
    "pause": (services.redaction_pause, lambda: _("Paused. What is done is kept.")),
    "resume": (services.redaction_resume, lambda: _("The work goes on.")),
    "cancel": (
        services.redaction_cancel,
        lambda: _("Cancelled. What was not finished is deleted."),
    ),
    "close": (services.redaction_close, lambda: _("The upload is deleted; the result stays.")),
    "render": (editing.redaction_render, lambda: _("The film is made again where it changed.")),
    "undo": (editing.edit_undo, lambda: _("The edit is undone.")),
    "delete": (services.redaction_delete, lambda: _("Deleted, with everything that was stored for it.")),
}


@page(MAY, methods=("POST",))
def redaction_change(request: HttpRequest, redaction_id: str) -> HttpResponse:
    user = viewer(request)
    found = redaction_get(user, redaction_id)
    what = request.POST.get("what", "")
    if what not in _CHANGES:
        message = _("Expected one of: %s.") % ", ".join(_CHANGES)
        raise DomainError("unknown_change", message, HTTPStatus.UNPROCESSABLE_ENTITY)
    change, words = _CHANGES[what]
    told(request, lambda: change(acting_user=user, redaction=found), words())
    if what == "delete" or request.POST.get("next") == "list":
        return redirect("console:redactions")
    return redirect("console:redaction", redaction_id)


def _wish(request: HttpRequest) -> Wish:
    return Wish(
        request.headers.get("Range", ""), bool(request.GET.get("download")), purpose_of(request, PURPOSE)
    )


@page(MAY)
def redaction_result(request: HttpRequest, redaction_id: str) -> HttpResponseBase:
    user = viewer(request)
    return result_open(user, redaction_get(user, redaction_id), _wish(request))


@page(MAY)
def redaction_tracks(request: HttpRequest, redaction_id: str) -> HttpResponseBase:
    user = viewer(request)
    return tracks_open(user, redaction_get(user, redaction_id), _wish(request))


@page(MAY)
def redaction_report(request: HttpRequest, redaction_id: str) -> HttpResponseBase:
    user = viewer(request)
    return report_open(user, redaction_get(user, redaction_id), _wish(request))
