"""The lease of a camera: its settings, zones and models in the form that the data plane obeys.

A lease is computed from the database each time and holds nothing of its own. It allows what the register of
purposes allows and the camera is set to do; a camera without a basis gets none. Its revision and id change
only when what it allows changes; `LeaseChange` keeps that history, so the `lease_id` of a result names what
was allowed when it was seen.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from apps.cameras.models import Camera
from apps.cameras.models import Zone as ZoneRow
from apps.cameras.sources import source_for
from apps.consent.basis import NOTHING_TO_STREAM, Basis, ZoneLimit
from apps.consent.models import PurposeStage
from apps.consent.selectors import basis_of
from apps.core.clock import now
from apps.detections.results import withheld_set
from apps.dispatch.covers import covers_text, redaction_of, zone_targets
from apps.dispatch.models import LeaseChange
from apps.recordings.policy import recording_policy
from apps.registry.cascades import runs
from apps.registry.models import Cascade as CascadeRow
from apps.registry.models import ModelVersion
from apps.rollouts.choices import Choice, choice_for
from inference_workers.contracts.lease import (
    Cascade,
    Lease,
    ModelRef,
    Script,
    Stage,
    Zone,
    ZoneKind,
)
from inference_workers.contracts.recording import RecordingPolicy

_VOLATILE = ("lease_id", "issued_at", "valid_until", "revision")
# When the register allows less from a moment on, a new lease says so at that moment. Should it not arrive,
# the old one runs out this much later: within the five seconds in which a lost basis has to take effect.
NARROWING_GRACE = timedelta(seconds=3)
_SEEN_BY_PEOPLE = (Stage.VIEW, Stage.MOTION, Stage.DETECT, Stage.TEXT)
_LIMITS = {
    PurposeStage.VIEW: ZoneKind.PRIVACY_MASK,
    PurposeStage.DETECT: ZoneKind.IGNORE,
    PurposeStage.TEXT: ZoneKind.NO_TEXT,
}

Serving = Mapping[Stage, ModelVersion]


def lease_for(
    camera: Camera,
    choice: Choice | None = None,
    basis: Basis | None = None,
    recording: RecordingPolicy | None = None,
) -> Lease | None:
    """The lease of `camera` from now on; None when it is disabled or the register of purposes allows nothing.

    Writes a `LeaseChange` when the contents, or the reason to withhold it, differ from those of the newest.
    """
    if not camera.enabled:
        return None
    basis = basis_of(camera) if basis is None else basis
    lease = _contents(camera, choice_for(camera) if choice is None else choice, basis)
    lease = replace(lease, recording=recording_policy(camera) if recording is None else recording)
    withheld = _withheld(lease, basis)
    fingerprint = f"withheld:{withheld}" if withheld else _fingerprint(lease)
    change = _newest(camera)
    if change is None or change.fingerprint != fingerprint:
        change = _change(camera, lease, fingerprint, withheld)
    return None if withheld else replace(lease, lease_id=str(change.pk), revision=change.revision)


def _withheld(lease: Lease, basis: Basis) -> str:
    """Why there is no lease; empty when there is one."""
    if not basis.streams:
        return basis.code
    return "" if set(lease.stages) & set(_SEEN_BY_PEOPLE) else NOTHING_TO_STREAM


def _newest(camera: Camera) -> LeaseChange | None:
    return LeaseChange.objects.filter(camera=camera).order_by("-revision").first()


def _change(camera: Camera, lease: Lease, fingerprint: str, withheld: str) -> LeaseChange:
    with transaction.atomic():
        Camera.objects.select_for_update().get(pk=camera.pk)
        newest = _newest(camera)
        if newest is not None and newest.fingerprint == fingerprint:
            return newest
        withheld_set(camera.pk, withheld)
        contents = {"stages": []} if withheld else _history(lease)
        return LeaseChange.objects.create(
            pk=uuid4(),
            camera=camera,
            revision=newest.revision + 1 if newest else 1,
            issued_at=now(),
            reason=f"withheld: {withheld}" if withheld else _reason(newest, contents),
            fingerprint=fingerprint,
            contents=contents,
            withheld=withheld,
        )


def _contents(camera: Camera, choice: Choice, basis: Basis) -> Lease:
    zones = _zones(camera, basis, choice.zones)
    served = _served(choice.models)
    stages = _stages(camera, served, basis, zones, choice.cascades)
    issued_at = now()
    valid_until = issued_at + timedelta(seconds=settings.LEASE_TTL_S)
    if basis.narrows_at is not None:
        valid_until = min(valid_until, basis.narrows_at + NARROWING_GRACE)
    return Lease(
        lease_id="",
        camera_id=str(camera.pk),
        camera_name=camera.name,
        time_zone=camera.zone_name,
        issued_at=issued_at.timestamp(),
        valid_until=valid_until.timestamp(),
        revision=0,
        source=source_for(camera),
        stages=stages,
        zones=zones,
        models={stage.value: model_ref(served[stage]) for stage in stages if stage in served},
        shadows={stage.value: model_ref(row) for stage, row in choice.shadows.items() if stage in stages},
        redaction=redaction_of(camera),
        script=Script(camera.script),
        analysis_fps=camera.analysis_fps,
        display_fps=camera.display_fps,
        basis=tuple(sorted(f"{entry.pk}@{entry.version}" for entry in basis.entries)),
        cascades=tuple(_cascade(row) for row in choice.cascades if runs(row) and Stage(row.stage) in stages),
    )


def _stages(
    camera: Camera, models: Serving, basis: Basis, zones: tuple[Zone, ...], cascades: Sequence[CascadeRow]
) -> tuple[Stage, ...]:
    """What may be done: what the register allows and the camera is set to do.

    A stage that no model can serve is left out, except looking for faces: without it the data plane covers
    the whole picture, which is what has to happen then. Crops are named where things may be found. Text
    that is to be read on crops is not read at all where nothing is found: never more than was asked for.
    """
    wanted = [Stage.FACES]
    if PurposeStage.VIEW in basis.stages:
        wanted.insert(0, Stage.VIEW)
    if PurposeStage.DETECT in basis.stages:
        wanted += [Stage.MOTION, Stage.DETECT] if camera.detect_objects else [Stage.MOTION]
    if PurposeStage.TEXT in basis.stages and camera.read_text and not _lost_its_text_zones(camera, zones):
        wanted.append(Stage.TEXT)
    if covers_text(camera):
        wanted.append(Stage.TEXT_BOXES)
    allowed = [stage for stage in wanted if stage in models or stage in (Stage.VIEW, Stage.FACES)]
    steps = {Stage(row.stage) for row in cascades if runs(row)}
    if Stage.DETECT not in allowed:
        return tuple(stage for stage in allowed if stage is not Stage.TEXT or stage not in steps)
    return (*allowed, Stage.CLASSIFY) if Stage.CLASSIFY in steps else tuple(allowed)


def _cascade(row: CascadeRow) -> Cascade:
    return Cascade(
        cascade_id=str(row.pk),
        stage=Stage(row.stage),
        labels=tuple(row.labels),
        name=row.name,
        model=None if row.version is None else model_ref(row.version),
        zone_id=str(row.zone_id) if row.zone_id else None,
        script=Script(row.zone.script) if row.zone is not None and row.zone.script else None,
        every_s=row.every_s,
    )


def _served(models: Serving) -> Serving:
    """Text to cover is found by the finder of the model that reads."""
    if Stage.TEXT not in models:
        return models
    return {**models, Stage.TEXT_BOXES: models[Stage.TEXT]}


def _lost_its_text_zones(camera: Camera, zones: tuple[Zone, ...]) -> bool:
    """Without any zone to read the data plane reads everywhere: not when the register took the zones away."""
    drawn = any(row.kind == ZoneKind.READ_TEXT for row in camera.zones.all())
    return drawn and not any(zone.kind is ZoneKind.READ_TEXT for zone in zones)


def _zones(camera: Camera, basis: Basis, detectors: Mapping[UUID, ModelVersion]) -> tuple[Zone, ...]:
    """The zones as they are drawn, less those that may not be read, and the limits that the register sets."""
    unread = {str(limit.zone_key) for limit in basis.zones if PurposeStage.TEXT not in limit.stages}
    drawn = [_zone(row, detectors.get(row.pk)) for row in camera.zones.all()]
    kept = [
        replace(zone, kind=ZoneKind.COVER)
        if zone.kind is ZoneKind.READ_TEXT and zone.zone_id in unread
        else zone
        for zone in drawn
    ]
    return (*kept, *(zone for limit in basis.zones for zone in _limiting(limit, basis)))


def _limiting(limit: ZoneLimit, basis: Basis) -> list[Zone]:
    missing = [stage for stage in _LIMITS if stage in basis.stages and stage not in limit.stages]
    return [
        Zone(f"{limit.zone_key}:{stage.value}", "register of purposes", _LIMITS[stage], limit.polygon)
        for stage in missing
    ]


def _zone(row: ZoneRow, detector: ModelVersion | None) -> Zone:
    return Zone(
        zone_id=str(row.pk),
        name=row.name,
        kind=ZoneKind(row.kind),
        polygon=tuple((float(x), float(y)) for x, y in row.polygon),
        script=Script(row.script) if row.script else None,
        targets=zone_targets(row),
        detector=None if detector is None else model_ref(detector),
    )


def model_ref(version: ModelVersion) -> ModelRef:
    return ModelRef(str(version.pk), version.name, version.family, version.sha256)


def _stable(lease: Lease) -> dict[str, Any]:
    return {name: value for name, value in asdict(lease).items() if name not in _VOLATILE}


def _fingerprint(lease: Lease) -> str:
    text = json.dumps(_stable(lease), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _history(lease: Lease) -> dict[str, Any]:
    """What is kept of a lease: everything but the credentials."""
    contents: dict[str, Any] = json.loads(json.dumps(_stable(lease)))
    contents["source"]["sealed_credentials"] = lease.source.sealed_credentials is not None
    return contents


def _reason(newest: LeaseChange | None, after: dict[str, Any]) -> str:
    if newest is None:
        return "first lease"
    if newest.withheld:
        return "allowed again"
    changed = [name for name in after if newest.contents.get(name) != after[name]]
    return (", ".join(changed) or "credentials")[:80]
