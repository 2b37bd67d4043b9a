"""How people and text are covered, as the lease says it: settings of the camera, of its zones, and leaks."""

from django.conf import settings

from apps.cameras.models import Camera, RedactionTarget, ZoneTarget
from apps.cameras.models import Zone as ZoneRow
from apps.monitoring.selectors import policy_is_raised
from inference_workers.contracts.lease import RedactionPolicy, RedactionStyle, Target

_CAMERA_TARGETS = {
    RedactionTarget.FACES: (Target.FACE,),
    RedactionTarget.HEADS: (Target.FACE, Target.HEAD),
    RedactionTarget.PERSONS: (Target.FACE, Target.PERSON),
}
_ZONE_TARGETS = {
    ZoneTarget.CAMERA: (),
    ZoneTarget.HEADS: (Target.HEAD,),
    ZoneTarget.PERSONS: (Target.PERSON,),
}


def redaction_of(camera: Camera) -> RedactionPolicy:
    """The camera's policy; whole persons while its leaks wait for a person's decision."""
    raised = policy_is_raised(camera)
    target = RedactionTarget.PERSONS if raised else RedactionTarget(camera.redaction_target)
    targets = [*_CAMERA_TARGETS[target], *_text(camera.redact_text)]
    return RedactionPolicy(
        targets=tuple(item.value for item in targets),
        style=RedactionStyle(camera.redaction_style),
        display_delay_s=camera.display_delay_s,
        second_looks_per_h=settings.LEAK_SAMPLES_PER_H,
    )


def zone_targets(zone: ZoneRow) -> tuple[str, ...]:
    """What is covered in a zone in addition to its camera's targets."""
    targets = [*_ZONE_TARGETS[ZoneTarget(zone.redaction_target)], *_text(zone.redact_text)]
    return tuple(item.value for item in targets)


def covers_text(camera: Camera) -> bool:
    """Whether text has to be found, somewhere in the picture, to be covered."""
    return camera.redact_text or any(zone.redact_text for zone in camera.zones.all())


def _text(wanted: bool) -> tuple[Target, ...]:
    return (Target.TEXT,) if wanted else ()
