"""The values in files of labels, each checked or refused with its place."""

import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.core.errors import Invalid

LIGHTS = ("day", "night")


def refuse(field: str, message: str) -> Invalid:
    return Invalid("invalid_set", message, field=field)


def numbers(value: Any, count: int, where: str) -> list[float]:
    try:
        found = [float(part) for part in value]
    except (TypeError, ValueError, OverflowError) as error:
        raise refuse("annotations", f"{where}: expected {count} numbers, got {value!r:.60}") from error
    if len(found) != count or not all(map(math.isfinite, found)):
        raise refuse("annotations", f"{where}: expected {count} finite numbers, got {value!r:.60}")
    return found


def clipped(box: tuple[float, float, float, float], where: str) -> tuple[float, float, float, float]:
    left, top, right, bottom = (min(1.0, max(0.0, side)) for side in box)
    if not (left < right and top < bottom):
        raise refuse("annotations", f"{where}: a box is empty or lies outside of its picture: {box!r:.80}")
    return left, top, right, bottom


def word(value: Any) -> str:
    return value.replace("\x00", "").strip()[:80] if isinstance(value, str) else ""


def light(value: Any, name: str) -> str:
    if value in ("", None):
        return ""
    if value not in LIGHTS:
        raise refuse("annotations", f"{name}: light: expected one of {', '.join(LIGHTS)}, got {value!r:.40}")
    return str(value)


def taken_at(value: Any, name: str, field: str = "date_captured") -> float:
    """ISO 8601, UTC where it names no offset; `date_captured` in COCO."""
    if value in ("", None, 0):
        return 0.0
    try:
        moment = datetime.fromisoformat(str(value).strip().replace("/", "-"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp())
    except (ValueError, OverflowError) as error:
        message = f"{name}: {field}: expected 2026-05-03T12:00:00Z or nothing, got {value!r:.40}"
        raise refuse("annotations", message) from error


def source(value: Any, name: str) -> str:
    if value in ("", None):
        return ""
    try:
        return str(UUID(str(value)))
    except ValueError as error:
        message = f"{name}: source: expected the id of an event, reading or recording, got {value!r:.40}"
        raise refuse("annotations", message) from error
