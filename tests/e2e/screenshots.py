"""Takes the pictures of README and docs from a product with its demonstration: the drawn footage, no person.

make run                                   # in another terminal; wait for the first events
.venv/bin/python -m tests.e2e.screenshots [http://127.0.0.1:8000 [var]]
"""

import io
import sys
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.browser.chromium import DESKTOP, PHONE, People, launch
from tests.e2e.browser.conftest import demo_passwords

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
MOST_BYTES = 400_000
COVERED = "Faces covered"
ALL_CLEAR = """(words) => [...document.querySelectorAll(".tile:not([hidden]) [data-cover]")]
  .every((cover) => cover.textContent === words)"""
LOOK_MS = 6_000  # until events have come and gone on the tiles


def live_wall(page: Page) -> None:
    for tile in page.locator(".tile:visible").all():
        expect(tile.locator("[data-cover]")).to_have_text(COVERED, timeout=60_000)
    page.wait_for_timeout(LOOK_MS)
    page.wait_for_function(ALL_CLEAR, arg=COVERED, timeout=60_000)


def newest_event(page: Page) -> None:
    """The newest whose faces were found one by one; while the machine is busy whole pictures are covered."""
    rows = page.locator(".event-row:has(img)").all()
    for path in [row.get_attribute("href") for row in rows]:
        page.goto(urljoin(page.url, path))
        if page.locator("figcaption", has_text=COVERED).count():
            expect(page.locator("#snapshot img")).not_to_have_js_property("naturalWidth", 0)
            return
    raise SystemExit("No event of the newest shows more than squares; try again on a quiet machine.")


def settled(page: Page) -> None:
    page.wait_for_timeout(1_000)


SHOTS = (
    ("live-wall", "alice", "/live/", live_wall, {"viewport": DESKTOP, "color_scheme": "dark"}),
    ("event", "alice", "/events/", newest_event, {"viewport": DESKTOP}),
    ("cameras", "adam", "/cameras/", settled, {"viewport": DESKTOP}),
    ("record", "bob", "/record/", settled, {"viewport": DESKTOP}),
    ("phone", "alice", "/live/", live_wall, {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True}),
)


def save(name: str, shot: bytes) -> int:
    """As a PNG with a palette, which flat pages lose nothing by; returns its size in bytes."""
    path = FOLDER / f"{name}.png"
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    for colours in (256, 128, 64):
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break
    return path.stat().st_size


def main(url: str = "http://127.0.0.1:8000", folder: str = "var") -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        people = People(browser, url, demo_passwords(Path(folder)))
        for name, person, path, prepare, look in SHOTS:
            with people.visit(person, **look) as visit:
                prepare(visit.go(path).page)
                print(f"{name}: {save(name, visit.page.screenshot()) // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
