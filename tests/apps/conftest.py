"""The fixed cast and two sites. charlie is always refused: he is signed in and nothing was granted to him.

pytest reads this file before Django is set up, so models and services are imported inside the fixtures.
"""

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from redis import Redis

    from apps.accounts.models import User
    from apps.cameras.models import Camera, Site

ADDRESS = "rtsp://10.20.0.7:554/stream1"
PASSWORD = "correct horse battery staple"


def user_add(name: str, role: str) -> "User":
    from apps.accounts.models import User

    return User.objects.create_user(username=name, password=PASSWORD, role=role)


def operator_add(name: str, site: "Site", adam: "User") -> "User":
    from apps.cameras.services import grant_give

    user = user_add(name, "operator")
    for permission in ("watch", "triage"):
        grant_give(acting_user=adam, user=user, site=site, permission=permission)
    return user


def site_a_add(adam: "User") -> "Site":
    from apps.cameras.services import site_create

    return site_create(
        acting_user=adam, name="Site A", time_zone="Europe/Helsinki", allowed_networks=["10.20.0.0/16"]
    )


def site_b_add(adam: "User") -> "Site":
    from apps.cameras.services import site_create

    return site_create(acting_user=adam, name="Site B", time_zone="Asia/Almaty")


@pytest.fixture
def adam(db: None) -> "User":
    return user_add("adam", "administrator")


@pytest.fixture
def bob(db: None) -> "User":
    return user_add("bob", "compliance")


@pytest.fixture
def charlie(db: None) -> "User":
    return user_add("charlie", "operator")


@pytest.fixture
def erin(db: None) -> "User":
    return user_add("erin", "model_owner")


@pytest.fixture
def site_a(adam: "User") -> "Site":
    return site_a_add(adam)


@pytest.fixture
def site_b(adam: "User") -> "Site":
    return site_b_add(adam)


@pytest.fixture
def alice(adam: "User", site_a: "Site") -> "User":
    """Operator of site A: watches and triages."""
    return operator_add("alice", site_a, adam)


@pytest.fixture
def dana(adam: "User", site_b: "Site") -> "User":
    """Operator of site B."""
    return operator_add("dana", site_b, adam)


def camera_add(adam: "User", site: "Site", name: str) -> "Camera":
    """A camera with an entry in the register of purposes that allows everything."""
    from django.db import transaction

    from apps.cameras.services import camera_create
    from tests.apps.purposes import purpose_add

    with transaction.atomic():
        camera = camera_create(acting_user=adam, site=site, name=name, kind="rtsp", url=ADDRESS)
        purpose_add(camera)
    return camera


@pytest.fixture
def camera(adam: "User", site_a: "Site") -> "Camera":
    return camera_add(adam, site_a, "Lobby")


@pytest.fixture
def camera_b(adam: "User", site_b: "Site") -> "Camera":
    return camera_add(adam, site_b, "Gate")


@pytest.fixture
def frank(db: None) -> "User":
    """A second compliance officer, where two persons are needed."""
    return user_add("frank", "compliance")


@pytest.fixture
def new_epoch() -> str:
    return str(uuid4())


@pytest.fixture
def redis(redis_url: str) -> "Redis":
    """The control plane's client on the emptied Redis of the tests."""
    from apps.core.redis import client

    return client()
