"""How a file is to be covered: checked here once, kept with the row, told to every step."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.cameras.geometry import polygon_checked
from apps.core.errors import Invalid, Unavailable
from apps.registry.choice import usable
from apps.registry.models import ModelVersion
from apps.registry.selectors import serving, versions_all
from inference_workers.contracts.lease import ModelRef, RedactionPolicy, RedactionStyle, Stage
from inference_workers.contracts.redactions import Audio, RedactionJob
from inference_workers.contracts.redactions import RedactionOptions as Told

TARGETS = ("face", "head", "person", "text")
FACE_FAMILIES = ("yunet", "centerface")
MAX_MASKS = 32
_PERSON = "person"


@dataclass(frozen=True, slots=True)
class Options:
    """What the person chose. `editable` keeps the upload for some hours after the result is ready."""

    targets: tuple[str, ...] = ("face",)
    style: str = RedactionStyle.MOSAIC.value
    audio: str = Audio.DROP.value
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()
    editable: bool = True


def options_checked(
    *,
    targets: Sequence[str] = ("face",),
    style: str = RedactionStyle.MOSAIC.value,
    audio: str = Audio.DROP.value,
    masks: object = (),
    editable: bool = True,
) -> Options:
    """Raises Invalid with the name of the field that is wrong."""
    unknown = sorted(set(targets) - set(TARGETS))
    if unknown or not targets:
        values = {"known": ", ".join(TARGETS), "got": ", ".join(unknown)[:80]}
        message = _("targets: expected at least one of %(known)s, got “%(got)s”.") % values
        raise Invalid("invalid_targets", message, field="targets")
    return Options(
        targets=tuple(name for name in TARGETS if name in targets),
        style=_one_of("style", style, [item.value for item in RedactionStyle]),
        audio=_one_of("audio", audio, [item.value for item in Audio]),
        masks=_masks(masks),
        editable=editable,
    )


def _one_of(field: str, value: str, known: Sequence[str]) -> str:
    if value in known:
        return value
    values = {"field": field, "known": ", ".join(known), "got": value[:40]}
    message = _("%(field)s: expected one of %(known)s, got “%(got)s”.") % values
    raise Invalid(f"invalid_{field}", message, field=field)


def _masks(masks: object) -> tuple[tuple[tuple[float, float], ...], ...]:
    if not isinstance(masks, Sequence) or isinstance(masks, (str, bytes)) or len(masks) > MAX_MASKS:
        message = _("masks: expected a list of at most %(most)d polygons.") % {"most": MAX_MASKS}
        raise Invalid("invalid_masks", message, field="masks")
    return tuple(tuple((x, y) for x, y in polygon_checked(mask)) for mask in masks)


def models_now(targets: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """The model versions that will look, by stage. Unavailable when one that is needed is missing."""
    versions = serving()
    chosen = {Stage.FACES: _face_versions(versions.get(Stage.FACES))}
    if {"head", "person"} & set(targets):
        chosen[Stage.DETECT] = _knows_persons(versions.get(Stage.DETECT))
    if "text" in targets:
        chosen[Stage.TEXT] = [versions[Stage.TEXT]] if Stage.TEXT in versions else []
    missing = [stage.value for stage, found in chosen.items() if not found]
    if missing:
        message = _(
            "No model is present for: %(stages)s. A GPU worker has to run and to announce one; "
            "the page “Models” shows what is there."
        )
        raise Unavailable("models_missing", message % {"stages": ", ".join(missing)})
    return {stage.value: [asdict(_ref(version)) for version in found] for stage, found in chosen.items()}


def _ref(version: ModelVersion) -> ModelRef:
    return ModelRef(str(version.pk), version.name, version.family, version.sha256)


def _face_versions(serving_now: ModelVersion | None) -> list[ModelVersion]:
    """The one that serves the cameras, and one of each other family that looks at full size: a file has
    time, and what any of them finds is covered."""
    if serving_now is None:
        return []
    found = {serving_now.family: serving_now}
    for version in versions_all().filter(task="face", family__in=FACE_FAMILIES):
        if usable(version):
            found.setdefault(version.family, version)
    return list(found.values())


def _knows_persons(version: ModelVersion | None) -> list[ModelVersion]:
    return [version] if version is not None and _PERSON in version.classes else []


def job_told(job_id: str, options: Mapping[str, Any], chosen: Mapping[str, Any]) -> RedactionJob:
    """The job as every step is told of it."""
    refs = {stage: tuple(ModelRef(**ref) for ref in found) for stage, found in chosen.items()}
    policy = RedactionPolicy(targets=tuple(options["targets"]), style=RedactionStyle(options["style"]))
    masks = tuple(tuple((x, y) for x, y in mask) for mask in options["masks"])
    return RedactionJob(
        job_id=job_id,
        face_models=refs[Stage.FACES],
        person_model=next(iter(refs.get(Stage.DETECT, ())), None),
        text_model=next(iter(refs.get(Stage.TEXT, ())), None),
        options=Told(policy=policy, audio=Audio(options["audio"]), masks=masks),
    )
