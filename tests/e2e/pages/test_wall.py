"""The live wall in a browser: moving covered pictures, ages and troubles in words, keys."""

from playwright.sync_api import expect

from tests.live.pictures import Publisher

PICTURE = ".tile[data-camera='{}'] .tile__picture"
BOXES = ".tile[data-camera='{}'] .tile__boxes"


def test_pictures_move_and_boxes_are_drawn(visit, alice, camera, redis):
    with Publisher(redis, camera.pk, fps=8):
        seen = visit(alice, "/live/")
        assert seen.changes(PICTURE.format(camera.pk))
        assert seen.drawn(BOXES.format(camera.pk)) > 50
        expect(seen.page.locator(".tile__cover")).to_have_text("Faces covered")
        expect(seen.page.locator(".tile")).to_have_attribute("data-age", "fresh")


def test_a_picture_that_stays_away_is_called_stale(visit, alice, camera, redis):
    seen = visit(alice, "/live/")
    with Publisher(redis, camera.pk, fps=8):
        expect(seen.page.locator(".tile")).to_have_attribute("data-age", "fresh")
    expect(seen.page.locator(".tile")).to_have_attribute("data-age", "stale", timeout=5000)
    expect(seen.page.locator(".tile__age")).to_contain_text("stale")


def test_a_picture_that_stays_covered_as_a_whole_says_why(visit, alice, camera, redis):
    words = "Covered as a whole, to be safe"
    with Publisher(redis, camera.pk, fps=8, redaction="mosaic"):
        seen = visit(alice, "/live/")
        expect(seen.page.locator(".tile__cover")).to_have_text("Whole picture covered")
        assert words not in seen.page.locator(".tile").inner_text()
        expect(seen.page.locator(".tile__words")).to_contain_text(words, timeout=8000)
        expect(seen.page.locator(".tile__words small")).to_contain_text("an administrator can help")
    with Publisher(redis, camera.pk, fps=8):
        expect(seen.page.locator(".tile__words")).not_to_contain_text(words)


def test_an_event_is_announced_on_its_tile(visit, alice, camera, see_event):
    seen = visit(alice, "/live/")
    expect(seen.page.locator("#connection")).to_contain_text("Connected")
    seen.page.wait_for_timeout(500)
    event = see_event(camera, label="person")
    chip = seen.page.locator(".tile__event")
    expect(chip).to_have_text("New: Person")
    assert chip.get_attribute("href") == f"/events/{event.pk}/"


def test_a_withdrawn_grant_closes_the_picture(visit, adam, alice, site_a, camera, redis):
    from apps.cameras.services import grant_revoke

    with Publisher(redis, camera.pk, fps=8):
        seen = visit(alice, "/live/")
        expect(seen.page.locator(".tile")).to_have_attribute("data-age", "fresh")
        grant_revoke(acting_user=adam, user=alice, site=site_a, permission="watch")
        grant_revoke(acting_user=adam, user=alice, site=site_a, permission="triage")
        expect(seen.page.locator(".tile")).to_have_attribute("data-need", "trouble", timeout=6000)
        expect(seen.page.locator(".tile__words")).to_contain_text("not open to you any more")
        seen.page.wait_for_timeout(1000)  # eight more pictures are published
        assert seen.drawn(PICTURE.format(camera.pk)) == 0


def test_the_wall_fills_the_screen_and_comes_back(visit, alice, camera, redis):
    with Publisher(redis, camera.pk, fps=8):
        seen = visit(alice, "/live/")
        expect(seen.page.locator(".tile")).to_have_attribute("data-age", "fresh")
        seen.page.get_by_role("button", name="Full screen").click()
        seen.page.wait_for_function("document.fullscreenElement !== null")
        assert seen.changes(PICTURE.format(camera.pk))
        seen.page.evaluate("document.exitFullscreen()")
        seen.page.wait_for_function("document.fullscreenElement === null")
