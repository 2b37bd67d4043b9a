"""`make run SOURCE=…`: the person's own camera, in a site of its own, open to the demo's operator."""

import ipaddress
import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

from django.db import transaction

from apps.accounts.models import User
from apps.cameras.addresses import Credentials, address_parse, kind_of
from apps.cameras.models import Camera, CameraCredential, Site, SourceKind
from apps.cameras.services import camera_create, credentials_set, grant_give, site_create, site_update
from apps.core import crypto

SITE = "My cameras"
_WATCHERS = ("alice", "adam")


@transaction.atomic
def own_camera_add(*, typed: str, people: dict[str, User]) -> Camera:
    """Add the camera that was typed on the command line, or find it when it was added before.

    The private network address behind its name is allowed for this site: whoever starts the product on a
    machine and types an address there has said that this address is meant.
    """
    adam = people["adam"]
    kind = kind_of(typed)
    if kind is SourceKind.FILE:
        typed = str(Path(typed).expanduser().resolve())
    address = address_parse(kind, typed)
    site = Site.objects.filter(name=SITE).first() or site_create(acting_user=adam, name=SITE)
    _allow(adam, site, address.url)
    camera = Camera.objects.filter(site=site, url=address.url).first()
    if camera is None:
        camera = camera_create(
            acting_user=adam, site=site, name=_free_name(site, kind, address.url), kind=kind, url=typed
        )
    elif address.credentials is not None and not _has(camera, address.credentials):
        credentials_set(
            acting_user=adam, camera=camera, version=camera.version, credentials=address.credentials
        )
    for username in _WATCHERS:
        for permission in ("watch", "triage"):
            if permission == "watch" or username == "alice":
                grant_give(acting_user=adam, user=people[username], site=site, permission=permission)
    return camera


def _allow(adam: User, site: Site, url: str) -> None:
    networks = [network for network in _private_networks(url) if network not in site.allowed_networks]
    if networks:
        changes = {"allowed_networks": [*site.allowed_networks, *networks]}
        site_update(acting_user=adam, site=site, version=site.version, changes=changes)


def _private_networks(url: str) -> list[str]:
    """The single addresses behind a URL that the rules against hidden targets would refuse."""
    host = urlsplit(url).hostname
    if not host:
        return []
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return []  # the camera's own test will say that the name is not known
    addresses = sorted(ipaddress.ip_address(text) for text in found)
    return [str(ipaddress.ip_network(address)) for address in addresses if not address.is_global]


def _free_name(site: Site, kind: SourceKind, url: str) -> str:
    base = (urlsplit(url).hostname or "camera") if "://" in url else Path(url).name
    base = f"{base} ({kind.label})"[:110]
    taken = set(site.cameras.values_list("name", flat=True))
    return next(name for name in (base, *(f"{base} {k}" for k in range(2, 1000))) if name not in taken)


def _has(camera: Camera, credentials: Credentials) -> bool:
    row = CameraCredential.objects.filter(camera=camera).first()
    if row is None:
        return False
    stored = json.loads(crypto.unseal(bytes(row.sealed)))
    return bool(stored == {"username": credentials.username, "password": credentials.password})
