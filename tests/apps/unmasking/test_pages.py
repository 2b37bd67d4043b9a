"""Unmasking as a browser does it: the sign-in is repeated, the page locks, nothing else opens it."""

import time

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client
from django.urls import reverse

from apps.unmasking.models import UnmaskGrant
from apps.unmasking.services import request_approve
from tests.apps.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def _signed_in(user):
    client = Client()
    client.post(reverse("account_login"), {"login": user.get_username(), "password": PASSWORD})
    return client


@pytest.fixture
def granted(asked, bob):
    def make():
        request = asked()
        request_approve(acting_user=bob, request=request, version=1)
        return request

    return make


def _sign_in_again(client):
    answer = client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert answer.status_code == 302


def _open(client, request):
    return client.post(reverse("console:unmask_open", args=[request.pk]))


def _is_open(request):
    return UnmaskGrant.objects.get(request=request).opened_at is not None


def test_the_sign_in_is_repeated_for_every_grant(alice, granted, worker):
    request, client = granted(), _signed_in(alice)
    answer = _open(client, request)
    assert reverse("account_reauthenticate") in answer["Location"]
    assert not _is_open(request)
    _sign_in_again(client)
    _open(client, request)
    assert _is_open(request)


def test_a_repeated_sign_in_before_the_decision_does_not_count(alice, asked, bob, worker):
    request, client = asked(), _signed_in(alice)
    _sign_in_again(client)
    time.sleep(0.01)
    request_approve(acting_user=bob, request=request, version=1)
    _open(client, request)
    assert not _is_open(request)


def test_a_repeated_sign_in_grows_old(alice, granted, worker):
    request, client = granted(), _signed_in(alice)
    _sign_in_again(client)
    session = client.session
    records = session[AUTHENTICATION_METHODS_SESSION_KEY]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{**row, "at": row["at"] - 121} for row in records]
    session.save()
    _open(client, request)
    assert not _is_open(request)


def test_the_page_shows_tells_and_locks(alice, granted, worker, django_capture_on_commit_callbacks):
    request, client = granted(), _signed_in(alice)
    _sign_in_again(client)
    with django_capture_on_commit_callbacks(execute=True):
        _open(client, request)
    worker.work()
    address = reverse("console:unmask", args=[request.pk])
    assert "js/unmask.js" in client.get(address).content.decode()
    video = client.get(reverse("console:unmask_part", args=[request.pk, 0]), headers={"Range": "bytes=0-99"})
    assert (video.status_code, len(video.content), video["Content-Type"]) == (206, 100, "video/mp4")
    assert video["Cache-Control"] == "private, no-store"
    told = client.post(reverse("console:unmask_seen", args=[request.pk])).json()
    assert 0 < told["left_s"] <= 900
    assert told["preparing"] is False
    client.post(reverse("console:unmask_lock", args=[request.pk]))
    assert client.get(reverse("console:unmask_part", args=[request.pk, 0])).status_code == 404
    assert "js/unmask.js" not in client.get(address).content.decode()


def test_another_session_of_the_same_person_sees_nothing(
    alice, granted, worker, django_capture_on_commit_callbacks
):
    request, client, other = granted(), _signed_in(alice), _signed_in(alice)
    _sign_in_again(client)
    with django_capture_on_commit_callbacks(execute=True):
        _open(client, request)
    worker.work()
    for address in ("unmask_part", "unmask_seen", "unmask_lock"):
        arguments = [request.pk, 0] if address == "unmask_part" else [request.pk]
        url = reverse(f"console:{address}", args=arguments)
        answer = other.get(url) if address == "unmask_part" else other.post(url)
        assert answer.status_code == 404
    assert "js/unmask.js" not in other.get(reverse("console:unmask", args=[request.pk])).content.decode()


def test_the_one_who_approved_cannot_look(bob, alice, granted, worker, django_capture_on_commit_callbacks):
    request, client, judge = granted(), _signed_in(alice), _signed_in(bob)
    _sign_in_again(client)
    with django_capture_on_commit_callbacks(execute=True):
        _open(client, request)
    worker.work()
    assert judge.get(reverse("console:unmask_part", args=[request.pk, 0])).status_code == 404
    assert "js/unmask.js" not in judge.get(reverse("console:unmask", args=[request.pk])).content.decode()


def test_no_token_opens_any_of_it(adam, camera, originals):
    """The API has no address for unmasking at all."""
    from django.urls import get_resolver

    routes = [str(pattern.pattern) for pattern in get_resolver("webapp.api").url_patterns]
    names = [str(route.pattern) for include in get_resolver("webapp.api").url_patterns
             for route in getattr(include, "url_patterns", [])]  # fmt: skip
    assert [name for name in routes + names if "unmask" in name or "original" in name] == []
