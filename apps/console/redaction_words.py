"""Errors of file redaction and the coverage report in words. A code without words keeps what was said."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from apps.redactions.models import Redaction

ERRORS: dict[str, str | Promise] = {
    "file_empty": _("The file is empty."),
    "file_damaged": _("The file is damaged: nothing of it can be read."),
    "file_unsupported": _("This is no picture and no film of a kind that can be read."),
    "no_video": _("The file has no picture: there is only sound in it, or something else."),
    "no_frames": _("No picture of the film can be decoded."),
    "picture_too_large": _("Its pictures are larger than is allowed."),
    "film_too_long": _("The film is longer than is allowed. Cut it into parts."),
    "worker_lost": _("The worker stopped several times while it worked on this file."),
    "worker_died": _("The decoder died of this file."),
    "model_missing": _("A model that this work began with is not there any more. Upload the file again."),
    "memory_short": _("The worker does not have enough memory now. Try again later."),
    "object_store_unreachable": _("The object store does not answer. An administrator can help."),
    "edit_invalid": _("The edit does not fit the film; it was taken back."),
    "policy_unknown": _("The worker does not know what is to be covered. An administrator can update it."),
}
PHASES: dict[str, str | Promise] = {
    "probe": _("Looking at the file"),
    "analyse": _("Looking for people"),
    "follow": _("Following the region"),
    "stitch": _("Joining the tracks"),
    "render": _("Covering"),
    "mux": _("Putting the film together"),
}
TONES = {"queued": "", "running": "accent", "paused": "warn", "done": "ok", "failed": "bad", "cancelled": ""}


def error_words(redaction: Redaction) -> str:
    return str(ERRORS.get(redaction.error_code) or redaction.error)


def phase_words(redaction: Redaction, phase: str, *, waiting: bool) -> str:
    """What is going on, in one short sentence."""
    if redaction.state == "paused":
        return gettext("Paused")
    if waiting and redaction.state in ("queued", "running"):
        return gettext("Waiting for a worker")
    return str(PHASES.get(phase, ""))


def coverage_words(redaction: Redaction) -> list[str]:
    """The coverage report in sentences: what was found, looked at, and what is not sure."""
    summary: dict[str, Any] = redaction.result.get("summary", {})
    if not summary:
        return []
    words = [_counted_tracks(summary["tracks"])]
    if redaction.film.get("media") != "image":
        words += _film_words(summary)
    if unsure := summary["uncertain_tracks"]:
        sentence = ngettext(
            "%(n)d track is uncertain: seen seldom or weakly, and covered all the same. Look at it.",
            "%(n)d tracks are uncertain: seen seldom or weakly, and covered all the same. Look at them.",
            unsure,
        )
        words.append(sentence % {"n": unsure})
    if mosaic := summary["frames_mosaic"]:
        sentence = ngettext(
            "%(n)d picture could not be judged and is covered as a whole.",
            "%(n)d pictures could not be judged and are covered as a whole.",
            mosaic,
        )
        words.append(sentence % {"n": mosaic})
    return [*words, *_second_look_words(summary)]


def _second_look_words(summary: dict[str, Any]) -> list[str]:
    """Results from before there was a second look say nothing of it."""
    if not (looked := summary.get("looked_again", 0)):
        return []
    leaky = summary["leaky"]
    sentence = ngettext(
        "%(n)d picture of the result had a second look: %(leaky)d with an uncovered face "
        "(%(rate)s per 10,000).",
        "%(n)d pictures of the result had a second look: %(leaky)d with an uncovered face "
        "(%(rate)s per 10,000).",
        looked,
    )
    return [sentence % {"n": looked, "leaky": leaky, "rate": f"{10_000 * leaky / looked:.0f}"}]


def leaks_words(redaction: Redaction) -> list[str]:
    """The moments at which a second look saw a face that nothing covers."""
    moments = redaction.result.get("summary", {}).get("leaks_at_s", [])
    return [_clock(at_s) for at_s in moments]


def _counted_tracks(found: int) -> str:
    return ngettext("%(n)d track was found.", "%(n)d tracks were found.", found) % {"n": found}


def _film_words(summary: dict[str, Any]) -> list[str]:
    frames, covered = summary["frames"], summary["frames_covered"]
    looked = gettext(", in %(looked)d of them people were looked for; in between, tracks were followed.")
    return [
        ngettext("%(n)d picture was decoded", "%(n)d pictures were decoded", frames) % {"n": frames}
        + looked % {"looked": summary["frames_looked_at"]},
        ngettext(
            "%(n)d picture holds at least one cover.", "%(n)d pictures hold at least one cover.", covered
        )
        % {"n": covered},
    ]


def gaps_words(redaction: Redaction) -> list[str]:
    """The parts of a film that could not be decoded."""
    gaps = redaction.result.get("summary", {}).get("unreadable", [])
    return [f"{_clock(gap['from_s'])} – {_clock(gap['until_s'])}" for gap in gaps]


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}.{int(seconds * 10) % 10}"
