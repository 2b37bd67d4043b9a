"""A page as a person sees it, and what the browser complains about."""

from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Response

LEAVE = 15_000  # ms; two cores are shared with everything else

# Sum over a coarse grid of the picture's canvas: another picture gives another sum.
_PIXELS = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 397) sum = (sum * 31 + data[i]) % 1000003;
  return sum;
}"""
_DRAWN = """(canvas) => {
  if (!canvas.width || !canvas.height) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0;
  return drawn;
}"""


class Seen:
    """One window. `complaints`: errors of scripts, broken addresses, violations of the content policy."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._expected_status = 200
        page.set_default_timeout(LEAVE)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        expected = f"status of {self._expected_status}"
        if message.type == "error" and expected not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def open(self, path: str, *, status: int = 200) -> Response:
        self._expected_status = status
        response = self.page.goto(path)
        assert response is not None
        assert response.status == status, f"{path}: expected {status}, got {response.status}"
        return response

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def pixels(self, selector: str) -> int:
        return int(self.page.locator(selector).evaluate(_PIXELS))

    def drawn(self, selector: str) -> int:
        """How many pixels of a canvas are painted."""
        return int(self.page.locator(selector).evaluate(_DRAWN))

    def changes(self, selector: str, *, times: int = 2) -> bool:
        """Whether the picture on a canvas changes so often within a few seconds."""
        sums = {self.pixels(selector)}
        for _look in range(40):
            self.page.wait_for_timeout(150)
            sums.add(self.pixels(selector))
            if len(sums) > times:
                return True
        return False

    def overflow_px(self) -> int:
        """How far the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def style(self, selector: str, name: str) -> Any:
        return self.page.locator(selector).first.evaluate(f"element => getComputedStyle(element)['{name}']")
