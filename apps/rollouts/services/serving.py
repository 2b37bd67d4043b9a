"""What is assigned, and going back to what was assigned at an earlier moment."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.errors import DomainError
from apps.core.events import publish
from apps.registry.assigning import stage_give
from apps.registry.choice import best_version, usable
from apps.registry.kept import cascades_put, versions_in, zones_put
from apps.registry.models import ModelVersion
from apps.registry.selectors import serving, versions_all
from apps.rollouts.history import serving_note
from apps.rollouts.models import ACTIVE, CameraAssignment, Rollout, ServingEntry
from apps.rollouts.services.changes import reason_checked
from apps.rollouts.services.ends import end
from inference_workers.contracts.lease import Stage

_UNKNOWN = _(
    "Nothing was assigned to the stage %(stage)s then, and %(name)s, which Vidette would choose now, did not "
    "serve it. Assign it on the page Models: that takes two persons."
)


def serving_noted() -> ServingEntry | None:
    """Keep what is assigned now, when nobody has yet: a version chosen on the page of models, for example."""
    with transaction.atomic():
        return serving_note("assign")


def serving_return(*, acting_user: User, entry: ServingEntry, reason: str) -> ServingEntry:
    """Assign again what was assigned from that entry on; a new entry. Rollouts that run are taken back.

    Stages, cameras with versions of their own, detectors of zones and classifiers of cascades. Entries of
    releases that did not keep the last two leave these as they are.
    Each state was reached by the rules once; going back to it takes one person, because it has to be quick.
    """
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    reason = reason_checked(reason)
    given = _given(entry)
    versions = _versions(entry, given)
    with transaction.atomic():
        serving_note("before")
        for rollout in Rollout.objects.select_for_update().filter(state__in=ACTIVE):
            end(rollout, rollout.version, reason, code="returned", acting_user=acting_user)
        for stage, version_id in given.items():
            stage_give(stage=stage, version=versions[version_id] if version_id else None)
        _own(entry, versions)
        if _kept(entry):
            zones_put(acting_user=acting_user, wanted=entry.contents["zones"])
            cascades_put(acting_user=acting_user, wanted=entry.contents["cascades"])
        made = serving_note("return", acting_user)
        audit.record_change(
            action="serving.return",
            object_type="serving",
            object_id=str(entry.number),
            details={"reason": reason, "contents": entry.contents},
            acting_user=acting_user,
        )
        publish("stages.changed")
    return made or ServingEntry.objects.all()[0]


def _kept(entry: ServingEntry) -> bool:
    """Whether the entry says which detectors zones had, and which classifiers cascades."""
    return "zones" in entry.contents and "cascades" in entry.contents


def _given(entry: ServingEntry) -> dict[str, str | None]:
    """By stage the version that served then; None where Vidette chose by itself and would choose it today.

    Another file may be the first in its order since. Raises DomainError where it is not known what served:
    what Vidette would choose now would come without a second person.
    """
    served, now_serving = entry.contents.get("serving", {}), serving()
    versions = list(versions_all().filter(present=True))
    given: dict[str, str | None] = {}
    for stage, assigned in entry.contents["stages"].items():
        best = best_version(Stage(stage), versions)
        given[stage] = assigned or served.get(stage)
        if not assigned and best is not None and served.get(stage) in (None, str(best.pk)):
            given[stage] = None
            if served.get(stage) is None and now_serving.get(Stage(stage)) not in (None, best):
                raise DomainError(
                    "second_person_required", str(_UNKNOWN) % {"stage": stage, "name": best.name}
                )
    return given


def _versions(entry: ServingEntry, given: dict[str, str | None]) -> dict[str, ModelVersion]:
    """Every version that is given again. Raises DomainError for one that cannot serve any more.

    Of a zone or a cascade it may: the camera's detector looks, or things are found without an answer.
    """
    wanted = {key for key in given.values() if key}
    wanted |= {key for cameras in entry.contents["cameras"].values() for key in cameras.values()}
    known = wanted | (
        versions_in(entry.contents["zones"], entry.contents["cascades"]) if _kept(entry) else set()
    )
    found = {str(version.pk): version for version in ModelVersion.objects.filter(pk__in=known)}
    gone = sorted(found[key].name for key in wanted & set(found) if not usable(found[key]))
    if gone or set(found) != known:
        raise DomainError(
            "version_unusable",
            str(_("A version of that time cannot serve any more: %s.")) % (", ".join(gone) or "?"),
        )
    return found


def _own(entry: ServingEntry, versions: dict[str, ModelVersion]) -> None:
    existing = set(Camera.objects.values_list("pk", flat=True))
    CameraAssignment.objects.all().delete()
    CameraAssignment.objects.bulk_create(
        [
            CameraAssignment(camera_id=UUID(camera), stage=stage, version=versions[version])
            for stage, cameras in entry.contents["cameras"].items()
            for camera, version in cameras.items()
            if UUID(camera) in existing
        ]
    )
