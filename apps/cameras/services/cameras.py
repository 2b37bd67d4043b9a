"""Cameras and their credentials."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.addresses import Address, Credentials, address_parse
from apps.cameras.models import Camera, CameraCredential, Site
from apps.cameras.services.changes import changes_apply, unique_names
from apps.cameras.services.fields import camera_fields_checked
from apps.core import crypto
from apps.core.errors import Conflict, DomainError
from apps.core.events import publish

_MAX_CREDENTIAL_LENGTH = 256


def camera_create(
    *,
    acting_user: User,
    site: Site,
    name: str,
    kind: str,
    url: str,
    credentials: Credentials | None = None,
    demo: bool = False,
    **fields: Any,
) -> Camera:
    """Add a camera. Credentials typed into `url` are sealed apart from it; given ones go before them."""
    require(acting_user, Capability.MANAGE_CAMERAS)
    address = address_parse(kind, url)
    values = {**camera_fields_checked({"name": name, **fields}), "kind": kind, "url": address.url}
    credentials = credentials or address.credentials
    with unique_names(_("camera")):
        camera = Camera.objects.create(site=site, demo=demo, **values)
        if credentials is not None:
            _seal(camera, credentials)
        _record(acting_user, camera, "create", {**values, "sign_in": credentials is not None})
        publish("camera.changed", camera_id=str(camera.pk))
    return camera


def camera_update(*, acting_user: User, camera: Camera, version: int, changes: Mapping[str, Any]) -> Camera:
    """Change fields of a camera; `kind` and `url` may be among them, credentials in the URL are sealed.

    Stored credentials are dropped when the address names another host: a password is told to the host that
    it was typed for, and nobody can read it by pointing the camera elsewhere.
    """
    require(acting_user, Capability.MANAGE_CAMERAS)
    plain = {name: value for name, value in changes.items() if name not in ("kind", "url")}
    values = camera_fields_checked(plain)
    before = Address(camera.url)
    address = before
    if "kind" in changes or "url" in changes:
        kind = changes.get("kind", camera.kind)
        address = address_parse(kind, changes.get("url", camera.url))
        values |= {"kind": kind, "url": address.url}
    with unique_names(_("camera")):
        changed = changes_apply(camera, version=version, changes=values)
        fate = _credentials_follow(camera, before, address)
        _record(acting_user, camera, "update", {"changed": changed, "sign_in": fate})
        publish("camera.changed", camera_id=str(camera.pk))
    return camera


def _credentials_follow(camera: Camera, before: Address, after: Address) -> str:
    """What becomes of the stored credentials when the address changes: "set", "dropped" or "kept"."""
    if after.credentials is not None:
        _seal(camera, after.credentials)
        return "set"
    if before.origin != after.origin and CameraCredential.objects.filter(camera=camera).delete()[0]:
        return "dropped"
    return "kept"


def camera_enable(*, acting_user: User, camera: Camera, version: int) -> Camera:
    return _set_enabled(acting_user, camera, version, enabled=True, reason="")


def camera_disable(*, acting_user: User, camera: Camera, version: int, reason: str = "") -> Camera:
    """Stop looking: the lease is withdrawn on commit."""
    return _set_enabled(acting_user, camera, version, enabled=False, reason=reason)


def _set_enabled(user: User, camera: Camera, version: int, *, enabled: bool, reason: str) -> Camera:
    require(user, Capability.MANAGE_CAMERAS)
    with unique_names(_("camera")):
        changes_apply(camera, version=version, changes={"enabled": enabled})
        _record(user, camera, "enable" if enabled else "disable", {"reason": reason[:200]})
        publish("camera.changed", camera_id=str(camera.pk))
    return camera


def camera_delete(*, acting_user: User, camera: Camera, version: int) -> None:
    """Remove a camera with its events and readings; the record keeps what was done with it."""
    require(acting_user, Capability.MANAGE_CAMERAS)
    key = str(camera.pk)
    try:
        with transaction.atomic():
            changes_apply(camera, version=version, changes={"enabled": False})
            _record(acting_user, camera, "delete", {"name": camera.name, "site": str(camera.site_id)})
            camera.delete()
            publish("camera.removed", camera_id=key)
    except ProtectedError as error:
        raise Conflict(
            "camera_held",
            _("A legal hold keeps what this camera saw. It can be removed when the hold is over."),
        ) from error


def credentials_set(*, acting_user: User, camera: Camera, version: int, credentials: Credentials) -> Camera:
    require(acting_user, Capability.MANAGE_CAMERAS)
    with unique_names(_("camera")):
        changes_apply(camera, version=version, changes={})
        _seal(camera, credentials)
        _record(acting_user, camera, "credentials_set", {})
        publish("camera.changed", camera_id=str(camera.pk))
    return camera


def credentials_clear(*, acting_user: User, camera: Camera, version: int) -> Camera:
    require(acting_user, Capability.MANAGE_CAMERAS)
    with unique_names(_("camera")):
        changes_apply(camera, version=version, changes={})
        CameraCredential.objects.filter(camera=camera).delete()
        _record(acting_user, camera, "credentials_clear", {})
        publish("camera.changed", camera_id=str(camera.pk))
    camera.refresh_from_db()
    return camera


def _seal(camera: Camera, credentials: Credentials) -> None:
    if max(len(credentials.username), len(credentials.password)) > _MAX_CREDENTIAL_LENGTH:
        raise DomainError(
            "invalid_credentials",
            _("User name and password must have at most %(most)d characters.")
            % {"most": _MAX_CREDENTIAL_LENGTH},
        )
    text = json.dumps({"username": credentials.username, "password": credentials.password})
    CameraCredential.objects.update_or_create(
        camera=camera,
        defaults={"sealed": crypto.seal(text), "lease_sealed": crypto.seal_for_lease(text)},
    )


def _record(user: User, camera: Camera, verb: str, details: dict[str, Any]) -> None:
    audit.record_change(
        action=f"camera.{verb}",
        object_type="camera",
        object_id=str(camera.pk),
        camera_id=camera.pk,
        details=details,
        acting_user=user,
    )
