"""Filters of the pages of rollouts."""

import zoneinfo
from datetime import datetime
from typing import Any

from django import template

from apps.console import rollout_words as words

register = template.Library()
_TABLES: dict[str, dict[str, Any]] = {
    "metric": words.METRICS,
    "limit": words.LIMITS,
    "unit": words.UNITS,
    "verdict": words.VERDICTS,
    "health": words.HEALTH,
    "step": words.STEPS,
    "entry": words.ENTRIES,
    "ended": words.ENDED_BY,
    "strategy": words.STRATEGIES,
    "verdict_tone": words.VERDICT_TONES,
    "state_tone": words.STATE_TONES,
    "health_tone": words.HEALTH_TONES,
}


@register.filter
def in_words(code: str, table: str) -> str:
    """`{{ code|in_words:"metric" }}`; a code without words is shown as it came."""
    return str(_TABLES[table].get(code, code))


@register.filter
def figure(value: float | str | None) -> str:
    """Three digits that matter; a dash for what is not known."""
    return f"{value:.3g}" if isinstance(value, int | float) else "—"


@register.filter
def local_input(moment: datetime, zone_name: str) -> str:
    """A moment as a form's field of local time has it."""
    return moment.astimezone(zoneinfo.ZoneInfo(zone_name)).strftime("%Y-%m-%dT%H:%M")
