"""The fields of a camera that a person may set, each with the check it has to pass."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.cameras.models import (
    MAX_DISPLAY_DELAY_S,
    MIN_DISPLAY_DELAY_S,
    RedactionStyle,
    RedactionTarget,
    Script,
)
from apps.cameras.validation import (
    choice_checked,
    name_checked,
    number_checked,
    tags_checked,
    time_zone_checked,
)
from apps.core.errors import DomainError

Check = Callable[[Any], Any]


def flag_checked(field: str) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise DomainError(f"invalid_{field}", _("%s: expected true or false.") % field)
        return value

    return check


def _number(field: str, least: float, most: float) -> Check:
    return lambda value: number_checked(field, value, least, most)


def _share(field: str) -> Check:
    return lambda value: None if value is None else number_checked(field, value, 0.0, 1.0)


def _choice(field: str, choices: list[str]) -> Check:
    return lambda value: choice_checked(field, value, choices)


CAMERA_FIELDS: dict[str, Check] = {
    "name": name_checked,
    "transport": _choice("transport", ["tcp", "udp"]),
    "loop": flag_checked("loop"),
    "realtime": flag_checked("realtime"),
    "time_zone": lambda value: time_zone_checked(value) if value else "",
    "tags": tags_checked,
    "detect_objects": flag_checked("detect_objects"),
    "read_text": flag_checked("read_text"),
    "script": _choice("script", Script.values),
    "redaction_target": _choice("redaction_target", RedactionTarget.values),
    "redact_text": flag_checked("redact_text"),
    "redaction_style": _choice("redaction_style", RedactionStyle.values),
    "display_delay_s": _number("display_delay_s", MIN_DISPLAY_DELAY_S, MAX_DISPLAY_DELAY_S),
    "analysis_fps": _number("analysis_fps", 0.2, 30.0),
    "display_fps": _number("display_fps", 1.0, 30.0),
    "plan_x": _share("plan_x"),
    "plan_y": _share("plan_y"),
}


def camera_fields_checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := fields.keys() - CAMERA_FIELDS.keys():
        raise DomainError("unknown_field", _("Unknown fields: %s") % ", ".join(sorted(unknown)))
    return {name: CAMERA_FIELDS[name](value) for name, value in fields.items()}
