"""A request of a person in the browser: entered, found, erased by two people; a phone shows it in Russian."""

import os
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.cameras.services import grant_give
from apps.core.clock import now
from apps.detections.models import Event
from tests.apps.conftest import frank  # noqa: F401 - a fixture
from tests.apps.retention.conftest import seen as happened  # noqa: F401 - a fixture

pytestmark = pytest.mark.timeout(180)
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "locale": "ru-RU"}


def _fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_an_erasure_takes_two_people(visit, adam, bob, frank, camera, happened, site_a):  # noqa: F811
    for user in (bob, frank):
        grant_give(acting_user=adam, user=user, site=site_a, permission="watch")
    event = happened(camera, 5)
    Event.objects.filter(pk=event.pk).update(ended=True)
    page = visit(bob, "/cases/add/").page
    page.select_option("[name=kind]", "erasure")
    page.fill("[name=asked]", "Blue coat, this morning, at the door")
    page.get_by_role("button", name="Enter the request").click()
    expect(page.locator("h1 .badge")).to_contain_text("left")
    page.select_option("[name=outcome] >> nth=0", "confirmed")
    page.get_by_role("button", name="Record the check").click()
    page.get_by_role("link", name="Search and collect").click()
    page.fill("[name=since]", f"{now() - timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.fill("[name=until]", f"{now() + timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("checkbox", name="Person").first.check()
    _shot(page, "find")
    page.get_by_role("button", name="Collect what is ticked").click()
    page.get_by_role("button", name="Make a preview").click()
    expect(page.get_by_text("A compliance officer other than you decides.")).to_be_visible()
    _shot(page, "preview")
    other = visit(frank, page.url.removeprefix(page.url.split("/cases/")[0])).page
    other.get_by_role("button", name="Approve").click()
    other.once("dialog", lambda dialog: dialog.accept())
    other.get_by_role("button", name="Erase as approved").click()
    expect(other.get_by_role("link", name="Certificate (PDF)")).to_be_visible()
    assert not Event.objects.filter(pk=event.pk).exists()
    phone = visit(bob, "/cases/", **PHONE).page
    assert _fits(phone)
    phone.get_by_role("link", name="C-").click()
    expect(phone.get_by_role("heading", name="Собрано")).to_be_visible()
    assert _fits(phone)
    _shot(phone, "phone")


def _shot(page, name):
    """For whoever wants to look: CASES_SHOTS names a folder."""
    if folder := os.environ.get("CASES_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
