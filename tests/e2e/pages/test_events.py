"""Events in a browser: announced without a jump, decided, flagged; hostile text stays text."""

from playwright.sync_api import expect


def test_a_new_event_is_announced_and_moves_nothing(visit, alice, camera, see_event):
    see_event(camera)
    seen = visit(alice, "/events/")
    first = seen.page.locator(".event-row").first
    place = first.bounding_box()
    see_event(camera)
    bar = seen.page.locator("#new-events")
    expect(bar).to_have_text("1 new event")
    assert first.bounding_box() == place
    bar.click()
    expect(seen.page.locator(".event-row")).to_have_count(2)


def test_an_event_shows_its_covered_picture_path_and_model(visit, alice, camera, see_event):
    event = see_event(camera, text="EXIT 7")
    seen = visit(alice, f"/events/{event.pk}/")
    picture = seen.page.locator("#snapshot img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 0
    assert seen.drawn("#snapshot canvas") > 50
    seen.page.get_by_label("Show the path").uncheck()
    assert seen.drawn("#snapshot canvas") == 0
    expect(seen.page.get_by_text("yolox-nano")).to_be_visible()
    expect(seen.page.get_by_text("ab" * 32)).to_be_visible()
    expect(seen.page.get_by_text("EXIT 7")).to_be_visible()


def test_a_flag_of_charlie_is_refused(visit, charlie, camera, see_event):
    event = see_event(camera)
    seen = visit(charlie, "/events/")
    seen._expected_status = 404
    answer = seen.page.evaluate(
        """async (path) => {
          const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
          const body = new URLSearchParams({ csrfmiddlewaretoken: token, reason: "hard" });
          return (await fetch(path, { method: "POST", body })).status;
        }""",
        f"/events/{event.pk}/flag/",
    )
    assert answer == 404
    assert not event.flags.exists()


def test_a_sign_that_reads_like_markup_stays_text(visit, alice, camera, see_event):
    hostile = "<img src=x onerror=alert(1)>"
    event = see_event(camera, label=hostile, text=hostile)
    seen = visit(alice, "/live/")
    for path in ("/events/", f"/events/{event.pk}/", "/readings/"):
        seen.open(path)
        assert seen.page.locator("img[src='x']").count() == 0
        expect(seen.page.locator("main :is(a, h1, bdi)").filter(has_text=hostile).first).to_be_visible()
