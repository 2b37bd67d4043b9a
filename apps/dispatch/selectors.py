"""What the pages show of leases, and which of them was in force at a moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.cameras.models import Camera
from apps.detections.models import Event
from apps.dispatch.models import LeaseChange
from apps.rollouts.selectors import proved_between
from inference_workers.contracts.lease import Stage

PROOFS = 100
_CLOCKS = timedelta(seconds=2)  # by how much the clocks of the two planes may differ


def lease_newest(camera: Camera) -> LeaseChange | None:
    """What the newest lease of a camera allows; None for one that never had a lease."""
    return LeaseChange.objects.filter(camera=camera).order_by("-revision").first()


def lease_changes(cameras: Iterable[Camera], *, since: datetime | None = None) -> QuerySet[LeaseChange]:
    """What changed in the leases of cameras and when the data plane obeyed, newest first."""
    rows = LeaseChange.objects.filter(camera__in=[camera.pk for camera in cameras]).select_related(
        "camera__site"
    )
    if since is not None:
        rows = rows.filter(issued_at__gte=since)
    return rows.order_by("-issued_at", "-pk")


@dataclass(frozen=True, slots=True)
class Served:
    """Which version a stage of a camera had. `proved_sha256`: what the results of that moment carried, where
    they are still kept. `cascade`: what a classifier's answer is called. `zone`: whose own detector it is; of
    that results say nothing by themselves. Each is empty else."""

    stage: str
    name: str
    sha256: str
    version_id: str
    shadow: bool
    proved_sha256: str = ""
    cascade: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was allowed with a camera at `at`, from the history that the database does not let anybody change.

    `change` is None before the first lease. `until` is when the next change came. `settled` says that the
    data plane had confirmed the change by then; else the one before it may still have been obeyed.
    """

    at: datetime
    change: LeaseChange | None
    served: tuple[Served, ...]
    until: datetime | None
    settled: bool


def moment_of(camera: Camera, at: datetime) -> Moment:
    """Which versions and which settings served a camera at a moment, for every stage."""
    rows = LeaseChange.objects.filter(camera=camera)
    change = rows.filter(issued_at__lte=at).order_by("-revision").first()
    following = rows.filter(issued_at__gt=at).order_by("revision").first()
    until = following.issued_at if following else None
    if change is None:
        return Moment(at, None, (), until, settled=True)
    settled = change.confirmed_at is not None and change.confirmed_at <= at + _CLOCKS
    served = _served(change, proved_between(camera, at)) + _classified(camera, change, at)
    return Moment(at, change, served, until, settled)


def _classified(camera: Camera, change: LeaseChange, at: datetime) -> tuple[Served, ...]:
    """The classifiers of a moment, proven by the events that were seen then."""
    rows = [row for row in change.contents.get("cascades", ()) if row["model"] is not None]
    if not rows:
        return ()
    seen = Event.objects.filter(camera=camera, first_seen_at__lte=at, last_seen_at__gte=at)
    said = [attribute for found in seen.values_list("attributes", flat=True)[:PROOFS] for attribute in found]
    proved = {(item["cascade"], item["model_sha256"]) for item in said}

    def served(row: dict[str, Any]) -> Served:
        ref = row["model"]
        proof = _proof(ref["sha256"], [sha256 for cascade, sha256 in proved if cascade == row["cascade_id"]])
        return Served(
            row["stage"], ref["name"], ref["sha256"], ref["version_id"], False, proof, row["name"]
        )  # fmt: skip

    return tuple(served(row) for row in rows)


def _served(change: LeaseChange, proved: dict[str, list[str]]) -> tuple[Served, ...]:
    found: list[Served] = []
    for part in ("models", "shadows"):
        models: dict[str, dict[str, Any]] = change.contents.get(part, {})
        for stage, ref in sorted(models.items()):
            proof = _proof(ref["sha256"], proved.get(stage, [])) if part == "models" else ""
            found.append(_one(stage, ref, shadow=part == "shadows", proof=proof))
    if Stage.DETECT in change.contents.get("models", {}):
        zones = [zone for zone in change.contents.get("zones", ()) if zone.get("detector")]
        found += [_one(Stage.DETECT.value, zone["detector"], zone=zone["name"]) for zone in zones]
    return tuple(found)


def _one(stage: str, ref: dict[str, Any], *, shadow: bool = False, proof: str = "", zone: str = "") -> Served:
    return Served(stage, ref["name"], ref["sha256"], ref["version_id"], shadow, proof, zone=zone)


def _proof(wanted: str, seen: list[str]) -> str:
    """The hash that was to be there where it was, else the newest that was there instead."""
    return wanted if wanted in seen else next(iter(seen), "")
