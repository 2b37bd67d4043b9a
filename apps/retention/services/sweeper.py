"""Deletes what is over, in small steps. Each step is one transaction: rows gone, certificate in the record,
objects doomed; the objects leave the store after the commit.

The certificate is written in the transaction of the deletion: no record, no deletion. A process that dies
after the commit leaves a row in `DoomedObject`, and the next sweep takes the object.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.clock import now
from apps.core.errors import Unavailable
from apps.core.objects import object_delete, objects_list
from apps.retention import registry
from apps.retention.models import DoomedObject, Sweep
from apps.retention.plan import GRACE, Plan
from apps.retention.selectors import held_spans, plan_at

STEP_ROWS = 200
MOST_STEPS = 50
ORPHAN_AGE = timedelta(hours=6)
SWEEPS_KEPT = timedelta(days=90)
logger = logging.getLogger(__name__)


@dataclass
class _Tally:
    """What one run has done so far."""

    counts: Counter[str] = field(default_factory=Counter)
    seqs: list[int] = field(default_factory=list)
    objects_gone: int = 0


def sweep_by_hand(*, acting_user: User, at: datetime | None = None) -> Sweep | None:
    """The sweep of the clock, now, for a person who may set retention; it is on record who asked."""
    require(acting_user, Capability.MANAGE_RETENTION)
    with transaction.atomic():
        audit.record_change(
            action="retention.sweep_asked",
            object_type="retention",
            object_id="sweep",
            acting_user=acting_user,
        )
    return retention_sweep(at)


def retention_sweep(at: datetime | None = None, *, orphans: bool = False) -> Sweep | None:
    """Delete what is over in every store; None when nothing was. `orphans` looks through the object store
    as well, for objects that no row names (a result that was never recorded, a camera that was removed).
    """
    plan, tally = plan_at(at), _Tally()
    for store in registry.stores():
        _sweep_store(store, plan, tally)
    if orphans:
        _doom_orphans(plan, tally)
    tally.objects_gone += doomed_delete()
    Sweep.objects.filter(at__lt=now() - SWEEPS_KEPT).delete()
    if not tally.counts and not tally.objects_gone:
        return None
    return Sweep.objects.create(
        at=now(),
        counts=dict(tally.counts),
        objects_gone=tally.objects_gone,
        first_seq=min(tally.seqs, default=None),
        last_seq=max(tally.seqs, default=None),
    )


def _sweep_store(store: registry.Store, plan: Plan, tally: _Tally) -> None:
    for _step in range(MOST_STEPS):
        with transaction.atomic():
            plan = replace(plan, holds=held_spans(plan.at + GRACE))
            swept = store.sweep(plan, STEP_ROWS)
            if not swept.ids:
                return
            objects_doom(store.name, swept.keys)
            seq = _certify(store.name, plan, swept)
            # The certificate has locked the record, where a hold has to be entered too: one that is not seen
            # now comes after this deletion. One that was placed meanwhile takes it back.
            if held_spans(plan.at + GRACE) != plan.holds:
                transaction.set_rollback(True)
                continue
            registry.forget_outside(store, swept.ids)
        tally.seqs.append(seq)
        tally.counts[store.name] += len(swept.ids)
    logger.warning("retention: %s had more than %d rows to delete, the rest follows", store.name, STEP_ROWS)


def objects_doom(store_name: str, keys: Iterable[str]) -> None:
    """These objects have to leave the store; in the transaction that takes their rows."""
    at = now()
    rows = [DoomedObject(key=key, store=store_name, since=at) for key in keys]
    DoomedObject.objects.bulk_create(rows, ignore_conflicts=True)


def _certify(store_name: str, plan: Plan, swept: registry.Swept) -> int:
    """The certificate: what was deleted, counted and named by a hash over the sorted ids."""
    names = "\n".join(sorted(swept.ids)).encode()
    return audit.record_system(
        action="retention.deleted",
        object_type="store",
        object_id=store_name,
        details={
            "rows": len(swept.ids),
            "objects": len(swept.keys),
            "oldest": swept.oldest_at,
            "newest": swept.newest_at,
            "ids_sha256": hashlib.sha256(names).hexdigest(),
            "classes": {rule.code: rule.hours for rule in plan.rules},
            "at": plan.at + GRACE,
        },
    ).seq


def doomed_delete() -> int:
    """How many objects left. One that the store does not give up now is tried again by the next sweep."""
    gone = 0
    for row in DoomedObject.objects.all()[: STEP_ROWS * MOST_STEPS].iterator():
        try:
            object_delete(row.key)
        except Unavailable as error:
            logger.warning("retention: objects wait for the store: %s", error)
            return gone
        row.delete()
        gone += 1
    return gone


def _doom_orphans(plan: Plan, tally: _Tally) -> None:
    cutoff = now() - ORPHAN_AGE
    for prefix, store in registry.prefixes():
        for portion in objects_list(prefix):
            old = [item.key for item in portion if item.modified_at < cutoff]
            lost = tuple(sorted(set(old) - registry.keys_in_use(old))) if old else ()
            if lost:
                with transaction.atomic():
                    objects_doom(store.name, lost)
                    swept = registry.Swept(ids=lost, keys=lost)
                    tally.seqs.append(_certify(f"{store.name}.orphans", plan, swept))
                tally.counts[f"{store.name}.orphans"] += len(lost)
