"""Moments at the ends of the calendar: a zone of time leads out of it, so they are refused in words."""

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
SAID = "Expected a moment of the years 1970 to 2199."
ENDS = pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59"])


def _client(user):
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@ENDS
@pytest.mark.parametrize("name", ["record", "events", "readings"])
def test_a_filter_says_so(bob, camera, redis, name, moment):
    client, address = _client(bob), reverse(f"console:{name}")
    for query in ({"since": moment}, {"until": moment, "camera_id": str(camera.pk), "seen": "on"}):
        page = client.get(address, query)
        assert page.status_code == 200
        assert SAID in page.content.decode()


@ENDS
def test_the_api_says_so(alice, camera, moment):
    address = f"/api/v1/cameras/{camera.pk}/segments"
    answer = _client(alice).get(address, {"since": f"{moment}:00Z"})
    assert (answer.status_code, answer.json()["errors"]) == (400, {"since": [SAID]})


@ENDS
def test_a_day_of_a_hold_is_brought_into_reach(bob, camera, moment):
    address = reverse("console:hold_add", args=[camera.pk])
    assert _client(bob).get(address, {"day": moment[:10]}).status_code == 200
