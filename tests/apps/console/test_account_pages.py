"""Signing in, one's own account, the administration and the error pages."""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = pytest.mark.usefixtures("redis_url")
INLINE = re.compile(r"<[^>]+\s(style|on[a-z]+)=|<script(?![^>]*(src=|application/json))")
OWN_PAGES = ("usersessions_list", "account_change_password", "mfa_index", "account_logout")


def _signed_in(user: "User") -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_the_sign_in_page_leads_to_no_sign_up_and_no_mail() -> None:
    page = Client().get(reverse("account_login")).content.decode()

    assert 'name="login"' in page
    assert "signup" not in page
    assert "password/reset" not in page
    assert not INLINE.search(page)


def test_signing_in_by_the_form_opens_the_first_page(charlie: "User") -> None:
    client = Client()
    answer = client.post(
        reverse("account_login"), {"login": "charlie", "password": "correct horse battery staple"}
    )

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get(reverse("console:integrate")).status_code == 200


def test_a_wrong_password_is_told_in_words(charlie: "User") -> None:
    page = Client().post(reverse("account_login"), {"login": "charlie", "password": "wrong"})

    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


@pytest.mark.parametrize("name", OWN_PAGES)
def test_own_pages_are_in_the_product_and_need_nothing_inline(charlie: "User", name: str) -> None:
    page = _signed_in(charlie).get(reverse(name)).content.decode()

    assert 'class="shell"' in page
    assert not INLINE.search(page)
    assert "password/reset" not in page


def test_another_session_can_be_ended_one_by_one(charlie: "User") -> None:
    from allauth.usersessions.models import UserSession

    credentials = {"login": "charlie", "password": "correct horse battery staple"}
    here, there = Client(), Client()
    for client in (here, there):
        client.post(reverse("account_login"), credentials)
        client.get(reverse("console:integrate"))
    page = here.get(reverse("usersessions_list")).content.decode()
    other = UserSession.objects.get(session_key=there.session.session_key)

    assert reverse("session_end", args=[other.pk]) in page
    here.post(reverse("session_end", args=[other.pk]))
    assert there.get(reverse("console:integrate")).status_code == 302
    assert here.get(reverse("console:integrate")).status_code == 200


@pytest.mark.parametrize("address", ["admin:index", "admin:accounts_user_changelist"])
def test_the_administration_is_in_our_look_without_anything_inline(adam: "User", address: str) -> None:
    page = _signed_in(adam).get(reverse(address)).content.decode()

    assert "css/admin.css" in page
    assert "theme.js" not in page
    assert not INLINE.search(page)


@pytest.mark.django_db
def test_a_page_that_does_not_exist_says_so_with_the_request_id() -> None:
    answer = Client().get("/nowhere/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.parametrize("status", [HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE])
def test_the_worst_pages_need_no_database(status: HTTPStatus) -> None:
    """No database fixture: a query would fail this test."""
    from apps.core.handlers import error_page
    from apps.core.problems import Problem

    request = RequestFactory().get("/")
    answer = error_page(request, Problem("record_away", "The record <b>cannot</b> be written.", status))
    page = answer.content.decode()

    assert answer.status_code == status
    assert page.startswith("<!doctype html>")
    assert "The record &lt;b&gt;cannot&lt;/b&gt; be written." in page
    assert not INLINE.search(page)


def test_pages_speak_russian(charlie: "User") -> None:
    """Set-up compiles the catalogue (requirements/setup.py)."""
    client = _signed_in(charlie)
    page = client.get(reverse("console:health"), headers={"accept-language": "ru"}).content.decode()

    assert '<html lang="ru"' in page
    assert "Исправность" in page
