"""Which version every camera is given now: the stage's, the camera's own, or what a rollout says."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from apps.cameras.models import Camera
from apps.registry.cascades import cascades_of
from apps.registry.choice import usable
from apps.registry.models import Cascade, ModelVersion
from apps.registry.selectors import serving
from apps.registry.zones import zone_detectors
from apps.rollouts.models import ACTIVE, CameraAssignment, Rollout, Strategy
from apps.rollouts.share import reached
from inference_workers.contracts.lease import Stage


@dataclass(frozen=True, slots=True)
class Choice:
    """Per stage the version that serves a camera, and the one that sees the same frames beside it.

    `zones`: by id, the detectors of zones that have one of their own, whatever serves the camera.
    `cascades`: what goes on to another model, also what cannot run now (`apps.registry.cascades.runs`).
    """

    models: Mapping[Stage, ModelVersion]
    shadows: Mapping[Stage, ModelVersion] = field(default_factory=dict)
    zones: Mapping[UUID, ModelVersion] = field(default_factory=dict)
    cascades: tuple[Cascade, ...] = ()


def choice_for(camera: Camera) -> Choice:
    return choices_for([camera])[camera.pk]


def choices_for(cameras: Sequence[Camera]) -> dict[UUID, Choice]:
    """The choice of every camera in a fixed number of queries."""
    of_stage = serving()
    own = own_versions(cameras)
    of_zones, cascades = zone_detectors(cameras), cascades_of(cameras)
    rollouts = list(Rollout.objects.filter(state__in=ACTIVE).select_related("base", "candidate"))
    members = {rollout.pk: cameras_reached(rollout, cameras) for rollout in rollouts}
    ready = {rollout.pk: members_of(rollout, cameras) for rollout in rollouts}
    return {
        camera.pk: replace(
            _choice({**of_stage, **own[camera.pk]}, camera, rollouts, members, ready),
            zones=of_zones,
            cascades=cascades.get(camera.pk, ()),
        )
        for camera in cameras
    }


def own_versions(cameras: Iterable[Camera]) -> dict[UUID, dict[Stage, ModelVersion]]:
    """The versions that were given to single cameras, as far as they can serve."""
    found: dict[UUID, dict[Stage, ModelVersion]] = defaultdict(dict)
    rows = CameraAssignment.objects.filter(camera__in=[camera.pk for camera in cameras])
    for row in rows.select_related("version"):
        if usable(row.version):
            found[row.camera_id][Stage(row.stage)] = row.version
    return found


def _choice(
    models: dict[Stage, ModelVersion],
    camera: Camera,
    rollouts: Sequence[Rollout],
    reached_by: Mapping[UUID, set[UUID]],
    member_of: Mapping[UUID, set[UUID]],
) -> Choice:
    shadows: dict[Stage, ModelVersion] = {}
    for rollout in rollouts:
        stage = Stage(rollout.stage)
        assigned = models.get(stage)
        # A camera that was meanwhile given another version than the base is no longer part of it.
        if assigned is None or assigned.pk != rollout.base_id or not usable(rollout.candidate):
            continue
        if camera.pk in reached_by[rollout.pk] and rollout.strategy != Strategy.SHADOW:
            models[stage], shadows[stage] = rollout.candidate, rollout.base
        elif camera.pk in _shadowed(rollout, reached_by, member_of):
            shadows[stage] = rollout.candidate
    return Choice(models, shadows)


def _shadowed(
    rollout: Rollout, reached_by: Mapping[UUID, set[UUID]], member_of: Mapping[UUID, set[UUID]]
) -> set[UUID]:
    """Where the candidate only looks on: a shadow's cameras, and all before blue changes to green."""
    if rollout.strategy == Strategy.SHADOW:
        return reached_by[rollout.pk]
    return member_of[rollout.pk] if rollout.strategy == Strategy.BLUE_GREEN else set()


def cameras_reached(rollout: Rollout, cameras: Sequence[Camera], percent: int | None = None) -> set[UUID]:
    """The cameras among these that a step of the rollout reaches; `percent` None: its step now."""
    share = rollout.percent if percent is None else percent
    pinned = rollout.pinned if share else ()
    return reached(
        rollout.salt,
        members_of(rollout, cameras),
        share,
        pinned=[UUID(key) for key in pinned],
        excluded=[UUID(key) for key in rollout.excluded],
    )


def members_of(rollout: Rollout, cameras: Sequence[Camera]) -> set[UUID]:
    """The cameras among these that the rollout is about: its sites, groups and cameras, or all."""
    scope = {name: set(rollout.scope.get(name, ())) for name in ("sites", "groups", "cameras")}
    excluded = set(rollout.excluded)
    candidates = [
        camera for camera in cameras if str(camera.pk) not in excluded and _looks(camera, rollout.stage)
    ]
    if not any(scope.values()):
        return {camera.pk for camera in candidates}
    groups = _groups_of(candidates) if scope["groups"] else {}
    return {
        camera.pk
        for camera in candidates
        if str(camera.site_id) in scope["sites"]
        or str(camera.pk) in scope["cameras"]
        or groups.get(camera.pk, frozenset()) & scope["groups"]
    }


def _looks(camera: Camera, stage: str) -> bool:
    """Whether the camera is set to do what the stage does."""
    if stage == Stage.DETECT:
        return camera.detect_objects
    return camera.read_text or stage != Stage.TEXT


def serving_candidate(rollout: Rollout, cameras: Sequence[Camera]) -> set[UUID]:
    """The cameras among these that the candidate serves now."""
    return _cameras_where(rollout, cameras, lambda choice: [choice.models])


def running_candidate(rollout: Rollout, cameras: Sequence[Camera]) -> set[UUID]:
    """The cameras among these on which the candidate serves or looks on."""
    return _cameras_where(rollout, cameras, lambda choice: [choice.models, choice.shadows])


def _cameras_where(
    rollout: Rollout,
    cameras: Sequence[Camera],
    parts: Callable[[Choice], list[Mapping[Stage, ModelVersion]]],
) -> set[UUID]:
    stage = Stage(rollout.stage)
    return {
        key
        for key, choice in choices_for(cameras).items()
        if any(stage in part and part[stage].pk == rollout.candidate_id for part in parts(choice))
    }


def _groups_of(cameras: Sequence[Camera]) -> dict[UUID, frozenset[str]]:
    rows = Camera.groups.through.objects.filter(camera__in=[camera.pk for camera in cameras])
    found: dict[UUID, set[str]] = defaultdict(set)
    for camera_id, group_id in rows.values_list("camera_id", "cameragroup_id"):
        found[camera_id].add(str(group_id))
    return {key: frozenset(values) for key, values in found.items()}
