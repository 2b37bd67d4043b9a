"""Tags and filters of the pages: icons, navigation, times in a camera's zone, numbers, badges."""

import zoneinfo
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from apps.cameras.models import Zone
from apps.console import words
from apps.console.evaluation_words import part_words
from apps.console.icons import BRAND, ICONS
from apps.console.label_words import label_words as label_in_words
from apps.console.navigation import compliance_pages, links_for, page_of_model
from apps.console.preferences import THEMES, theme_of
from apps.console.purposes import PURPOSES, SESSION_KEY
from apps.registry import problems
from apps.registry.models import Cascade, ModelVersion

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    paths = mark_safe(ICONS[name])  # noqa: S308 - constants of this package
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', paths)


@register.simple_tag
def brand_mark() -> SafeString:
    return mark_safe(BRAND)  # noqa: S308 - a constant of this package


@register.simple_tag(takes_context=True)
def console_nav(context: dict[str, Any]) -> list[Any]:
    request = context.get("request")
    user = getattr(request, "user", None)
    return links_for(user, request.path) if request and user and user.is_authenticated else []


@register.simple_tag(takes_context=True)
def pages_of_compliance(context: dict[str, Any]) -> list[Any]:
    return compliance_pages(context["request"].user)


@register.simple_tag(takes_context=True)
def page_of(context: dict[str, Any], options: Any) -> Any:
    """The page for the rows of a list of the administration panel; None where there is none."""
    return page_of_model(context["request"].user, options.label_lower)


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    request = context.get("request")
    return theme_of(request) if request else ""


@register.simple_tag
def themes() -> list[tuple[str, Any]]:
    return list(THEMES.items())


@register.simple_tag(takes_context=True)
def chosen_purpose(context: dict[str, Any]) -> str:
    session = getattr(context.get("request"), "session", {})
    return str(session.get(SESSION_KEY, ""))


@register.simple_tag
def purposes() -> list[tuple[str, Any]]:
    return list(PURPOSES.items())


@register.simple_tag
def languages() -> list[tuple[str, str]]:
    """Each language under its own name."""
    return [(code, translation.get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]


def _in_zone(moment: datetime, zone_name: str) -> datetime:
    try:
        return moment.astimezone(zoneinfo.ZoneInfo(zone_name or "UTC"))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return moment.astimezone(zoneinfo.ZoneInfo("UTC"))


@register.filter
def at_camera(moment: datetime | None, zone_name: str) -> SafeString | str:
    """A time element in the time zone of a camera."""
    if moment is None:
        return "—"
    local = _in_zone(moment, zone_name)
    with timezone.override(local.tzinfo):
        shown = formats.date_format(local, gettext("j M Y, H:i:s"))
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), zone_name or "UTC", shown
    )


@register.filter
def utc_offset(moment: datetime | None, zone_name: str) -> str:
    """ "UTC+5" or "UTC-3:30": which clock a time is by, where cameras of several zones stand in one list."""
    offset = _in_zone(moment, zone_name).utcoffset() if moment else None
    if offset is None:
        return ""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


@register.filter
def clock_at(moment: datetime | None, zone_name: str) -> SafeString | str:
    """Only the time of day, for lists that name the day elsewhere."""
    if moment is None:
        return "—"
    shown = formats.time_format(_in_zone(moment, zone_name), "H:i:s")
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), shown)


@register.filter
def clock_of(seconds: float, zone_name: str) -> SafeString | str:
    """A time in POSIX seconds, as `clock_at` writes it."""
    return clock_at(datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo("UTC")), zone_name)


@register.filter
def slice_words(name: str) -> str:
    """ "light:day" and "camera:NAME" of a labelled set."""
    kind, _colon, word = name.partition(":")
    return part_words(kind, word)


@register.filter
def grouped(number: int) -> str:
    """A whole number with its thousands parted, in the way of the language."""
    return formats.number_format(number, decimal_pos=0, use_l10n=True, force_grouping=True)


@register.filter
def percent(share: float) -> str:
    return f"{round(share * 100)} %"


@register.filter
def duration(seconds: float) -> str:
    """A span of time in words, rounded to what matters."""
    whole = max(0, round(seconds))
    if whole < 60:
        return ngettext("%(n)d second", "%(n)d seconds", whole) % {"n": whole}
    if whole < 3600:
        return ngettext("%(n)d minute", "%(n)d minutes", whole // 60) % {"n": whole // 60}
    return ngettext("%(n)d hour", "%(n)d hours", whole // 3600) % {"n": whole // 3600}


@register.filter
def seconds_until(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


@register.filter
def label_words(label: str) -> str:
    return label_in_words(label)


@register.filter
def problem_words(version: ModelVersion) -> str:
    return problems.problem_words(version)


@register.filter
def state_words(state: str) -> str:
    return str(words.STATES.get(state, state))


@register.filter
def state_tone(state: str) -> str:
    return words.STATE_TONES.get(state, "warn")


@register.filter
def code_words(code: str, detail: str = "") -> str:
    """The reason of a state in words; a code that has none keeps what the data plane said."""
    return str(words.CODES.get(code) or detail or code)


@register.filter
def waiting_words(why: str) -> str:
    """Why a version does not serve yet; a code without words keeps what the data plane said."""
    code, _, detail = why.partition(": ")
    return str(words.WAITING.get(code) or detail or code)


@register.filter
def reason_words(reason: str) -> str:
    return words.reason_words(reason)


@register.filter
def redaction_words(redaction: str) -> str:
    return str(words.REDACTIONS.get(redaction, redaction))


@register.filter
def stage_words(stage: str) -> str:
    return str(words.STAGES.get(stage, stage))


@register.filter
def place_words(place: str, parts: Iterable[Zone | Cascade] = ()) -> str:
    """Where a version serves: a stage, or by its name a zone with its own detector or a cascade."""
    stage, _, key = place.partition(":")
    return next((part.name for part in parts if str(part.pk) == key), stage_words(stage))


@register.filter
def action_words(action: str) -> str:
    return words.action_words(action)


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    """`mapping[key]`, or None."""
    return mapping.get(key) if mapping else None


@register.simple_tag
def query_with(base: dict[str, Any], **changes: Any) -> str:
    """The address of this page with some parameters changed; empty ones are left out."""
    merged = {key: value for key, value in {**base, **changes}.items() if value not in (None, "")}
    return f"?{urlencode(merged, doseq=True)}"
