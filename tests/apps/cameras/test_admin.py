"""The administration pages show cameras without secrets and change nothing past the services."""

import pytest
from django.test import Client

from apps.cameras.addresses import Credentials
from apps.cameras.models import Camera
from apps.cameras.services import credentials_set

PAGES = ("cameras/site", "cameras/cameragroup", "cameras/camera", "cameras/zone")


@pytest.fixture
def admin(adam) -> Client:
    client = Client()
    client.force_login(adam, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize("page", PAGES)
def test_an_administrator_looks(admin, camera, page):
    assert admin.get(f"/admin/{page}/").status_code == 200
    assert admin.get(f"/admin/{page}/add/").status_code == 403


def test_a_camera_is_shown_without_its_secret_and_not_changed(admin, adam, camera):
    credentials_set(acting_user=adam, camera=camera, version=1, credentials=Credentials("u", "hunter2"))
    path = f"/admin/cameras/camera/{camera.pk}/change/"
    page = admin.get(path)
    assert page.status_code == 200
    assert b"hunter2" not in page.content
    assert admin.post(path, {"name": "Hall"}).status_code == 403
    assert Camera.objects.get().name == "Lobby"


@pytest.mark.parametrize("page", PAGES)
def test_charlie_is_sent_away(charlie, camera, page):
    client = Client()
    client.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(f"/admin/{page}/").status_code in (302, 403, 404)
