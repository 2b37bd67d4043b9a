"""Model versions, and which of them serves each stage."""

from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, require, user_can
from apps.cameras.grants import Viewer
from apps.cameras.selectors import by_key
from apps.core.errors import NotFound
from apps.registry.choice import STAGE_TASK, best_version, usable
from apps.registry.models import ModelFamily, ModelTask, ModelVersion, StageAssignment
from inference_workers.contracts.lease import Stage


@dataclass(frozen=True, slots=True)
class StageState:
    """One stage as the pages show it. `assigned`: somebody chose the version; else it is the best present.

    `missing` says that no version can serve; `unusable` is an assigned version that is gone or broken.
    """

    stage: Stage
    version: ModelVersion | None
    assigned: bool
    unusable: ModelVersion | None = None

    @property
    def missing(self) -> bool:
        return self.version is None


def versions_all() -> QuerySet[ModelVersion]:
    return ModelVersion.objects.select_related("family_ref", "parent").order_by(
        "task", "name", "-first_seen_at"
    )


def version_get(user: Viewer, version_id: object) -> ModelVersion:
    require(user, Capability.SEE_MODELS)
    version = by_key(versions_all(), version_id).first()
    if version is None:
        raise NotFound(_("model version"))
    return version


def families_all() -> QuerySet[ModelFamily]:
    return ModelFamily.objects.annotate(version_count=Count("versions")).order_by("task", "name")


def family_get(user: Viewer, family_id: object) -> ModelFamily:
    require(user, Capability.SEE_MODELS)
    family = by_key(families_all(), family_id).first()
    if family is None:
        raise NotFound(_("model family"))
    return family


def stage_states() -> list[StageState]:
    """Every stage with the version that serves it now."""
    versions = list(versions_all().filter(present=True))
    assigned = {row.stage: row.version for row in StageAssignment.objects.select_related("version")}
    return [_state(stage, versions, assigned.get(stage)) for stage in STAGE_TASK]


def _state(stage: Stage, versions: list[ModelVersion], assigned: ModelVersion | None) -> StageState:
    if assigned is not None and usable(assigned):
        return StageState(stage, assigned, assigned=True)
    return StageState(stage, best_version(stage, versions), assigned=False, unusable=assigned)


def serving() -> dict[Stage, ModelVersion]:
    """The version that serves each stage; a stage that nothing can serve is absent."""
    return {state.stage: state.version for state in stage_states() if state.version is not None}


def detectors_for_zones(user: Viewer) -> list[ModelVersion]:
    """What the user may give to a zone; nothing for those who may not."""
    if not user_can(user, Capability.ASSIGN_MODELS):
        return []
    found = versions_all().filter(task=ModelTask.DETECTION, present=True)
    return [version for version in found if usable(version)]


def general_detector_missing() -> bool:
    """Whether people and objects are found by the built-in basic detector only, or by none."""
    version = serving().get(Stage.DETECT)
    return version is None or version.builtin
