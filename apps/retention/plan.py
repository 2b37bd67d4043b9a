"""What is over at one moment: classes and their cameras, holds, and the conditions that follow from them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

# What is over may stay this much longer, so that the sweeper has time and a late result finds its camera.
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One class at work. `camera_ids` None: every camera that no other rule names."""

    code: str
    hours: int
    original_hours: int
    camera_ids: tuple[UUID, ...] | None


@dataclass(frozen=True, slots=True)
class Held:
    """A span of one camera that nothing may be deleted from."""

    camera_id: UUID
    since: datetime
    until: datetime


Hours = Callable[[Rule], int]


def kept_hours(rule: Rule) -> int:
    return rule.hours


def original_hours(rule: Rule) -> int:
    return rule.original_hours


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one rule names no cameras: that of the default class, which holds for all the others."""

    at: datetime
    rules: tuple[Rule, ...]
    holds: tuple[Held, ...]

    @property
    def default(self) -> Rule:
        return next(rule for rule in self.rules if rule.camera_ids is None)

    def cutoff(self, hours: int) -> datetime:
        return self.at - timedelta(hours=hours)

    def over(self, ends: str, camera: str | None = "camera_id", hours: Hours = kept_hours) -> Q:
        """Condition on rows whose time is over, holds aside. Rows of no camera follow the default class."""
        if camera is None:
            return Q(**{f"{ends}__lt": self.cutoff(hours(self.default))})
        found = Q(pk__in=[])
        for rule in self.rules:
            found |= self._of(rule, camera) & Q(**{f"{ends}__lt": self.cutoff(hours(rule))})
        return found

    def _of(self, rule: Rule, camera: str) -> Q:
        if rule.camera_ids is not None:
            return Q(**{f"{camera}__in": rule.camera_ids})
        named = [key for other in self.rules for key in other.camera_ids or ()]
        return ~Q(**{f"{camera}__in": named}) if named else Q()

    def held(self, starts: str, ends: str, camera: str | None = "camera_id") -> Q:
        """Condition on rows that touch the span of a hold."""
        found = Q(pk__in=[])
        for hold in self.holds if camera is not None else ():
            found |= Q(
                **{
                    f"{camera}": hold.camera_id,
                    f"{starts}__lt": hold.until,
                    f"{ends}__gt": hold.since,
                }
            )
        return found

    def is_held(self, camera_id: UUID, starts_at: datetime, ends_at: datetime) -> bool:
        return any(
            hold.camera_id == camera_id and starts_at < hold.until and ends_at > hold.since
            for hold in self.holds
        )
