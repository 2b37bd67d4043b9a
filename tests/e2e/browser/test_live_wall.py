"""The live wall: covered pictures that move, words on every tile, keys."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.timeout(600)
PICTURE_MS = 60_000  # the first picture comes after the models are loaded
# A small copy of a tile's picture: enough to see whether it moved.
THUMB = """tile => {
  const small = new OffscreenCanvas(32, 18).getContext("2d");
  small.drawImage(tile.querySelector(".tile__picture"), 0, 0, 32, 18);
  return Array.from(small.getImageData(0, 0, 32, 18).data);
}"""


def _tiles(page: Page):
    return page.locator(".tile:visible")


def _wait_for_pictures(page: Page) -> None:
    for tile in _tiles(page).all():
        expect(tile).to_have_attribute("data-age", "fresh", timeout=PICTURE_MS)


def test_every_tile_shows_a_moving_picture_that_is_covered(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        _wait_for_pictures(page)
        tiles = _tiles(page).all()
        assert len(tiles) >= 2
        before = [tile.evaluate(THUMB) for tile in tiles]
        assert all(len(set(picture)) > 8 for picture in before), "a tile is empty"
        page.wait_for_timeout(3000)
        moved = [tile.evaluate(THUMB) != picture for tile, picture in zip(tiles, before, strict=True)]
        assert all(moved)
        assert {header.redaction for header in visit.pictures} <= {"tracks", "mosaic"}
        for tile in tiles:
            expect(tile.locator("[data-cover]")).to_have_text(
                re.compile("Faces covered|Whole picture covered")
            )


def test_each_tile_says_name_age_rate_and_model(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        _wait_for_pictures(page)
        for tile in _tiles(page).all():
            expect(tile.locator(".tile__name a")).not_to_be_empty()
            expect(tile.locator("[data-age-text]")).to_have_text(re.compile(r"^(stale · )?\d+(\.\d)? s$"))
            expect(tile.locator("[data-fps]")).to_have_text(re.compile(r"^[1-9]\d*\.\d fps$"))
            # Pictures come before the worker has said which models it has.
            expect(tile.locator("[data-model]")).not_to_have_text("–", timeout=PICTURE_MS)
        expect(page.locator("#connection")).to_contain_text("Connected")


def test_alice_sees_the_cameras_of_her_site_alone(people):
    with people.visit("alice") as visit, people.visit("dana") as other:
        names = [
            set(one.go("/live/").page.locator(".tile__name a").all_inner_texts()) for one in (visit, other)
        ]
    assert names[0]
    assert names[1]
    assert not names[0] & names[1]


def test_arrows_enter_and_escape(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        _wait_for_pictures(page)
        count = _tiles(page).count()
        page.keyboard.press("ArrowRight")
        first = page.evaluate("document.activeElement.closest('.tile').dataset.camera")
        page.keyboard.press("ArrowRight")
        second = page.evaluate("document.activeElement.closest('.tile').dataset.camera")
        assert first != second
        page.keyboard.press("Enter")
        expect(_tiles(page)).to_have_count(1)
        expect(_tiles(page)).to_have_attribute("data-camera", second)
        page.keyboard.press("ArrowLeft")
        expect(_tiles(page)).to_have_attribute("data-camera", first)
        page.keyboard.press("Escape")
        expect(_tiles(page)).to_have_count(count)


def test_digits_choose_how_many(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        page.keyboard.press("1")
        expect(_tiles(page)).to_have_count(1)
        expect(page.locator("#layouts [aria-pressed=true]")).to_have_attribute("data-layout", "1")
        page.keyboard.press("0")
        expect(page.locator("#layouts [aria-pressed=true]")).to_have_attribute("data-layout", "auto")


def test_a_reloaded_page_shows_pictures_again(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        _wait_for_pictures(page)
        page.reload()
        _wait_for_pictures(page)


def test_the_page_of_a_camera_is_live(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        page.locator(".tile__name a").first.click()
        page.wait_for_url("**/cameras/*/")
        expect(page.locator("canvas.tile__picture")).to_be_visible()
        expect(page.locator(".tile")).to_have_attribute("data-age", "fresh", timeout=PICTURE_MS)
        assert visit.pictures
