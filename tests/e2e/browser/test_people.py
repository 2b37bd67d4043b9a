"""What each person finds: alice works, bob sees who looked, charlie gets nothing."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser.chromium import MENU

pytestmark = pytest.mark.timeout(600)
EVENT_S = 120


def _first_event(page: Page, url: str) -> str:
    """The path of an event with a picture; the demonstration makes one within a minute or two."""
    deadline = time.monotonic() + EVENT_S
    row = page.locator(".event-row:has(img)")
    while not row.count():
        assert time.monotonic() < deadline, "no event came"
        page.wait_for_timeout(2000)
        page.goto(f"{url}/events/")
    return str(row.first.get_attribute("href"))


@pytest.fixture(scope="module")
def event_path(people):
    with people.visit("alice") as visit:
        return _first_event(visit.go("/events/").page, visit.url)


def test_a_wrong_password_is_answered_in_words(people):
    with people.visit(None) as visit:
        page = visit.go("/accounts/login/").page
        page.fill("input[name=login]", "alice")
        page.fill("input[name=password]", "not the password")
        page.press("input[name=password]", "Enter")
        expect(page.get_by_text(re.compile("not correct|incorrect", re.I)).first).to_be_visible()


def test_a_stranger_is_sent_to_the_sign_in(people):
    with people.visit(None) as visit:
        page = visit.go("/live/").page
        assert "/accounts/login/" in page.url


def test_an_event_opens_with_its_covered_picture(people, event_path):
    with people.visit("alice") as visit:
        page = visit.go(event_path).page
        image = page.locator("#snapshot img")
        expect(image).not_to_have_js_property("naturalWidth", 0)
        expect(image).to_have_attribute("alt", re.compile("^Redacted picture"))
        expect(page.get_by_text(re.compile("Faces covered|Whole picture covered")).first).to_be_visible()
        expect(page.locator("dd.mono").filter(has_text=re.compile("^[0-9a-f]{64}$"))).to_have_count(1)


def test_alice_confirms_and_flags_an_event(people, event_path):
    with people.visit("alice") as visit:
        page = visit.go(event_path).page
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_text("Confirmed").first).to_be_visible()
        page.get_by_role("button", name="Reopen").click()
        page.locator("[data-open-dialog=flag]").click()
        dialog = page.locator("dialog#flag")
        expect(dialog).to_be_visible()
        dialog.locator("select, input[type=radio]").first.press("ArrowDown")
        dialog.get_by_role("button", name="Flag").click()
        page.wait_for_load_state()
        expect(page.get_by_text("alice").last).to_be_attached()


def test_charlie_sees_nothing_and_is_told_what_to_do(people):
    with people.visit("charlie") as visit:
        expect(visit.go("/live/").page.get_by_text("No camera is open to you yet")).to_be_visible()
        assert visit.page.locator(".tile").count() == 0
        visit.go("/events/")
        assert visit.page.locator(".event-row").count() == 0
        visit.go("/cameras/")
        assert visit.page.locator("a[href*='/cameras/0']").count() == 0


def test_charlie_cannot_open_or_flag_an_event(people, event_path):
    with people.visit("charlie") as visit:
        visit.go("/live/")
        token = visit.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
        asked = visit.page.context.request
        for path in (event_path, f"{event_path}snapshot.jpg"):
            assert asked.get(visit.url + path).status == 404
        for path, form in (
            ("flag/", {"reason": "hard"}),
            ("status/", {"status": "confirmed", "version": "1"}),
        ):
            answer = asked.post(
                f"{visit.url}{event_path}{path}",
                form=form,
                headers={"X-CSRFToken": token, "Referer": visit.url},
                max_redirects=0,
            )
            assert answer.status == 404, path


def test_bob_finds_who_watched(people):
    with people.visit("alice") as visit:
        page = visit.go("/live/").page
        expect(page.locator(".tile:visible").first).to_have_attribute("data-age", "fresh", timeout=30_000)
        camera = page.locator(".tile:visible").first.get_attribute("data-camera")
        page.wait_for_timeout(1500)
    with people.visit("bob") as visit:
        page = visit.go(f"/record/?camera={camera}&kind=viewing").page
        row = page.locator(".record__row--viewing").filter(has_text="alice").first
        expect(row).to_be_visible()
        row.locator("summary").click()
        expect(row.get_by_text("covered", exact=True)).to_be_visible()
        expect(row.get_by_text("pictures", exact=True)).to_be_visible()


def test_bob_cannot_change_what_he_reads(people):
    with people.visit("bob") as visit:
        visit.go("/record/")
        assert visit.page.locator("main form[method=post]").count() <= 1, "more than the self-check"


def test_the_pages_speak_russian_on_demand(people):
    with people.visit("alice") as visit:
        page = visit.go("/events/").page
        page.locator(MENU).click()
        page.locator("button[name=language][value=ru]").click()
        expect(page.locator("html")).to_have_attribute("lang", "ru")
        expect(page.locator("h1")).to_have_text("События")
        visit.go("/live/")
        expect(page.locator("#connection")).to_contain_text(re.compile("[А-я]"))


def test_signing_out_ends_the_wall(people):
    """In a session of its own, so that the others stay signed in."""
    with people.visit(None) as visit:
        visit.sign_in("dana", people.password("dana"))
        page = visit.go("/live/").page
        expect(page.locator("#connection .dot--ok")).to_be_visible()
        other = page.context.new_page()
        other.goto(f"{visit.url}/events/")
        other.locator(MENU).click()
        other.get_by_role("button", name="Sign out").click()
        other.wait_for_url(lambda url: not url.endswith("/events/"))
        # That the socket closes within two seconds is measured at the socket, in tests/live.
        page.wait_for_url("**/accounts/login/**")
