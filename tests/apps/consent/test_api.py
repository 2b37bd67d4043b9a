"""The register and consents over REST, as a compliance officer's program uses them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from apps.accounts.services import token_create
from apps.cameras.models import CameraGroup
from apps.consent.models import Consent, Purpose
from apps.dispatch.leases import lease_for
from tests.apps.consent.entries import CONSENT, FIELDS
from tests.apps.purposes import purpose_add

WHY = {"X-Vidette-Purpose": "audit"}


@pytest.fixture
def api(bob):
    client = APIClient()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_an_entry_is_made_changed_and_ended(api, bare_camera):
    made = api.post("/api/v1/purposes", FIELDS | {"camera": str(bare_camera.pk)}, format="json")
    assert made.status_code == 201, made.content
    entry = made.json()
    assert (entry["state"], entry["allowed_now"], entry["version"]) == ("in_force", ["view", "detect"], 1)
    address = f"/api/v1/purposes/{entry['id']}"
    changed = api.patch(address, {"version": 1, "stages": ["view"]}, format="json").json()
    assert (changed["stages"], changed["version"]) == (["view"], 2)
    assert api.patch(address, {"version": 1, "stages": ["text"]}, format="json").status_code == 409
    ended = api.post(f"{address}/end", {"version": 2, "reason": "moved"}, format="json").json()
    assert (ended["state"], ended["allowed_now"]) == ("purpose_ended", [])
    versions = api.get(f"{address}/versions").json()["results"]
    assert [row["number"] for row in versions] == [3, 2, 1]


def test_what_may_be_done_is_told_per_camera(api, alice, bare_camera, camera):
    listed = {row["camera"]: row for row in api.get("/api/v1/bases").json()["results"]}
    assert listed[str(bare_camera.pk)] == {
        "camera": str(bare_camera.pk), "streams": False, "code": "no_purpose", "stages": [], "entries": [],
    }  # fmt: skip
    client = APIClient()
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    told = client.get(f"/api/v1/cameras/{camera.pk}/basis").json()
    assert (told["streams"], told["entries"][0]["controller"]) == (True, "Example Ltd")
    assert "subjects" not in told["entries"][0]


def test_a_consent_is_recorded_proven_and_withdrawn(api, bare_camera):
    body = CONSENT | {"cameras": [str(bare_camera.pk)], "contact": "one@example.org"}
    made = api.post("/api/v1/consents", body, format="json")
    assert made.status_code == 201, made.content
    assert "one@example.org" not in made.content.decode()
    consent = made.json()
    address = f"/api/v1/consents/{consent['id']}"
    document = SimpleUploadedFile("form.pdf", b"%PDF-1.7")
    kept = api.put(f"{address}/document", {"version": 1, "document": document}, format="multipart")
    assert kept.json()["evidence_sha256"] == Consent.objects.get().evidence_sha256 != ""
    assert api.get(f"{address}/document", headers=WHY).content == b"%PDF-1.7"
    assert api.get(f"{address}/contact").status_code == 400
    assert api.get(f"{address}/contact", headers=WHY).json() == {"contact": "one@example.org"}
    withdrawn = api.post(f"{address}/withdraw", {"version": 2, "note": "letter"}, format="json").json()
    assert withdrawn["withdrawn_at"] is not None
    assert api.get("/api/v1/consents?standing=true", headers=WHY).json()["results"] == []


def test_a_consent_for_what_is_not_there_is_refused(api, bare_camera):
    body = CONSENT | {"cameras": ["00000000-0000-4000-8000-000000000000"]}
    assert api.post("/api/v1/consents", body, format="json").status_code == 404


def test_the_proof_of_effect_is_read_per_camera(api, bare_camera):
    entry = purpose_add(bare_camera)
    key = entry.pk
    lease_for(bare_camera)
    entry.delete()
    lease_for(bare_camera)
    rows = api.get(f"/api/v1/cameras/{bare_camera.pk}/leases").json()["results"]
    assert [(row["revision"], row["withheld"], row["confirmed_at"]) for row in rows] == [
        (2, "no_purpose", None),
        (1, "", None),
    ]
    assert rows[1]["basis"] == [f"{key}@1"]


def test_a_token_for_some_groups_sees_their_entries_and_no_consents(adam, bob, camera, camera_b, consent):
    group = CameraGroup.objects.create(site=camera.site, name="G")
    group.cameras.add(camera)
    _row, secret = token_create(
        acting_user=adam, user=bob, name="t", actions=["purposes:read"], group_ids=[str(group.pk)]
    )
    client = APIClient(headers={"Authorization": f"Token {secret}"})
    seen = client.get("/api/v1/purposes").json()["results"]
    assert [row["camera"] for row in seen] == [str(camera.pk)]
    assert client.get("/api/v1/consents", headers=WHY).json()["results"] == []
    hidden = Purpose.objects.get(camera=camera_b)
    assert client.get(f"/api/v1/purposes/{hidden.pk}").status_code == 404
    assert client.post("/api/v1/purposes", {}, format="json").status_code == 403
