"""The way in, and what somebody without a grant meets."""

import re

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import expect

from tests.apps.conftest import PASSWORD


def test_alice_signs_in_and_lands_on_the_wall(visit, alice, camera):
    # Tests hash passwords cheaply; the web process knows the hashers of the product alone.
    alice.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt-of-a-test")
    alice.save(update_fields=["password"])
    seen = visit(None, "/")
    seen.page.get_by_label("Username").fill("alice")
    seen.page.get_by_label("Password", exact=True).fill(PASSWORD)
    seen.page.get_by_role("button", name="Sign in").click()
    expect(seen.page).to_have_url(re.compile(r"/live/$"))
    expect(seen.page.get_by_role("link", name="Lobby", exact=True)).to_be_visible()


def test_a_wrong_password_is_refused_in_words(visit, alice):
    seen = visit(None, "/accounts/login/")
    seen.page.get_by_label("Username").fill("alice")
    seen.page.get_by_label("Password", exact=True).fill("not this one")
    seen.page.get_by_role("button", name="Sign in").click()
    expect(seen.page.get_by_text("not correct")).to_be_visible()
    assert "/accounts/login/" in seen.page.url


def test_charlie_is_told_what_to_do_next(visit, charlie, camera):
    seen = visit(charlie, "/live/")
    expect(seen.page.get_by_role("heading", name="No camera is open to you yet")).to_be_visible()
    assert seen.page.locator("canvas").count() == 0


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
