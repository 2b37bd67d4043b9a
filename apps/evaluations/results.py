"""Results as the data plane left them, and the redacted pictures that they show."""

import json
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import NotFound
from apps.core.objects import object_get
from apps.core.pictures import jpeg_response
from apps.evaluations.models import Evaluation, JobKind, JobState, SetState
from inference_workers.contracts.evaluations import outcome_key, shown_key

MAX_PICTURES = 200


def result_open(user: User, evaluation: Evaluation, purpose: str) -> dict[str, Any]:
    """The whole result for a person. A replay says when somebody was in view: that is on record first."""
    if evaluation.camera_id is not None and evaluation.state == JobState.DONE:
        with transaction.atomic():
            audit.record_access(
                action="evaluation.replay",
                object_type="evaluation",
                object_id=str(evaluation.pk),
                camera_id=evaluation.camera_id,
                redacted=True,
                details={"since": evaluation.since, "until": evaluation.until},
                acting_user=user,
                purpose=purpose,
            )
    return result_read(evaluation)


def result_read(evaluation: Evaluation) -> dict[str, Any]:
    """The whole result; NotFound before there is one. It holds boxes and figures, no picture."""
    if evaluation.state != JobState.DONE or evaluation.kind == JobKind.GATE:
        raise NotFound(_("result"))
    found = json.loads(object_get(outcome_key(str(evaluation.pk))))
    if not isinstance(found, dict):
        raise NotFound(_("result"))
    return found


def pictures_shown(evaluation: Evaluation) -> int:
    """How many pictures the result shows; none after their source was deleted."""
    if evaluation.kind == JobKind.COMPARE:
        source = evaluation.set_version
        if source is None or source.state == SetState.ERASED:
            return 0
    return min(MAX_PICTURES, int(evaluation.summary.get("shown", 0)))


def picture_open(user: User, evaluation: Evaluation, number: int, purpose: str) -> HttpResponse:
    """One picture with its faces covered; that it was looked at is on record before it is shown."""
    require(user, Capability.EVALUATE_MODELS)
    if not 0 <= number < pictures_shown(evaluation):
        raise NotFound(_("picture"))
    jpeg = object_get(shown_key(str(evaluation.pk), f"{number:03d}"))
    with transaction.atomic():
        audit.record_access(
            action="evaluation.picture",
            object_type="evaluation",
            object_id=str(evaluation.pk),
            camera_id=evaluation.camera_id,
            redacted=True,
            details={"picture": number, "set": evaluation.set_name or None},
            acting_user=user,
            purpose=purpose,
        )
    return jpeg_response(jpeg, "image")
