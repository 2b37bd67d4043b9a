"""A real browser on the real web process; the data plane is a thread that publishes covered pictures.

Playwright's synchronous interface keeps an event loop in this thread, which Django takes for asynchronous
code; the ORM calls of these tests are ordinary ones.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.apps.conftest import (  # noqa: F401
    adam,
    alice,
    bob,
    camera,
    camera_b,
    charlie,
    dana,
    erin,
    site_a,
    site_b,
)
from tests.e2e.pages.seen import Seen
from tests.live.conftest import redis, sign_in  # noqa: F401
from tests.services import RedisServer

if TYPE_CHECKING:
    from apps.accounts.models import User
    from tests.live.web import WebServer

ROOT = Path(__file__).resolve().parents[3]
CHROMIUM = os.environ.get("VIDETTE_TEST_CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="session", autouse=True)
def orm_beside_playwright() -> Iterator[None]:
    """Used by two folders, so that it may be set twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def web(
    django_db_setup: None, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["WebServer"]:
    from django.db import connection

    from tests.live.web import WebServer

    for command in (
        ("collectstatic", "--noinput"),
        ("compilemessages", "--locale", "ru", "--verbosity", "0"),
    ):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
    server = WebServer(connection.settings_dict, tmp_path_factory.mktemp("web") / "web.log")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def chromium(playwright_driver: Playwright) -> Iterator[Browser]:
    browser = playwright_driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture
def visit(
    chromium: Browser,
    web: "WebServer",
    transactional_db: None,
    sign_in: Callable[["User"], str],  # noqa: F811
) -> Iterator[Callable[..., Seen]]:
    """Opens a browser window, signed in as a user or as nobody; what it complains about fails the test."""
    contexts: list[BrowserContext] = []
    windows: list[Seen] = []

    def _visit(user: "User | None" = None, path: str = "/", **options: Any) -> Seen:
        options.setdefault("locale", "en-GB")
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(base_url=web.origin, **options)
        contexts.append(context)
        if user is not None:
            name, _, value = sign_in(user).partition("=")
            context.add_cookies([{"name": name, "value": value, "url": web.origin}])
        page: Page = context.new_page()
        seen = Seen(page)
        windows.append(seen)
        seen.open(path)
        return seen

    yield _visit
    for context in contexts:
        context.close()
    assert [complaint for seen in windows for complaint in seen.complaints] == []


@pytest.fixture
def see_event(adam: "User") -> Callable[..., Any]:  # noqa: F811
    from tests.e2e.pages.happening import event_happens

    return event_happens
