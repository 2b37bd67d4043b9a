"""The lease of a camera: its settings, zones and models in the form that the data plane obeys.

A lease is computed from the database each time and holds nothing of its own. Its revision and id change
only when what it allows changes; `LeaseChange` keeps that history, so the `lease_id` of a result names what
was allowed when it was seen.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from apps.cameras.models import Camera, RedactionTarget
from apps.cameras.models import Zone as ZoneRow
from apps.cameras.sources import source_for
from apps.core.clock import now
from apps.dispatch.models import LeaseChange
from apps.registry.models import ModelVersion
from apps.registry.selectors import serving
from inference_workers.contracts.lease import (
    Lease,
    ModelRef,
    RedactionPolicy,
    RedactionStyle,
    Script,
    Stage,
    Zone,
    ZoneKind,
)

_TARGETS = {
    RedactionTarget.FACES: ("face",),
    RedactionTarget.HEADS: ("face", "head"),
    RedactionTarget.PERSONS: ("face", "person"),
}
_VOLATILE = ("lease_id", "issued_at", "valid_until", "revision")

Serving = Mapping[Stage, ModelVersion]


def lease_for(camera: Camera, models: Serving | None = None) -> Lease | None:
    """The lease of `camera` from now on; None when it is disabled.

    Writes a `LeaseChange` when the contents differ from those of the newest one.
    """
    if not camera.enabled:
        return None
    lease = _contents(camera, serving() if models is None else models)
    fingerprint = _fingerprint(lease)
    change = _newest(camera)
    if change is None or change.fingerprint != fingerprint:
        change = _change(camera, lease, fingerprint)
    return replace(lease, lease_id=str(change.pk), revision=change.revision)


def _newest(camera: Camera) -> LeaseChange | None:
    return LeaseChange.objects.filter(camera=camera).order_by("-revision").first()


def _change(camera: Camera, lease: Lease, fingerprint: str) -> LeaseChange:
    with transaction.atomic():
        Camera.objects.select_for_update().get(pk=camera.pk)
        newest = _newest(camera)
        if newest is not None and newest.fingerprint == fingerprint:
            return newest
        contents = _history(lease)
        return LeaseChange.objects.create(
            pk=uuid4(),
            camera=camera,
            revision=newest.revision + 1 if newest else 1,
            issued_at=now(),
            reason=_reason(newest.contents if newest else None, contents),
            fingerprint=fingerprint,
            contents=contents,
        )


def _contents(camera: Camera, models: Serving) -> Lease:
    stages = _stages(camera, models)
    issued_at = now().timestamp()
    return Lease(
        lease_id="",
        camera_id=str(camera.pk),
        camera_name=camera.name,
        time_zone=camera.zone_name,
        issued_at=issued_at,
        valid_until=issued_at + settings.LEASE_TTL_S,
        revision=0,
        source=source_for(camera),
        stages=stages,
        zones=tuple(_zone(row) for row in camera.zones.all()),
        models={stage.value: model_ref(models[stage]) for stage in stages if stage in models},
        redaction=_redaction(camera),
        script=Script(camera.script),
        analysis_fps=camera.analysis_fps,
        display_fps=camera.display_fps,
    )


def _stages(camera: Camera, models: Serving) -> tuple[Stage, ...]:
    """What may be done. A stage that no model can serve is left out, except looking for faces:

    without it the data plane covers the whole picture, which is what has to happen then.
    """
    wanted = [Stage.VIEW, Stage.FACES, Stage.MOTION]
    if camera.detect_objects:
        wanted.append(Stage.DETECT)
    if camera.read_text:
        wanted.append(Stage.TEXT)
    return tuple(stage for stage in wanted if stage in models or stage in (Stage.VIEW, Stage.FACES))


def _zone(row: ZoneRow) -> Zone:
    return Zone(
        zone_id=str(row.pk),
        name=row.name,
        kind=ZoneKind(row.kind),
        polygon=tuple((float(x), float(y)) for x, y in row.polygon),
        script=Script(row.script) if row.script else None,
    )


def model_ref(version: ModelVersion) -> ModelRef:
    return ModelRef(str(version.pk), version.name, version.family, version.sha256)


def _redaction(camera: Camera) -> RedactionPolicy:
    return RedactionPolicy(
        targets=_TARGETS[RedactionTarget(camera.redaction_target)],
        style=RedactionStyle(camera.redaction_style),
    )


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


def _reason(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    if before is None:
        return "first lease"
    changed = [name for name in after if before.get(name) != after[name]]
    return (", ".join(changed) or "credentials")[:80]
