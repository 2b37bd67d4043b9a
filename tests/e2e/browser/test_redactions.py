"""bob redacts a film in the browser: drops it, watches it being covered, plays it, edits, undoes."""

import base64
import re
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser.chromium import PHONE
from tests.e2e.browser.films import walking_face

pytestmark = pytest.mark.timeout(600)
WORK_MS = 120_000
AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"

_DROP = """([films]) => {
  const data = new DataTransfer();
  for (const [name, type, text] of films) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.codePointAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.getElementById("drop").dispatchEvent(drop);
}"""


def _drop(page: Page, *films: tuple[str, bytes]) -> None:
    rows = [[name, "video/mp4", base64.b64encode(content).decode()] for name, content in films]
    page.evaluate(_DROP, [rows])


def _row(page: Page, name: str):
    return page.locator(".redaction-row").filter(has_text=name).first


@pytest.fixture(scope="module")
def film_path(people) -> str:
    """The page of a film that was dropped, and is done."""
    with people.visit("bob") as visit:
        page = visit.go("/redactions/").page
        name, cut_name = f"walk <b>{uuid4()}.mp4", f"cut {uuid4()}.mp4"
        _drop(page, (name, walking_face()), (cut_name, walking_face()[:2000]))
        row = _row(page, name)
        expect(row).to_be_visible()
        expect(row.locator("progress").or_(row.get_by_text("Done"))).to_be_visible()
        expect(row).to_have_attribute("data-state", "done", timeout=WORK_MS)
        cut = _row(page, cut_name)
        expect(cut).to_have_attribute("data-state", "failed", timeout=WORK_MS)
        expect(cut.locator(".problem")).to_have_text(re.compile(r"\w{3,}.*\."))
        return str(row.locator("a.redaction-row__name").get_attribute("href"))


def _sha256(page: Page) -> str:
    return page.locator("dd.mono").last.inner_text()


def _is_done(page: Page) -> None:
    expect(page.locator("h1 .badge").first).to_have_text("Done", timeout=WORK_MS)
    expect(page.locator(".timeline__row").first).to_be_visible()


def test_a_file_of_a_wrong_kind_is_refused_in_words(people):
    with people.visit("bob") as visit:
        page = visit.go("/redactions/").page
        _drop(page, ("notes.mp4", b"these are only notes " * 100), ("nothing.mp4", b""))
        expect(page.locator("#sending .problem").first).to_contain_text("Expected a picture")
        expect(page.locator("#sending .problem").nth(1)).to_have_text("The file is empty.")
        visit.complaints = [line for line in visit.complaints if "415" not in line]


def test_the_result_plays_and_says_what_was_covered(people, film_path):
    with people.visit("bob") as visit:
        page = visit.go(film_path).page
        _is_done(page)
        page.get_by_role("button", name="Play").click()
        expect(page.locator("#clock")).to_have_text(re.compile(r"0:00\.[3-9]|0:0[1-9]"))
        assert page.evaluate("document.querySelector('video').videoWidth") == 480
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text(re.compile(r"\d+ tracks? (was|were) found"))).to_be_visible()
        page.locator("#timeline").focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator("#chosen")).to_contain_text("covered")
        page.keyboard.press("Enter")


def test_an_edit_is_rendered_and_its_undo_gives_the_same_film_again(people, film_path):
    with people.visit("bob") as visit:
        page = visit.go(film_path).page
        _is_done(page)
        before = _sha256(page)
        page.locator("#timeline").focus()
        page.keyboard.press("ArrowDown")
        page.get_by_role("button", name="Drop this cover").click()
        expect(page.locator(".edits li").last).to_contain_text("Drop a false cover", timeout=WORK_MS)
        _is_done(page)
        expect(page.locator(".timeline__row.is-off")).to_have_count(1)
        page.get_by_role("button", name="Render again").click()
        _is_done(page)
        expect(page.locator("dd.mono").last).not_to_have_text(before, timeout=WORK_MS)
        expect(page.get_by_role("button", name="Render again")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        _is_done(page)
        page.get_by_role("button", name="Render again").click()
        expect(page.locator("dd.mono").last).to_have_text(before, timeout=WORK_MS)


def test_keeping_somebody_visible_is_asked_twice(people, film_path):
    with people.visit("bob") as visit:
        page = visit.go(film_path).page
        _is_done(page)
        edits = page.locator(".edits li").count()
        page.locator("#timeline").focus()
        page.keyboard.press("ArrowDown")
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Keep visible").click()
        assert page.locator(".edits li").count() == edits
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Keep visible").click()
        expect(page.locator(".edits li")).to_have_count(edits + 1, timeout=WORK_MS)
        _is_done(page)
        expect(page.locator(".timeline__row.is-off")).to_have_count(1)
        page.get_by_role("button", name="Undo").click()
        _is_done(page)


def test_a_drawn_region_is_followed(people, film_path):
    with people.visit("bob") as visit:
        page = visit.go(film_path).page
        _is_done(page)
        tracks = page.locator(".timeline__row").count()
        page.get_by_role("button", name="Cover a region").click()
        area = page.locator("#film canvas").bounding_box()
        assert area is not None
        page.mouse.move(area["x"] + area["width"] * 0.1, area["y"] + area["height"] * 0.75)
        page.mouse.down()
        page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] * 0.95, steps=4)
        page.mouse.up()
        expect(page.locator("[data-side='0']")).to_have_value(re.compile(r"^(9|10)\."))
        page.get_by_role("button", name="Cover it").click()
        expect(page.locator(".edits li").last).to_contain_text("Cover a region", timeout=WORK_MS)
        _is_done(page)
        expect(page.locator(".timeline__row")).to_have_count(tracks + 1)
        page.get_by_role("button", name="Undo").click()
        _is_done(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_phone(people, film_path, scheme):
    with people.visit("bob", viewport=PHONE, has_touch=True, is_mobile=True, color_scheme=scheme) as visit:
        for path in ("/redactions/", film_path):
            visit.go(path)
            assert visit.wider_than_the_screen() <= 0, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(people, film_path, scheme):
    source, found = AXE.read_text(), []
    with people.visit("bob", color_scheme=scheme) as visit:
        for path in ("/redactions/", film_path):
            page = visit.go(path).page
            if path == film_path:
                _is_done(page)
                page.get_by_role("button", name="Cover a region").click()
            else:
                page.locator("details.more summary").click()
            page.evaluate(source)
            result = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            found += [
                (path, rule["id"], rule["nodes"][0]["html"][:160])
                for rule in result["violations"]
                if rule["impact"] in ("serious", "critical")
            ]
    assert found == []


def test_charlie_has_no_such_page(people, film_path):
    with people.visit("charlie") as visit:
        asked = visit.page.context.request
        for path in ("/redactions/", film_path, f"{film_path}result", f"{film_path}tracks.json"):
            assert asked.get(visit.url + path).status == 403
