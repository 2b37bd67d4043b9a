"""The immutable histories: steps of a rollout, and states of what is assigned."""

import hashlib
import json
from typing import Any

from apps.accounts.models import User
from apps.core.clock import now
from apps.core.context import current_context
from apps.registry.choice import STAGE_TASK
from apps.registry.kept import cascades_now, zones_now
from apps.registry.models import StageAssignment
from apps.registry.selectors import serving
from apps.rollouts.models import CameraAssignment, Rollout, RolloutStep, ServingEntry


def step_append(
    rollout: Rollout, action: str, acting_user: User | None, details: dict[str, Any] | None = None
) -> RolloutStep:
    """One line of the rollout's history, inside of the transaction of what it tells."""
    context = current_context()
    return RolloutStep.objects.create(
        rollout=rollout,
        number=RolloutStep.objects.filter(rollout=rollout).count() + 1,
        at=now(),
        action=action,
        state=rollout.state,
        percent=rollout.percent,
        actor_id=str(acting_user.pk) if acting_user else context.actor_id,
        actor_name=acting_user.get_username() if acting_user else context.actor_name,
        details=details or {},
    )


def serving_note(action: str, acting_user: User | None = None) -> ServingEntry | None:
    """Keep what is assigned now, when it differs from the newest entry; None when it does not."""
    contents = _assigned()
    fingerprint = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    newest = ServingEntry.objects.first()
    if newest is not None and newest.fingerprint == fingerprint:
        return None
    context = current_context()
    return ServingEntry.objects.create(
        number=newest.number + 1 if newest else 1,
        at=now(),
        action=action,
        actor_id=str(acting_user.pk) if acting_user else context.actor_id,
        actor_name=acting_user.get_username() if acting_user else context.actor_name,
        fingerprint=fingerprint,
        contents=contents,
    )


def _assigned() -> dict[str, Any]:
    stages: dict[str, str | None] = {stage.value: None for stage in STAGE_TASK}
    stages |= {row.stage: str(row.version_id) for row in StageAssignment.objects.all()}
    cameras: dict[str, dict[str, str]] = {}
    for row in CameraAssignment.objects.order_by("stage", "camera_id"):
        cameras.setdefault(row.stage, {})[str(row.camera_id)] = str(row.version_id)
    # What that came to: where nobody assigned a version, going back means the one that served then.
    served: dict[str, str | None] = {stage.value: None for stage in STAGE_TASK}
    served |= {stage.value: str(version.pk) for stage, version in serving().items()}
    return {
        "stages": stages,
        "cameras": cameras,
        "serving": served,
        "zones": zones_now(),
        "cascades": cascades_now(),
    }
