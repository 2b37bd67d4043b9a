"""The way out, and what somebody without a grant meets."""

import re

from playwright.sync_api import expect


def test_charlie_meets_the_same_page_for_a_foreign_and_for_a_missing_event(visit, charlie, camera, see_event):
    foreign = see_event(camera)
    seen = visit(charlie, "/events/")
    seen.open(f"/events/{foreign.pk}/", status=404)
    first = seen.text("main h1")
    seen.open("/events/00000000-0000-4000-8000-000000000000/", status=404)
    assert seen.text("main h1") == first
    seen.open(f"/events/{foreign.pk}/snapshot.jpg", status=404)


def test_signing_out_ends_the_wall(visit, alice, camera):
    seen = visit(alice, "/live/")
    expect(seen.page.locator("#connection")).to_contain_text("Connected")
    other = seen.page.context.new_page()
    other.goto("/accounts/logout/")
    other.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(seen.page).to_have_url(re.compile("/accounts/login/"), timeout=8000)
