"""Writing which version has a stage, for those who have asked whether they may and who put it on record."""

from apps.core.events import publish
from apps.registry.models import ModelVersion, StageAssignment, VersionStatus


def stage_give(*, stage: str, version: ModelVersion | None) -> None:
    """Inside of the caller's transaction. None: Vidette chooses again."""
    if version is None:
        StageAssignment.objects.filter(stage=stage).delete()
    else:
        StageAssignment.objects.update_or_create(stage=stage, defaults={"version": version})


def variant_judged(*, version: ModelVersion, passed: bool) -> None:
    """Inside of the caller's transaction, which puts the gate's decision on record."""
    status = VersionStatus.READY if passed else VersionStatus.REFUSED
    ModelVersion.objects.filter(pk=version.pk, status=VersionStatus.GATED).update(status=status)
    publish("stages.changed")
