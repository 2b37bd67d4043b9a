"""Writing which version has a stage, for those who have asked whether they may and who put it on record."""

from apps.registry.models import ModelVersion, StageAssignment


def stage_give(*, stage: str, version: ModelVersion | None) -> None:
    """Inside of the caller's transaction. None: Vidette chooses again."""
    if version is None:
        StageAssignment.objects.filter(stage=stage).delete()
    else:
        StageAssignment.objects.update_or_create(stage=stage, defaults={"version": version})
