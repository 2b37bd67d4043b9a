"""What an erasure would do: every row that the stores hold of the items, sorted into three buckets.

What can go; what stays without leading to the person any more; what has to stay, each with its ground. A
legal hold beats every erasure, and so does another request that is still open.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from apps.audit.selectors import records_about
from apps.cameras.selectors import as_uuid
from apps.cases.models import Case, CaseItem, CaseKind
from apps.core.errors import Unavailable
from apps.retention.erasure import Found, Ground, Reach, Target, TargetKind, erasers, reach_of, undecided
from apps.retention.plan import Plan
from apps.retention.selectors import plan_at

# What entries of the record call the things that can be erased.
_OBJECT_TYPES = {
    TargetKind.EVENT: "event",
    TargetKind.READING: "reading",
    TargetKind.SEGMENT: "segment",
    TargetKind.FILE: "redaction",
    TargetKind.WORK: "work_item",
}
# The store in which the thing itself lies.
_STORES = {
    TargetKind.EVENT: "events",
    TargetKind.READING: "readings",
    TargetKind.SEGMENT: "segments",
    TargetKind.FILE: "redactions",
    TargetKind.WORK: "work",
}
MATERIAL = "case_material"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of one store: it goes, it is cut, or it stays for `ground`."""

    store: str
    found: Found
    ground: str

    @property
    def bucket(self) -> str:
        if self.ground:
            return "keep"
        return "cut" if self.found.cut else "erase"


@dataclass(frozen=True, slots=True)
class Preview:
    verdicts: tuple[Verdict, ...]
    record_rows: int
    reach: Reach

    @property
    def digest(self) -> str:
        """Over every row and what becomes of it. Entries of the record only ever become more, and versions of
        models that come meanwhile change nothing about the rows: both stay out."""
        lines = sorted(f"{v.store} {v.found.id} {v.bucket} {v.ground}" for v in self.verdicts)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def of(self, store: str) -> list[Found]:
        """The rows of a store that an execution takes."""
        return [v.found for v in self.verdicts if v.store == store and v.bucket != "keep"]

    def counts(self) -> dict[str, Any]:
        """Plain figures for the row and for the record."""
        kept = Counter((v.ground, v.store) for v in self.verdicts if v.bucket == "keep")
        if self.record_rows:
            kept[(Ground.RECORD.value, "record")] = self.record_rows
        by_bucket = Counter((v.bucket, v.store) for v in self.verdicts)
        return {
            **{
                bucket: {store: n for (name, store), n in sorted(by_bucket.items()) if name == bucket}
                for bucket in ("erase", "cut")
            },
            "kept": [[ground, store, n] for (ground, store), n in sorted(kept.items())],
            **self.reach_told(),
        }

    def reach_told(self) -> dict[str, list[list[Any]]]:
        return {
            "learned": [[made.model, made.sha256, made.source] for made in self.reach.learned],
            "blind": [[part.source, part.unplaced, part.total] for part in self.reach.blind],
        }


def preview_of(case: Case) -> Preview:
    """As it is at this moment; the caller's transaction, where there is one, sees the same rows."""
    if missing := undecided():
        raise Unavailable(
            "store_undecided",
            _("These stores do not say how they erase, so nothing is erased: %s. An administrator can help.")
            % ", ".join(missing),
        )
    targets, plan = targets_of(case), plan_at()
    elsewhere = _wanted_elsewhere(case)
    wanted = [target for target in targets if str(target.id) in elsewhere]
    verdicts = [
        Verdict(name, found, found.ground or _ground(found, plan, protected or found.id in elsewhere))
        for (name, found), protected in _found(targets, wanted).items()
    ]
    return Preview(tuple(_items_follow(verdicts)), _record_rows(targets), _reach(verdicts))


def _reach(verdicts: Sequence[Verdict]) -> Reach:
    """Of everything that was found, what has to stay included: it was learned from all the same."""
    told = [
        reach_of(store.name, [v.found for v in verdicts if v.store == store.name]) for store, _ in erasers()
    ]
    return Reach(
        tuple(made for one in told for made in one.learned), tuple(part for one in told for part in one.blind)
    )


def _found(targets: Sequence[Target], wanted: Sequence[Target]) -> dict[tuple[str, Found], bool]:
    """What the stores hold of the targets, and whether it is of one that is wanted elsewhere."""
    protected = {(store.name, found.id) for store, eraser in erasers() for found in eraser.find(wanted)}
    return {
        (store.name, found): (store.name, found.id) in protected
        for store, eraser in erasers()
        for found in eraser.find(targets)
    }


def _ground(found: Found, plan: Plan, wanted: bool) -> str:
    if _held(found, plan):
        return Ground.HOLD
    return Ground.OPEN_CASE if wanted else ""


def _wanted_elsewhere(case: Case) -> frozenset[str]:
    """The ids of what other open requests have collected that want to keep it, and of their items."""
    rows = CaseItem.objects.filter(case__closed_at=None, erased_at=None)
    rows = rows.exclude(case=case).exclude(case__kind=CaseKind.ERASURE)
    return frozenset(str(key) for pair in rows.values_list("pk", "object_id") for key in pair)


def _items_follow(verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    """An item is the proof of what went: it stays as it is while what it names has to stay."""
    kept = {v.found.id: v.ground for v in verdicts if v.store in _STORES.values() and v.ground}
    items = [v.found.id for v in verdicts if v.store == MATERIAL]
    named = {
        str(pk): str(key) for pk, key in CaseItem.objects.filter(pk__in=items).values_list("pk", "object_id")
    }
    for verdict in verdicts:
        ground = kept.get(named[verdict.found.id], "") if verdict.store == MATERIAL else ""
        yield replace(verdict, ground=verdict.ground or ground)


def targets_of(case: Case) -> list[Target]:
    """What was collected, and files that requests made of the originals of recordings among it."""
    items = list(case.items.filter(erased_at=None))
    named = [
        Target(
            TargetKind(item.kind),
            item.object_id,
            item.since,
            item.until,
            item.camera_id,
            item.epoch,
            item.track_id,
        )
        for item in items
    ]
    there = {target.id for target in named}
    recordings = [item.object_id for item in items if item.kind == TargetKind.SEGMENT]
    made = CaseItem.objects.filter(kind=TargetKind.SEGMENT.value, object_id__in=recordings)
    for row in made:
        key = as_uuid(row.facts.get("edited_as", ""))
        if key is not None and key not in there:
            there.add(key)
            named.append(Target(TargetKind.FILE, key, row.since, row.until, row.camera_id))
    return named


def is_held(verdicts: Iterable[Verdict], plan: Plan) -> bool:
    """Whether a hold came meanwhile over anything that is going."""
    return any(_held(verdict.found, plan) for verdict in verdicts if verdict.bucket != "keep")


def _held(found: Found, plan: Plan) -> bool:
    if found.camera_id is None:
        return False
    # A hold ends where it begins to be over; what is one moment long touches it all the same.
    return any(
        hold.camera_id == found.camera_id and found.since <= hold.until and found.until >= hold.since
        for hold in plan.holds
    )


def _record_rows(targets: Sequence[Target]) -> int:
    by_type: dict[str, list[str]] = {}
    for target in targets:
        by_type.setdefault(_OBJECT_TYPES[target.kind], []).append(str(target.id))
    return sum(records_about(object_type, ids) for object_type, ids in by_type.items())
