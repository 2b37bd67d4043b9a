"""What may be done with a camera at a moment. Pure: rows and the time are passed in, nothing is read.

The rules. An entry is in force when it has begun, has not run out or been ended, and its opening hours are
open. An entry whose basis is consent names the persons it needs; it allows a stage only while every one of
them has a consent that stands, reaches this camera and names that stage. A camera may do what any of its
entries in force allows. A zone with entries of its own may do what the camera may and one of the zone's
entries in force allows; when none of them is in force, nothing is done there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.consent.hours import closes_at, is_open
from apps.consent.models import Consent, LawfulBasis, Purpose, PurposeOrigin, PurposeStage

Stages = frozenset[str]
Polygon = tuple[tuple[float, float], ...]

IN_FORCE = "in_force"
NO_PURPOSE = "no_purpose"
NOT_YET = "purpose_not_yet"
EXPIRED = "purpose_expired"
TRIAL_ENDED = "trial_ended"
ENDED = "purpose_ended"
CLOSED = "outside_hours"
CONSENT_MISSING = "consent_missing"
NOTHING_TO_STREAM = "no_stage"
# What a data plane does for people to see or to act on; training and recognition use what these leave.
STREAMED: Stages = frozenset({PurposeStage.VIEW, PurposeStage.DETECT, PurposeStage.TEXT})
# Which of several reasons is told: the one that ends by itself or by the smallest step.
_TOLD_FIRST = (CLOSED, CONSENT_MISSING, NOT_YET, TRIAL_ENDED, EXPIRED)


@dataclass(frozen=True, slots=True)
class Scope:
    """A consent with the keys of what it reaches."""

    consent: Consent
    cameras: frozenset[UUID]
    groups: frozenset[UUID]
    purposes: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Site:
    """Where an entry is judged: its camera, the camera's groups, its zone of time."""

    camera_id: UUID
    group_ids: frozenset[UUID]
    zone_name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the register with the consents of the persons that it needs."""

    purpose: Purpose
    needed: Mapping[UUID, Sequence[Scope]]


@dataclass(frozen=True, slots=True)
class ZoneLimit:
    """What may be done in one zone that has entries of its own."""

    zone_key: UUID
    polygon: Polygon
    stages: Stages


@dataclass(frozen=True, slots=True)
class Basis:
    """The answer. `code` says why when there are no stages to stream; `narrows_at` when it will be less."""

    stages: Stages
    code: str
    entries: tuple[Purpose, ...] = ()
    zones: tuple[ZoneLimit, ...] = ()
    narrows_at: datetime | None = None

    @property
    def streams(self) -> bool:
        return bool(self.stages & STREAMED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One entry at one moment; `until` is when it may become less by the clock alone."""

    stages: Stages
    code: str
    until: datetime | None = None


def entry_judge(entry: Entry, site: Site, at: datetime) -> Verdict:
    purpose = entry.purpose
    if purpose.ended_at is not None:
        return Verdict(frozenset(), ENDED)
    if at < purpose.valid_from:
        return Verdict(frozenset(), NOT_YET)
    if purpose.valid_until is not None and at >= purpose.valid_until:
        return Verdict(frozenset(), TRIAL_ENDED if purpose.origin == PurposeOrigin.TRIAL else EXPIRED)
    if not is_open(purpose.opening_hours, at, site.zone_name):
        return Verdict(frozenset(), CLOSED)
    stages, expiries = _consented(entry, site, at)
    closing = closes_at(purpose.opening_hours, at, site.zone_name)
    ends = [moment for moment in (purpose.valid_until, closing, *expiries) if moment is not None]
    return Verdict(stages, IN_FORCE if stages else CONSENT_MISSING, min(ends, default=None))


def _consented(entry: Entry, site: Site, at: datetime) -> tuple[Stages, list[datetime]]:
    """The stages that stand, and when consents among their grounds expire."""
    stages: Stages = frozenset(entry.purpose.stages)
    if entry.purpose.lawful_basis != LawfulBasis.CONSENT:
        return stages, []
    expiries: list[datetime] = []
    if not entry.needed:
        return frozenset(), []
    for scopes in entry.needed.values():
        standing = [s.consent for s in scopes if s.consent.stands(at) and _reaches(s, entry.purpose, site)]
        stages &= {stage for consent in standing for stage in consent.stages}
        expiries += [consent.expires_at for consent in standing if consent.expires_at is not None]
    return stages, expiries


def _reaches(scope: Scope, purpose: Purpose, site: Site) -> bool:
    return (
        purpose.pk in scope.purposes or site.camera_id in scope.cameras or bool(site.group_ids & scope.groups)
    )


def basis_judge(
    entries: Iterable[Entry], polygons: Mapping[UUID, Polygon], site: Site, at: datetime
) -> Basis:
    """What may be done with a camera at `at`; `polygons` are those of its zones that still exist."""
    found = list(entries)
    basis, ends = _judge(found, polygons, site, at)
    for moment in sorted({moment for moment in ends if moment > at}):
        later, _more = _judge(found, polygons, site, moment)
        if _is_less(later, basis):
            return Basis(basis.stages, basis.code, basis.entries, basis.zones, moment)
    return basis


def _judge(
    entries: Sequence[Entry], polygons: Mapping[UUID, Polygon], site: Site, at: datetime
) -> tuple[Basis, list[datetime]]:
    verdicts = [(entry.purpose, entry_judge(entry, site, at)) for entry in entries]
    whole = [(purpose, verdict) for purpose, verdict in verdicts if purpose.zone_uuid is None]
    stages: Stages = frozenset().union(*(verdict.stages for _purpose, verdict in whole))
    in_force = tuple(purpose for purpose, verdict in verdicts if verdict.stages)
    ends = [verdict.until for _purpose, verdict in verdicts if verdict.until is not None]
    ends += [purpose.valid_from for purpose, _verdict in verdicts if purpose.valid_from > at]
    code = IN_FORCE if stages & STREAMED else _reason(whole, stages)
    return Basis(stages, code, in_force, _limits(verdicts, polygons, stages)), ends


def _reason(whole: Sequence[tuple[Purpose, Verdict]], stages: Stages) -> str:
    if stages:
        return NOTHING_TO_STREAM
    codes = {verdict.code for _purpose, verdict in whole}
    return next((code for code in _TOLD_FIRST if code in codes), NO_PURPOSE)


def _limits(
    verdicts: Sequence[tuple[Purpose, Verdict]], polygons: Mapping[UUID, Polygon], stages: Stages
) -> tuple[ZoneLimit, ...]:
    limits: dict[UUID, ZoneLimit] = {}
    for purpose, verdict in verdicts:
        if purpose.zone_uuid is None or verdict.code in (NOT_YET, ENDED):
            continue
        before = limits.get(purpose.zone_uuid)
        allowed = verdict.stages & stages | (before.stages if before else frozenset())
        polygon = polygons.get(purpose.zone_uuid) or _points(purpose.zone_polygon)
        limits[purpose.zone_uuid] = ZoneLimit(purpose.zone_uuid, polygon, allowed)
    return tuple(limits.values())


def _points(polygon: Sequence[Sequence[float]]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in polygon)


def _is_less(later: Basis, now: Basis) -> bool:
    """Whether something that is allowed now is not any more: for the camera or in a zone."""
    if now.stages - later.stages:
        return True
    before = {limit.zone_key: limit.stages for limit in now.zones}
    return any(before.get(limit.zone_key, now.stages) - limit.stages for limit in later.zones)
