"""Reads: what the register and the consents allow now, and the rows for those who keep them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.cameras.models import Camera, CameraGroup, Zone
from apps.cameras.selectors import by_key, cameras_for
from apps.consent.basis import Basis, Entry, Polygon, Scope, Site, Verdict, basis_judge, entry_judge
from apps.consent.models import Consent, DataSubject, LawfulBasis, Notice, Purpose, PurposeVersion
from apps.core.clock import now
from apps.core.errors import NotFound


def basis_of(camera: Camera, at: datetime | None = None) -> Basis:
    """What may be done with one camera now, or at `at`."""
    return bases_of([camera], at)[camera.pk]


def bases_of(cameras: Iterable[Camera], at: datetime | None = None) -> dict[UUID, Basis]:
    """The same for many, in a fixed number of queries."""
    at = at or now()
    found = list(cameras)
    rows = _open_purposes(found)
    judged = _Judged(found, rows)
    return {camera.pk: judged.basis(camera, at) for camera in found}


def verdict_of(purpose: Purpose) -> Verdict:
    """What one entry allows now, and why not more."""
    return verdicts_of([purpose])[purpose.pk]


def verdicts_of(purposes: Iterable[Purpose]) -> dict[UUID, Verdict]:
    """The same for many, in a fixed number of queries; the entries come with their cameras."""
    rows = list(purposes)
    cameras = {row.camera.pk: row.camera for row in rows if row.camera is not None}
    judged = _Judged(list(cameras.values()), rows)
    at = now()
    return {row.pk: judged.verdict(row, at) for row in rows}


def _open_purposes(cameras: list[Camera]) -> list[Purpose]:
    rows = Purpose.objects.filter(camera__in=[camera.pk for camera in cameras], ended_at=None)
    return list(rows.prefetch_related("subjects"))


class _Judged:
    """The rows that judging some entries needs, read once."""

    def __init__(self, cameras: list[Camera], purposes: list[Purpose]) -> None:
        self._purposes: dict[UUID | None, list[Purpose]] = defaultdict(list)
        for purpose in purposes:
            self._purposes[purpose.camera_id].append(purpose)
        consented = [row for row in purposes if row.lawful_basis == LawfulBasis.CONSENT]
        self._scopes = _scopes({subject.pk for row in consented for subject in row.subjects.all()})
        self._groups = _groups_of(cameras) if any(s.groups for s in _flat(self._scopes)) else {}
        self._polygons = _polygons([row.zone_uuid for row in purposes if row.zone_uuid is not None])
        self._zone_names = {camera.pk: camera.zone_name for camera in cameras}

    def basis(self, camera: Camera, at: datetime) -> Basis:
        entries = [self._entry(row) for row in self._purposes[camera.pk]]
        return basis_judge(entries, self._polygons, self._site(camera.pk), at)

    def verdict(self, purpose: Purpose, at: datetime) -> Verdict:
        return entry_judge(self._entry(purpose), self._site(purpose.camera_id), at)

    def _site(self, camera_id: UUID | None) -> Site:
        key = camera_id or UUID(int=0)
        return Site(key, self._groups.get(key, frozenset()), self._zone_names.get(key, "UTC"))

    def _entry(self, purpose: Purpose) -> Entry:
        if purpose.lawful_basis != LawfulBasis.CONSENT:
            return Entry(purpose, {})
        return Entry(purpose, {row.pk: self._scopes.get(row.pk, []) for row in purpose.subjects.all()})


def _flat(scopes: Mapping[UUID, list[Scope]]) -> list[Scope]:
    return [scope for rows in scopes.values() for scope in rows]


def _scopes(subject_ids: set[UUID]) -> dict[UUID, list[Scope]]:
    """The consents of these persons that were not withdrawn, with what they reach."""
    if not subject_ids:
        return {}
    found: dict[UUID, list[Scope]] = defaultdict(list)
    rows = Consent.objects.filter(subject__in=subject_ids, withdrawn_at=None)
    for row in rows.prefetch_related("cameras", "groups", "purposes"):
        found[row.subject_id].append(
            Scope(row, _keys(row.cameras.all()), _keys(row.groups.all()), _keys(row.purposes.all()))
        )
    return found


def _keys(rows: Iterable[Camera] | Iterable[CameraGroup] | Iterable[Purpose]) -> frozenset[UUID]:
    return frozenset(row.pk for row in rows)


def _groups_of(cameras: list[Camera]) -> dict[UUID, frozenset[UUID]]:
    pairs = Camera.groups.through.objects.filter(camera__in=[camera.pk for camera in cameras])
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for camera_id, group_id in pairs.values_list("camera_id", "cameragroup_id"):
        found[camera_id].add(group_id)
    return {camera_id: frozenset(groups) for camera_id, groups in found.items()}


def _polygons(zone_keys: list[UUID]) -> dict[UUID, Polygon]:
    if not zone_keys:
        return {}
    rows = Zone.objects.filter(pk__in=zone_keys).values_list("pk", "polygon")
    return {key: tuple((float(x), float(y)) for x, y in polygon) for key, polygon in rows}


# --- the register, for those who keep it


def purposes_search(
    user: User, *, camera: object = None, ended: bool | None = None, text: str = ""
) -> QuerySet[Purpose]:
    """Entries by camera; `ended` None: all of them."""
    require(user, Capability.SEE_PURPOSES)
    rows = Purpose.objects.select_related("camera__site").prefetch_related("subjects")
    if _is_narrowed(user):
        rows = rows.filter(camera__in=cameras_for(user, Capability.SEE_PURPOSES).order_by().values("pk"))
    if camera:
        rows = rows.filter(camera__in=by_key(Camera.objects.all(), camera).values("pk"))
    if ended is not None:
        rows = rows.filter(ended_at__isnull=not ended)
    if text.strip():
        rows = rows.filter(_contains(text.strip().replace("\x00", "")))
    return rows.order_by("camera_name", "zone_name", "pk")


def _is_narrowed(user: User) -> bool:
    """Whether the request came with a token for some camera groups only."""
    return bool(user.token_scope is not None and user.token_scope.group_ids)


def _contains(text: str) -> Q:
    names = ("camera_name", "zone_name", "purpose", "controller", "dpia_reference")
    return Q(*((f"{name}__icontains", text) for name in names), _connector=Q.OR)


def purpose_get(user: User, purpose_id: object) -> Purpose:
    purpose = by_key(purposes_search(user), purpose_id).first()
    if purpose is None:
        raise NotFound(_("purpose"))
    return purpose


def versions_of(purpose: Purpose) -> QuerySet[PurposeVersion]:
    return PurposeVersion.objects.filter(purpose=purpose).order_by("-number")


def cameras_without_basis(cameras: Iterable[Camera]) -> list[tuple[Camera, Basis]]:
    """Those of `cameras` that show and find nothing now because the register does not allow it."""
    found = list(cameras)
    bases = bases_of(found)
    return [(camera, bases[camera.pk]) for camera in found if not bases[camera.pk].streams]


# --- consents


def consents_search(user: User, *, subject: str = "", standing: bool | None = None) -> QuerySet[Consent]:
    """Consents, newest first; `standing`: those that count now, or the others."""
    require(user, Capability.SEE_PURPOSES)
    rows = Consent.objects.select_related("subject").prefetch_related("cameras", "groups", "purposes")
    if _is_narrowed(user):
        return rows.none()  # a consent reaches over groups; a token for some of them is told nothing
    if subject.strip():
        rows = rows.filter(subject__reference__icontains=subject.strip().replace("\x00", ""))
    if standing is not None:
        at = now()
        counts = Q(withdrawn_at=None, given_at__lte=at) & (Q(expires_at=None) | Q(expires_at__gt=at))
        rows = rows.filter(counts) if standing else rows.exclude(counts)
    return rows.order_by("-given_at", "-id")


def consent_get(user: User, consent_id: object) -> Consent:
    consent = by_key(consents_search(user), consent_id).first()
    if consent is None:
        raise NotFound(_("consent"))
    return consent


def purposes_needing(subject: DataSubject) -> QuerySet[Purpose]:
    """The entries that stand on the consents of a person."""
    return Purpose.objects.filter(
        subjects=subject, lawful_basis=LawfulBasis.CONSENT, ended_at=None
    ).select_related("camera__site")


# --- the public notice


def notice_by_code(code: str) -> Notice:
    """The notice of a sign; the same NotFound for every code that there is none for."""
    notice = Notice.objects.select_related("camera__site").filter(code=code.lower()).first()
    if notice is None:
        raise NotFound(_("notice"))
    return notice
