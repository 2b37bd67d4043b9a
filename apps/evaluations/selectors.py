"""Who may see which evaluation: model owners and compliance all of them, replays with the camera's grant."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, require
from apps.cameras.grants import Viewer
from apps.cameras.selectors import by_key, cameras_for
from apps.core.errors import NotFound
from apps.evaluations.manifests import manifest_read
from apps.evaluations.models import Evaluation, JobKind, JobState, SetState, SetVersion
from apps.registry.models import ModelVersion

DETECTION = "detection"


def latest_comparison(candidate: ModelVersion, base: ModelVersion) -> Evaluation | None:
    """The newest finished comparison of `candidate` with `base`, for whoever starts something with it."""
    done = Evaluation.objects.filter(
        kind=JobKind.COMPARE, state=JobState.DONE, candidate=candidate, base=base
    )
    return done.select_related("set_version").order_by("-finished_at", "-id").first()


def evaluations_for(user: Viewer) -> QuerySet[Evaluation]:
    """Newest first. A replay is seen by those who may see its camera's pictures."""
    require(user, Capability.SEE_MODELS)
    cameras = cameras_for(user, Capability.EVALUATE_MODELS).order_by().values("pk")
    rows = Evaluation.objects.filter(Q(camera=None) | Q(camera__in=cameras))
    return rows.select_related("candidate", "base", "set_version", "created_by", "camera").order_by(
        "-created_at", "-id"
    )


def evaluation_get(user: Viewer, evaluation_id: object) -> Evaluation:
    found = by_key(evaluations_for(user), evaluation_id).first()
    if found is None:
        raise NotFound(_("evaluation"))
    return found


def evaluations_of(user: Viewer, version: ModelVersion) -> QuerySet[Evaluation]:
    """Comparisons and replays in which the version was one of the two, the newest first."""
    rows = evaluations_for(user).filter(kind__in=(JobKind.COMPARE, JobKind.REPLAY))
    return rows.filter(Q(candidate=version) | Q(base=version))


def sets_for(user: Viewer) -> QuerySet[SetVersion]:
    """Every version of every labelled set: names and counts, no picture."""
    require(user, Capability.SEE_MODELS)
    return SetVersion.objects.select_related("labelled_set").order_by("labelled_set__name", "-number", "pk")


def set_get(user: Viewer, set_version_id: object) -> SetVersion:
    found = by_key(sets_for(user), set_version_id).first()
    if found is None:
        raise NotFound(_("labelled set"))
    return found


@dataclass(frozen=True, slots=True)
class SetPicture:
    """One picture of a set as its labels tell it; nobody opens it. `found`: objects by class."""

    sha256: str
    name: str
    camera: str
    light: str
    found: dict[str, int]
    must_pass: bool


def pictures_of(
    user: Viewer, version: SetVersion, *, search: str = "", marked: bool = False
) -> list[SetPicture]:
    """In the order of the labels: those whose name or camera has the words, `marked` those that must pass.

    None of a version that an erasure replaced: its labels are gone.
    """
    require(user, Capability.SEE_MODELS)
    if version.state == SetState.ERASED:
        return []
    labelled = manifest_read(str(version.labelled_set_id), version.sha256)
    must, words = set(version.must_pass), search.casefold().strip()
    return [
        SetPicture(
            picture.sha256, picture.name, picture.camera, picture.light,
            dict(Counter(labelled.classes[box.label] for box in picture.boxes).most_common()),
            picture.sha256 in must,
        )
        for picture in labelled.pictures
        if (picture.sha256 in must or not marked)
        and (words in picture.name.casefold() or words in picture.camera.casefold())
    ]  # fmt: skip


def comparisons_on(user: Viewer, version: SetVersion) -> QuerySet[Evaluation]:
    """The newest first."""
    return evaluations_for(user).filter(kind=JobKind.COMPARE, set_version=version)


def sets_ready(user: Viewer) -> list[SetVersion]:
    """The newest ready version of each set, by name."""
    newest: dict[object, SetVersion] = {}
    for version in sets_for(user).filter(state=SetState.READY):
        newest.setdefault(version.labelled_set_id, version)
    return list(newest.values())


def versions_measurable(user: Viewer) -> QuerySet[ModelVersion]:
    """Detectors whose file is there and in order, whatever a gate said of them."""
    require(user, Capability.SEE_MODELS)
    return ModelVersion.objects.filter(task=DETECTION, present=True, problem="").order_by("name", "sha256")


def variants_of(user: Viewer, parents: Iterable[ModelVersion]) -> list[Evaluation]:
    """The newest finished comparison of each variant with its parent on each set, by the variant's name."""
    require(user, Capability.SEE_MODELS)
    rows = (
        Evaluation.objects.filter(
            kind=JobKind.COMPARE, state=JobState.DONE, base__in=parents, candidate__parent=F("base")
        )
        .select_related("candidate", "variant_of")
        .order_by("candidate__name", "set_name", "-finished_at")
    )
    newest: dict[object, Evaluation] = {}
    for row in rows:
        newest.setdefault((row.candidate_id, row.set_name), row)
    return list(newest.values())
