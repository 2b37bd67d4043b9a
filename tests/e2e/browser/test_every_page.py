"""Every page for the people who may open it: no complaint of the browser, nothing wider than a phone."""

import pytest

from tests.e2e.browser.chromium import MENU, PHONE

pytestmark = pytest.mark.timeout(600)
EVERYBODY = ("/live/", "/events/", "/readings/", "/cameras/", "/health/", "/integrate/")
ACCOUNT = ("/accounts/password/change/", "/accounts/sessions/", "/accounts/2fa/")
PAGES = {
    "alice": (*EVERYBODY, *ACCOUNT, "/unmasking/", "/", "/no-such-page/"),
    "bob": (
        *EVERYBODY, "/duties/", "/audit-pack/", "/redactions/", "/evidence/", "/unmasking/", "/retention/",
        "/retention/classes/add/", "/models/", "/record/", "/admin/", "/admin/audit/auditrecord/",
    ),
    "charlie": EVERYBODY,
    "erin": (*EVERYBODY, "/models/"),
    "adam": (
        *EVERYBODY, "/models/", "/people/", "/people/add/", "/tokens/add/", "/cameras/add/", "/sites/add/",
        "/admin/", "/admin/accounts/user/", "/admin/cameras/camera/",
    ),
}  # fmt: skip
LOOKS = {
    "desktop": {},
    # Words are longest in Russian, so what is narrow enough there is so in English.
    "dark phone in Russian": {
        "viewport": PHONE, "has_touch": True, "is_mobile": True, "color_scheme": "dark", "locale": "ru-RU",
    },
}  # fmt: skip
EXPECTED = ("404 (Not Found)",)


def _linked(page, pattern):
    """The first address on the page that holds `pattern`."""
    found = page.locator(f"main a[href*='{pattern}']").first
    return [found.get_attribute("href")] if found.count() else []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_no_complaint_and_no_sideways_scroll(people, name, look):
    with people.visit(name, **LOOKS[look]) as visit:
        wide, paths = {}, list(PAGES[name])
        for path in paths:
            visit.go(path)
            if path == "/events/":
                paths += _linked(visit.page, "/events/0")
            if path == "/cameras/":
                paths += _linked(visit.page, "/cameras/0")
            if (pixels := visit.wider_than_the_screen()) > 0:
                wide[path] = pixels
        if "/no-such-page/" in paths:
            visit.complaints = [line for line in visit.complaints if not line.endswith(f"{EXPECTED[0]}")]
        assert wide == {}


def test_the_dark_scheme_is_dark_and_can_be_chosen(people):
    brightness = """() => {
      const drawn = new OffscreenCanvas(1, 1).getContext("2d");  // whatever way the colour is written in
      drawn.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
      drawn.fillRect(0, 0, 1, 1);
      const [r, g, b] = drawn.getImageData(0, 0, 1, 1).data;
      return (r + g + b) / 3;
    }"""
    with people.visit("bob", color_scheme="dark") as visit:
        assert visit.go("/events/").page.evaluate(brightness) < 60
    with people.visit("bob", color_scheme="light") as visit:
        page = visit.go("/events/").page
        assert page.evaluate(brightness) > 200
        page.locator(MENU).click()
        page.locator("button[name=theme][value=dark]").click()
        page.wait_for_load_state()
        assert page.evaluate(brightness) < 60
        assert visit.go("/cameras/").page.evaluate(brightness) < 60


def test_a_keyboard_reaches_the_content_first(people):
    with people.visit("alice") as visit:
        page = visit.go("/events/").page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_an_inline_script_does_not_run(people):
    """What hostile text would need to do harm is refused, on the pages and in the administration."""
    with people.visit("adam") as visit:
        for path in ("/live/", "/admin/"):
            visit.go(path)
            visit.page.evaluate(
                """() => {
                  const script = document.createElement("script");
                  script.textContent = "window.harmed = true";
                  document.body.append(script);
                }"""
            )
            assert visit.page.evaluate("window.harmed") is None
        assert any("Content Security Policy" in line for line in visit.complaints)
        visit.complaints.clear()
