"""Debian's Chromium, signed-in people, and what a page complains about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, WebSocket

from inference_workers.contracts.live import LiveHeader, unpack

CHROMIUM = "/usr/bin/chromium"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
MENU = "details.menu:has(button[name=language]) > summary"


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


class Visit:
    """One page of one person: its complaints and the headers of the live pictures that it received."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.pictures: list[LiveHeader] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda line: self._heard(line.type, line.text))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("websocket", self._follow)

    def _heard(self, kind: str, text: str) -> None:
        """Violations of the content policy are errors on the console, and so are missing files."""
        if kind in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {text}")

    def _follow(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)

    def _received(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.pictures.append(unpack(data)[0])

    def go(self, path: str) -> "Visit":
        self.page.goto(self.url + path, wait_until="load")
        return self

    def sign_in(self, username: str, password: str) -> None:
        self.go("/accounts/login/")
        self.page.fill("input[name=login]", username)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)

    def wider_than_the_screen(self) -> int:
        """Pixels by which the page can be pushed sideways."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )


class People:
    """Opens pages for the demo accounts; each signs in once, by the form, with the printed password."""

    def __init__(self, browser: Browser, url: str, passwords: dict[str, str]) -> None:
        self._browser, self.url, self._passwords = browser, url, passwords
        self._signed_in: dict[str, Any] = {}

    @contextmanager
    def visit(self, name: str | None, **context: Any) -> Iterator[Visit]:
        """A page in a fresh context; its complaints fail the test at the end."""
        if name is not None:
            context["storage_state"] = self._state(name)
        opened = self._browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **context})
        try:
            visit = Visit(opened.new_page(), self.url)
            yield visit
            assert not visit.complaints, "\n".join(visit.complaints)
        finally:
            opened.close()

    def password(self, name: str) -> str:
        return self._passwords[name]

    def _state(self, name: str) -> Any:
        if name not in self._signed_in:
            with self.visit(None) as visit:
                visit.sign_in(name, self.password(name))
                self._signed_in[name] = visit.page.context.storage_state()
        return self._signed_in[name]
