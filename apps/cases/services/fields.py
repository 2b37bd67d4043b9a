"""What people type into a request, each with the check it has to pass."""

import unicodedata
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.cameras.validation import choice_checked
from apps.consent.services.fields import line_checked, moment_checked
from apps.core.clock import now
from apps.core.errors import DomainError

__all__ = ["choice_checked", "line_checked", "moment_checked", "past_checked", "text_checked"]


def text_checked(field: str, value: Any, *, least: int = 1, most: int) -> str:
    """Some lines of visible text; control characters other than line ends become spaces."""
    text = unicodedata.normalize("NFC", value) if isinstance(value, str) else ""
    kept = "".join(" " if _unwanted(letter) else letter for letter in text.replace("\r\n", "\n")).strip()
    if not least <= len(kept) <= most:
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: expected %(least)d to %(most)d characters.")
            % {"field": field, "least": least, "most": most},
        )
    return kept


def _unwanted(letter: str) -> bool:
    return letter != "\n" and unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def past_checked(field: str, value: Any) -> datetime:
    """A moment that is over: nobody records today what happens tomorrow."""
    moment = moment_checked(field, value)
    if moment > now():
        raise DomainError(f"invalid_{field}", _("%s: expected a moment that is not in the future.") % field)
    return moment
