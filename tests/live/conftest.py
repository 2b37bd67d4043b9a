"""One web process for all tests of this folder; the database is emptied after each."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.apps.conftest import adam, alice, bob, camera, camera_b, charlie, dana, site_a, site_b  # noqa: F401
from tests.services import RedisServer

if TYPE_CHECKING:
    from redis import Redis

    from apps.accounts.models import User
    from tests.live.viewer import Viewer
    from tests.live.web import WebServer

    Watch = Callable[..., Viewer]


@pytest.fixture(scope="session")
def web(
    django_db_setup: None, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["WebServer"]:
    from django.db import connection

    from tests.live.web import WebServer

    server = WebServer(connection.settings_dict, tmp_path_factory.mktemp("web") / "web.log")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator["Redis"]:
    from redis import Redis

    with Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
def sign_in(transactional_db: None) -> Callable[["User"], str]:
    """Signs a user in and returns the cookie header of that session."""
    from django.conf import settings
    from django.test import Client

    def _sign_in(user: "User") -> str:
        client = Client()
        client.force_login(user)
        return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"

    return _sign_in


@pytest.fixture
def open_socket(transactional_db: None, web: "WebServer") -> Iterator[Callable[..., "Viewer"]]:
    """Opens sockets with the origin of the pages, or with what the test says; closes them at the end."""
    from tests.live.viewer import Viewer

    opened: list[Viewer] = []

    def _open(**changes: Any) -> Viewer:
        viewer = Viewer(web.port, **{"origin": web.origin, **changes})
        opened.append(viewer)
        return viewer

    yield _open
    for viewer in opened:
        viewer.close()


@pytest.fixture
def browser(open_socket: "Watch", sign_in: Callable[["User"], str]) -> Callable[["User"], "Viewer"]:
    """A page of a signed-in user: the socket is open and says that it is ready."""

    def _browser(user: "User") -> "Viewer":
        viewer = open_socket(cookie=sign_in(user))
        viewer.expect("ready", user=user.username)
        return viewer

    return _browser
