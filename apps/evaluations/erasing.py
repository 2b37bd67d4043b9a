"""An erasure in labelled sets: what is left of a version becomes a new one, the old one loses its pictures.

A picture shows the person when its labels name what is erased as their source, or a camera of the house and
a moment at which the person was in its view. Models that were made with a version keep what they learned;
they are named.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from apps.audit import services as audit
from apps.core.errors import NotFound, Unavailable
from apps.core.objects import object_put, objects_list
from apps.evaluations.manifests import manifest_bytes, manifest_hashes, manifest_read
from apps.evaluations.models import ACTIVE_STATES, Evaluation, JobKind, SetState, SetVersion
from apps.evaluations.sets import number_next, placed_count
from apps.registry.models import ModelVersion
from apps.retention.erasure import Blind, Found, Ground, Learned, Reach, Target
from apps.retention.registry import Swept
from inference_workers.contracts.evaluations import (
    LabelledPicture,
    LabelledSet,
    job_prefix,
    manifest_key,
    picture_key,
)

AROUND = timedelta(seconds=2)  # what labels say of the moment is rounded, and clocks differ


class LabelledEraser:
    """One row here is one picture of one version: `VERSION/SHA-256`.

    A version that loses pictures is replaced once, by the one without all of them: hence all at once.
    """

    all_at_once = True

    def find(self, targets: Sequence[Target]) -> list[Found]:
        if not targets:
            return []
        versions = SetVersion.objects.filter(placed__gt=0).exclude(state=SetState.ERASED).order_by("pk")
        return [found for version in versions for found in _found_in(version, targets)]

    def erase(self, found: Sequence[Found], reason: str) -> Swept:
        going: dict[str, set[str]] = {}
        for item in found:
            version_id, _slash, sha256 = item.id.partition("/")
            going.setdefault(version_id, set()).add(sha256)
        rows = SetVersion.objects.select_for_update(of=("self",)).select_related("labelled_set")
        replaced = list(rows.filter(pk__in=going).order_by("number", "pk"))
        for version in replaced:
            _replace(version, going[str(version.pk)], reason)
        keys = {key for version in replaced for key in _keys_without_use(version)}
        moments = sorted(item.since for item in found)
        return Swept(tuple(item.id for item in found), tuple(sorted(keys)), moments[0], moments[-1])


def _found_in(version: SetVersion, targets: Sequence[Target]) -> Iterator[Found]:
    running = Evaluation.objects.filter(set_version=version, state__in=ACTIVE_STATES).exists()
    for picture in _labels(version).pictures:
        shown = _shown(picture, version.cameras, targets)
        if shown is not None:
            yield Found(
                f"{version.pk}/{picture.sha256}",
                shown.since,
                shown.until,
                shown.camera_id,
                ground=Ground.RUNNING if running else "",
            )


def _labels(version: SetVersion) -> LabelledSet:
    """What cannot be read cannot be searched: then nothing is erased at all."""
    try:
        return manifest_read(str(version.labelled_set_id), version.sha256)
    except NotFound as error:
        raise Unavailable("set_changed", f"The labels of {version} are not in the object store.") from error


def _shown(
    picture: LabelledPicture, cameras: Mapping[str, Sequence[str]], targets: Sequence[Target]
) -> Target | None:
    """The first target that the picture shows."""
    for target in targets:
        if picture.source == str(target.id):
            return target
        if picture.taken_at and str(target.camera_id) in cameras.get(picture.camera, ()):
            moment = datetime.fromtimestamp(picture.taken_at, UTC)
            if target.since - AROUND <= moment <= target.until + AROUND:
                return target
    return None


def _replace(version: SetVersion, going: Collection[str], reason: str) -> None:
    labelled = _labels(version)
    left = tuple(picture for picture in labelled.pictures if picture.sha256 not in going)
    version.replaced_by = _successor(version, LabelledSet(labelled.classes, left))
    version.state, version.must_pass = SetState.ERASED, []
    version.went = {
        "pictures": len(labelled.pictures) - len(left),
        "sha256": hashlib.sha256("\n".join(sorted(going)).encode()).hexdigest(),
    }
    version.save(update_fields=["replaced_by", "state", "must_pass", "went"])
    made = version.replaced_by
    audit.record_change(
        action="labelled_set.replaced",
        object_type="labelled_set",
        object_id=str(version.pk),
        details={
            "set": str(version),
            "sha256": version.sha256,
            "went": version.went,
            "by": str(made) if made is not None else None,
            "by_sha256": made.sha256 if made is not None else None,
            "reason": reason,
        },
    )


def _successor(version: SetVersion, left: LabelledSet) -> SetVersion | None:
    """The version with what is left; None where nothing can be measured on that, or never could.

    Two versions may be the same once the pictures are gone. The labels are written before the commit: without
    it they name pictures that are there all the same, and the next attempt writes the same bytes.
    """
    if version.state != SetState.READY or not any(picture.boxes for picture in left.pictures):
        return None
    data, sha256 = manifest_bytes(left)
    there = {picture.sha256 for picture in left.pictures}
    known = version.labelled_set.versions.filter(sha256=sha256, state=SetState.READY).first()
    if known is not None:
        return known
    set_id = str(version.labelled_set_id)
    object_put(manifest_key(set_id, sha256), data)
    return SetVersion.objects.create(
        labelled_set=version.labelled_set,
        number=number_next(version.labelled_set),
        sha256=sha256,
        form=version.form,
        pictures=len(left.pictures),
        objects_labelled=sum(len(picture.boxes) for picture in left.pictures),
        bytes=len(data) + _bytes_of(set_id, there),
        classes=list(left.classes),
        slices=_cameras_counted(version, left),
        must_pass=[known for known in version.must_pass if known in there],
        cameras=version.cameras,
        placed=placed_count(left.pictures, version.cameras),
        state=SetState.READY,  # its pictures were opened when the version before was checked
        keep_until=version.keep_until,
    )


def _bytes_of(set_id: str, there: Collection[str]) -> int:
    keys = {picture_key(set_id, sha256) for sha256 in there}
    listed = (one for portion in objects_list(picture_key(set_id, "")) for one in portion)
    return sum(one.bytes for one in listed if one.key in keys)


def _cameras_counted(version: SetVersion, left: LabelledSet) -> dict[str, int]:
    """As the check counts them. Of the light only what labels say is known without opening the pictures, so
    that goes unless they say it of all."""
    lit = all(picture.light for picture in left.pictures)
    names = [f"camera:{p.camera}" for p in left.pictures if p.camera]
    names += [f"light:{p.light}" for p in left.pictures] if lit else []
    return {name: names.count(name) for name in version.slices if name in names}


def _keys_without_use(version: SetVersion) -> Iterator[str]:
    """The labels of a version that was replaced, its pictures that no other version has, and what comparisons
    and measurements on it kept picture by picture."""
    set_id = str(version.labelled_set_id)
    own = manifest_hashes(set_id, version.sha256)
    for other in version.labelled_set.versions.exclude(state=SetState.ERASED):
        own -= manifest_hashes(set_id, other.sha256)
    yield manifest_key(set_id, version.sha256)
    yield from (picture_key(set_id, sha256) for sha256 in own)
    for job_id in Evaluation.objects.filter(set_version=version).values_list("pk", flat=True):
        yield from below(f"{job_prefix(str(job_id))}/pictures/")
        yield from below(f"{job_prefix(str(job_id))}/portions/")


def below(prefix: str) -> list[str]:
    return [listed.key for portion in objects_list(prefix) for listed in portion]


def reach_of_pictures(found: Sequence[Found]) -> Reach:
    """Which versions of models were made with these pictures, and which sets cannot be searched."""
    versions = SetVersion.objects.filter(pk__in={item.id.partition("/")[0] for item in found})
    blind = SetVersion.objects.exclude(state=SetState.ERASED).order_by("labelled_set__name", "number")
    return Reach(
        tuple(models_made_with(_and_before(versions))),
        tuple(
            Blind(str(row), row.pictures - row.placed, row.pictures)
            for row in blind.select_related("labelled_set")
            if row.placed < row.pictures
        ),
    )


def _and_before(versions: Collection[SetVersion]) -> list[SetVersion]:
    """These and those that they replaced, which had every picture of theirs."""
    found: dict[UUID, SetVersion] = {}
    waiting = [version.pk for version in versions]
    while waiting:
        rows = SetVersion.objects.filter(pk__in=waiting).select_related("labelled_set")
        found |= {row.pk: row for row in rows}
        after = SetVersion.objects.filter(replaced_by__in=waiting).values_list("pk", flat=True)
        waiting = [key for key in after if key not in found]
    return sorted(found.values(), key=lambda row: (row.labelled_set.name, row.number))


def models_made_with(versions: Sequence[SetVersion]) -> Iterator[Learned]:
    """Versions whose training data names one of these, variants that were calibrated on one, and whatever was
    made from them; each once."""
    learned: dict[UUID, Learned] = {}
    for version in versions:
        for model in _trained_on(version):
            learned.setdefault(model.pk, Learned(model.name, model.sha256, str(version)))
    waiting = set(learned)
    while waiting:
        children = ModelVersion.objects.filter(parent__in=waiting).exclude(pk__in=learned)
        made = {child.pk: child for child in children}
        for child in made.values():
            source = learned[child.parent_id].source if child.parent_id in learned else ""
            learned[child.pk] = Learned(child.name, child.sha256, source)
        waiting = set(made)
    yield from sorted(learned.values(), key=lambda made: (made.source, made.model, made.sha256))


def _trained_on(version: SetVersion) -> Iterator[ModelVersion]:
    calibrated = Evaluation.objects.filter(kind=JobKind.VARIANT, set_version=version, made__isnull=False)
    yield from ModelVersion.objects.filter(pk__in=calibrated.values("made"))
    for model in ModelVersion.objects.exclude(training_data="").order_by("name", "sha256"):
        if names(model.training_data, version):
            yield model


def names(reference: str, version: SetVersion) -> bool:
    """Whether a reference of training data means this version: by its id, by the hash of its labels (twelve
    digits or more), as `NAME vNUMBER`, or by the set's name without a number, which may mean any."""
    text = reference.casefold()
    if str(version.pk) in text or version.sha256[:12] in text:
        return True
    name = re.escape(version.labelled_set.name.casefold())
    numbers = re.findall(rf"(?<!\w){name}(?!\w)(?:\s+v(\d+)(?!\w))?", text)
    return any(number in ("", str(version.number)) for number in numbers)
