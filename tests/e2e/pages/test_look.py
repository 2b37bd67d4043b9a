"""Every page: phone width, both languages, dark and light, reachable by keyboard, no violated policy."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
OPERATOR = ("/live/", "/events/", "/readings/", "/cameras/", "/health/", "/integrate/")
ADMINISTRATOR = (
    "/live/",
    "/cameras/",
    "/cameras/add/",
    "/sites/add/",
    "/models/",
    "/people/",
    "/people/add/",
    "/tokens/add/",
    "/health/",
    "/admin/",
)
ACCOUNT = ("/accounts/sessions/", "/accounts/2fa/", "/accounts/password/change/")


@pytest.fixture
def busy(camera, camera_b, alice, see_event):
    """Something to show: events, a reading, a long name."""
    see_event(camera, text="PLATFORM 12 — MIND THE GAP BETWEEN THE TRAIN AND THE EDGE")
    return see_event(camera)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_nothing_is_wider_than_a_phone(visit, alice, adam, bob, camera, busy, language):
    own = (f"/events/{busy.pk}/", f"/cameras/{camera.pk}/")
    wide = []
    for user, paths in ((alice, (*OPERATOR, *own)), (adam, (*ADMINISTRATOR, *ACCOUNT)), (bob, ("/record/",))):
        seen = visit(user, "/health/", viewport=PHONE, locale=language)
        for path in paths:
            seen.open(path)
            if seen.overflow_px() > 0:
                wide.append((path, seen.overflow_px()))
    assert wide == []


def test_russian_is_russian(visit, alice, camera, busy):
    seen = visit(alice, "/events/", locale="ru-RU")
    assert seen.page.locator("html").get_attribute("lang") == "ru"
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("События")
    seen.page.locator("header details.menu").last.click()
    seen.page.get_by_role("button", name="English").click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("Events")


def test_dark_follows_the_system_and_the_choice(visit, alice, camera):
    seen = visit(alice, "/events/", color_scheme="dark")
    dark = seen.style("html", "backgroundColor")
    seen.page.locator("header details.menu").last.click()
    seen.page.get_by_role("button", name="Light").click()
    expect(seen.page.locator("html")).to_have_attribute("data-theme", "light")
    assert seen.style("html", "backgroundColor") != dark


def test_the_first_tab_skips_the_navigation(visit, alice, camera):
    seen = visit(alice, "/events/")
    seen.page.keyboard.press("Tab")
    expect(seen.page.locator(":focus")).to_have_text("Skip to the content")
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, alice, adam, bob, camera, busy, scheme):
    assert AXE.exists(), "axe-core is missing: make setup-test installs it"
    source = AXE.read_text()
    found = []
    own = (f"/events/{busy.pk}/", f"/cameras/{camera.pk}/")
    for user, paths in ((alice, (*OPERATOR, *own)), (adam, ADMINISTRATOR[1:9]), (bob, ("/record/",))):
        seen = visit(user, "/health/", color_scheme=scheme)
        for path in paths:
            seen.open(path)
            seen.page.evaluate(source)
            result = seen.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            found += [
                (path, rule["id"], rule["nodes"][0]["html"][:160])
                for rule in result["violations"]
                if rule["impact"] in ("serious", "critical")
            ]
    assert found == []
