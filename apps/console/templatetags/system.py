"""Filters of the account and system pages."""

import re

from django import template
from django.utils.translation import gettext

register = template.Library()

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
