"""The fields of an entry and of a consent, each with the check it has to pass."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.cameras.validation import choice_checked
from apps.consent.hours import hours_checked
from apps.consent.models import GivenHow, LawfulBasis, PurposeStage
from apps.core.clock import moment_problem
from apps.core.errors import DomainError

Check = Callable[[Any], Any]
MAX_NOTICE = 20_000
LANGUAGES = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
CLASS_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,39}")


def line_checked(field: str, value: Any, *, least: int = 1, most: int) -> str:
    """One line of visible text."""
    text = unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else ""
    if not least <= len(text) <= most:
        raise DomainError(
            f"invalid_{field}",
            _("%(field)s: expected %(least)d to %(most)d characters.")
            % {"field": field, "least": least, "most": most},
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text):
        raise DomainError(f"invalid_{field}", _("%s: expected no control characters.") % field)
    return text


def stages_checked(value: Any) -> list[str]:
    """Stages in a fixed order, each once; at least one."""
    chosen = set(value) if isinstance(value, Iterable) and not isinstance(value, str) else set()
    if not chosen or chosen - set(PurposeStage.values):
        raise DomainError(
            "invalid_stages", _("Expected at least one of: %s.") % ", ".join(PurposeStage.values)
        )
    return [stage for stage in PurposeStage.values if stage in chosen]


def moment_checked(field: str, value: Any) -> datetime:
    if not isinstance(value, datetime) or timezone.is_naive(value):
        raise DomainError(f"invalid_{field}", _("%s: expected a date and time with its zone.") % field)
    if problem := moment_problem(value):
        raise DomainError(f"invalid_{field}", f"{field}: {problem}")
    return value


def _matching(field: str, pattern: re.Pattern[str], expected: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise DomainError(
                f"invalid_{field}",
                _("%(field)s: expected %(expected)s.") % {"field": field, "expected": expected},
            )
        return value

    return check


def _line(field: str, most: int, least: int = 1) -> Check:
    return lambda value: line_checked(field, value, least=least, most=most)


def _moment_or_none(field: str) -> Check:
    return lambda value: None if value is None else moment_checked(field, value)


def notice_checked(value: Any) -> str:
    """The text that the person was given, as it was: only what a database refuses is refused."""
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_NOTICE or "\x00" in value:
        raise DomainError(
            "invalid_notice_text",
            _("Expected the text of the notice, at most %d characters.") % MAX_NOTICE,
        )
    return value


PURPOSE_FIELDS: dict[str, Check] = {
    "purpose": _line("purpose", 300),
    "lawful_basis": lambda value: choice_checked("lawful_basis", value, LawfulBasis.values),
    "interest": _line("interest", 300, least=0),
    "controller": _line("controller", 200),
    "controller_contact": _line("controller_contact", 200),
    "dpia_reference": _line("dpia_reference", 120, least=0),
    "retention_class": _matching("retention_class", CLASS_CODE, "a-z, 0-9, - or _"),
    "stages": stages_checked,
    "opening_hours": hours_checked,
    "valid_from": lambda value: moment_checked("valid_from", value),
    "valid_until": _moment_or_none("valid_until"),
}
CONSENT_FIELDS: dict[str, Check] = {
    "stages": stages_checked,
    "notice_version": _line("notice_version", 40),
    "notice_text": notice_checked,
    "language": _matching("language", LANGUAGES, "en, ru, pt-BR"),
    "given_at": lambda value: moment_checked("given_at", value),
    "given_how": lambda value: choice_checked("given_how", value, GivenHow.values),
    "given_to": _line("given_to", 150),
    "expires_at": _moment_or_none("expires_at"),
}


def checked_fields(fields: Mapping[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    if unknown := fields.keys() - checks.keys():
        raise DomainError("unknown_field", _("Unknown fields: %s") % ", ".join(sorted(unknown)))
    return {name: checks[name](value) for name, value in fields.items()}


def reference_checked(value: str) -> str:
    return str(_matching("reference", REFERENCE, "3–40: A-Z, a-z, 0-9, “.”, “-”, “_”")(value))
