"""Bringing labelled sets into the house: text is read, pictures are handed to the object store unopened."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.core.context import current_context
from apps.core.errors import Conflict, Invalid
from apps.core.objects import object_put
from apps.evaluations.formats import Read
from apps.evaluations.manifests import manifest_bytes, manifest_read
from apps.evaluations.models import Evaluation, JobKind, LabelledSet, SetState, SetVersion
from apps.evaluations.sending import evaluations_send
from inference_workers.contracts.evaluations import LabelledPicture, manifest_key, picture_key

LEAST_DAYS, MOST_DAYS, USUAL_DAYS = 1, 1095, 365
MAX_NAME = 80


def set_add(
    *, read: Read, name: str, keep_days: int = USUAL_DAYS, must_pass: Sequence[str] = ()
) -> SetVersion:
    """A new version of the set `name`; the data plane then opens every picture before it may be used.

    The objects are written first: rows without their pictures would be a set that cannot be measured on,
    objects without their rows are swept.
    """
    if not name.strip() or len(name) > MAX_NAME or not LEAST_DAYS <= keep_days <= MOST_DAYS:
        message = _(
            "A set needs a name of at most %(most)d characters and is kept %(least)d to %(days)d days."
        )
        values = {"most": MAX_NAME, "least": LEAST_DAYS, "days": MOST_DAYS}
        raise Invalid("invalid_set", message % values, field="name")
    data, sha256 = manifest_bytes(read.labelled)
    labelled_set, _created = LabelledSet.objects.get_or_create(
        name=name.strip(), defaults={"created_by_name": current_context().actor_name[:150]}
    )
    if labelled_set.versions.filter(sha256=sha256).exists():
        raise Conflict("set_known", _("This set has these pictures with these labels already."))
    total = _store(str(labelled_set.pk), read, data, sha256)
    cameras = cameras_named({picture.camera for picture in read.labelled.pictures})
    with transaction.atomic():
        LabelledSet.objects.select_for_update().get(pk=labelled_set.pk)
        version = SetVersion.objects.create(
            labelled_set=labelled_set,
            number=number_next(labelled_set),
            sha256=sha256,
            form=read.form,
            pictures=len(read.labelled.pictures),
            objects_labelled=sum(len(picture.boxes) for picture in read.labelled.pictures),
            bytes=total,
            classes=list(read.labelled.classes),
            must_pass=list(must_pass),
            cameras=cameras,
            placed=placed_count(read.labelled.pictures, cameras),
            keep_until=now() + timedelta(days=keep_days),
        )
        Evaluation.objects.create(kind=JobKind.CHECK, set_version=version, set_name=str(version))
        audit.record_change(
            action="labelled_set.add",
            object_type="labelled_set",
            object_id=str(version.pk),
            details={
                "set": labelled_set.name,
                "sha256": sha256,
                "pictures": version.pictures,
                "keep_until": version.keep_until,
            },
        )
        transaction.on_commit(evaluations_send, robust=True)
    return version


def number_next(labelled_set: LabelledSet) -> int:
    """Never one that was used before the version went."""
    return 1 + (labelled_set.versions.aggregate(most=Max("number"))["most"] or 0)


def cameras_named(names: Collection[str]) -> dict[str, list[str]]:
    """The cameras of the house that labels name, by name or by id. Of a name that two have, both."""
    found: dict[str, list[str]] = {}
    for key, name in Camera.objects.order_by("pk").values_list("pk", "name"):
        for said in names:
            if said and said.casefold() in (name.casefold(), str(key)):
                found.setdefault(said, []).append(str(key))
    return found


def placed_count(pictures: Iterable[LabelledPicture], cameras: Mapping[str, object]) -> int:
    """The pictures that an erasure can find persons in."""
    return sum(bool(p.source or (p.taken_at and p.camera in cameras)) for p in pictures)


def _store(set_id: str, read: Read, manifest: bytes, sha256: str) -> int:
    """Every picture below the name of its hash; the labels last."""
    total = len(manifest)
    for picture_sha256, path in read.files.items():
        data = path.read_bytes()
        total += len(data)
        object_put(picture_key(set_id, picture_sha256), data)
    object_put(manifest_key(set_id, sha256), manifest)
    return total


def must_pass_set(*, acting_user: User, version: SetVersion, sha256: str, must_pass: bool) -> SetVersion:
    """Say that no version may miss an object on this picture, or take that back."""
    require(acting_user, Capability.EVALUATE_MODELS)
    if version.state == SetState.ERASED:
        message = _("This version was replaced after an erasure: mark pictures in the version after it.")
        raise Conflict("set_replaced", message)
    labelled = manifest_read(str(version.labelled_set_id), version.sha256)
    if sha256 not in {picture.sha256 for picture in labelled.pictures}:
        raise Invalid("unknown_picture", _("This picture is not in the set."), field="sha256")
    with transaction.atomic():
        row = SetVersion.objects.select_for_update().get(pk=version.pk)
        kept = [other for other in row.must_pass if other != sha256]
        row.must_pass = [*kept, sha256] if must_pass else kept
        row.save(update_fields=["must_pass"])
        audit.record_change(
            action="labelled_set.must_pass",
            object_type="labelled_set",
            object_id=str(row.pk),
            details={"picture": sha256, "must_pass": must_pass},
            acting_user=acting_user,
        )
    version.must_pass = row.must_pass
    return version
