"""Packs as a browser and a program ask for them: from recordings, from an event, from the list."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.services import token_create
from apps.audit.models import AuditRecord, RecordKind
from apps.core.clock import now
from apps.core.objects import object_get
from apps.evidence.building import pack_build, packs_sweep
from apps.evidence.models import EvidencePack, PackState
from apps.evidence.verifiers import verifier_files
from apps.monitoring.models import LeakGuard
from apps.retention.services import hold_place
from tests.apps.api.world import _redaction

pytestmark = pytest.mark.django_db
WHY = {"purpose": "incident investigation", "case": "2026/17", "reason": "theft <b>at</b> the door"}
PURPOSE = {"X-Vidette-Purpose": "court"}


def _client(user):
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def page(bob):
    return _client(bob)


def _asked(page, address):
    """Fill the form with what it proposes, as a person does who changes nothing; the pack of it."""
    form = page.get(address).context["form"]
    proposed = {name: form[name].value().strftime("%Y-%m-%dT%H:%M:%S") for name in ("since", "until")}
    answer = page.post(address, {**proposed, **WHY})
    pack = EvidencePack.objects.get()
    assert answer["Location"] == reverse("console:evidence_pack", args=[pack.pk])
    return pack


def test_from_an_event_to_the_file(page, camera, filmed):
    event = filmed[2]
    shown = page.get(reverse("console:event", args=[event.pk])).content.decode()
    address = reverse("console:evidence_add", args=[camera.pk]) + f"?event={event.pk}"
    assert address in shown
    pack = _asked(page, address)
    assert pack.event_id == event.pk
    assert pack.since <= event.first_seen_at <= event.last_seen_at <= pack.until
    one = reverse("console:evidence_pack", args=[pack.pk])
    assert "hx-trigger" in page.get(one).content.decode(), "it asks again while it waits"
    assert packs_sweep() == 1
    ready = page.get(one).content.decode()
    assert "hx-trigger" not in ready
    pack.refresh_from_db()
    assert pack.sha256 in ready
    answer = page.get(reverse("console:evidence_file", args=[pack.pk]))
    assert b"".join(answer.streaming_content)[:4] == b"PK\x03\x04"
    assert answer["Content-Disposition"].startswith("attachment")


def test_from_a_day_of_recordings(page, camera, filmed):
    recordings = page.get(reverse("console:recordings", args=[camera.pk])).content.decode()
    day = page.get(reverse("console:recordings", args=[camera.pk])).context["day"].day
    address = reverse("console:evidence_add", args=[camera.pk]) + f"?day={day:%Y-%m-%d}"
    assert address in recordings
    pack = _asked(page, address)
    assert pack.until - pack.since <= timedelta(hours=24)
    assert pack_build(pack.pk)


def test_from_the_list_and_its_empty_state(page, camera, filmed, frank):
    empty = page.get(reverse("console:evidence")).content.decode()
    assert "No pack yet" in empty
    assert reverse("console:evidence_choose") in empty
    choose = page.get(reverse("console:evidence_choose")).content.decode()
    assert reverse("console:evidence_add", args=[camera.pk]) in choose
    ungranted = _client(frank).get(reverse("console:evidence")).content.decode()
    assert "An administrator can give it" in ungranted


def test_foreign_text_is_text(page, camera, pack):
    EvidencePack.objects.filter(pk=pack.pk).update(case="<img src=x>", reason="<b>x</b>")
    for address in (reverse("console:evidence"), reverse("console:evidence_pack", args=[pack.pk])):
        shown = page.get(address).content.decode()
        assert "<img src=x>" not in shown
        assert "&lt;img src=x&gt;" in shown


def test_a_failed_pack_says_why_and_what_next(page, camera, pack):
    EvidencePack.objects.filter(pk=pack.pk).update(state=PackState.FAILED, error_code="file_changed")
    shown = page.get(reverse("console:evidence_pack", args=[pack.pk])).content.decode()
    assert "its SHA-256 differs" in shown
    assert reverse("console:evidence_add", args=[camera.pk]) in shown


def test_a_refusal_is_a_sentence_on_the_form(page, camera, filmed):
    answer = page.post(
        reverse("console:evidence_add", args=[camera.pk]),
        {"since": "2026-01-01T00:00:00", "until": "2026-01-01T01:00:00", **WHY},
    )
    assert answer.status_code == 200
    assert "Nothing was recorded in this time" in answer.content.decode()


def test_deleting_and_what_a_hold_forbids(page, bob, camera, pack):
    address = reverse("console:evidence_delete", args=[pack.pk])
    hold = hold_place(
        acting_user=bob, camera=camera, since=pack.since, until=pack.until, reason="case",
        expires_at=now() + timedelta(days=1),
    )  # fmt: skip
    page.post(address)
    assert EvidencePack.objects.exists()
    assert address not in page.get(reverse("console:evidence_pack", args=[pack.pk])).content.decode()
    hold.delete()
    assert page.post(address)["Location"] == reverse("console:evidence")
    assert not EvidencePack.objects.exists()


def test_a_quarantine_is_said_before_anybody_asks(page, camera, pack):
    one, ask = (
        reverse("console:evidence_pack", args=[pack.pk]),
        reverse("console:evidence_add", args=[camera.pk]),
    )
    file = reverse("console:evidence_file", args=[pack.pk])
    assert file in page.get(one).content.decode()
    LeakGuard.objects.create(camera=camera, exports_quarantined_at=now())
    for address in (one, ask):
        shown = page.get(address).content.decode()
        assert "let faces through" in shown
        assert file not in shown
    assert page.get(file).status_code == 409


def test_verifiers_come_from_us(page):
    for name, data in verifier_files().items():
        answer = page.get(reverse("console:evidence_verifier", args=[name]))
        assert answer.content == data
        assert answer["Content-Disposition"].startswith("attachment")
    assert page.get(reverse("console:evidence_verifier", args=["secrets.py"])).status_code == 404


def test_charlie_finds_no_door(charlie, camera, pack):
    client = _client(charlie)
    for name, arguments in (
        ("evidence", []), ("evidence_pack", [pack.pk]), ("evidence_file", [pack.pk]),
        ("evidence_add", [camera.pk]), ("evidence_verifier", ["verify.html"]),
    ):  # fmt: skip
        assert client.get(reverse(f"console:{name}", args=arguments)).status_code == 403
    assert "/evidence/" not in client.get("/live/").content.decode()


@pytest.fixture
def api(adam, bob):
    """bob with a token that covers packs and events."""

    def make(*actions):
        _token, secret = token_create(acting_user=adam, user=bob, name="files", actions=list(actions))
        return Client(headers={"Authorization": f"Token {secret}", **PURPOSE})

    return make


def test_the_api_makes_and_hands_out_a_pack_in_parts(api, camera, filmed):
    client = api("evidence:write", "events:read")
    body = {"event": str(filmed[2].pk), "case": "2026/17", "reason": "theft"}
    made = client.post("/api/v1/evidence", body, content_type="application/json")
    assert made.status_code == 202
    assert (made.json()["state"], made.json()["file"]) == ("queued", None)
    assert packs_sweep() == 1
    (listed,) = client.get("/api/v1/evidence?case=2026/17").json()["results"]
    one = client.get(f"/api/v1/evidence/{made.json()['id']}").json()
    assert one == listed
    assert one["counts"] == {"segments": 2, "events": 1, "redactions": 0, "records": 1}
    part = client.get(one["file"], headers={"Range": "bytes=0-3"})
    assert part.status_code == 206
    assert b"".join(part.streaming_content) == b"PK\x03\x04"
    rows = AuditRecord.objects.filter(kind=RecordKind.ACCESS, action="evidence.download")
    assert [(row.purpose, row.details["range"]) for row in rows] == [("court", "bytes=0-3")]
    assert client.delete(f"/api/v1/evidence/{one['id']}").status_code == 204
    assert client.get(f"/api/v1/evidence/{one['id']}").status_code == 404


def test_the_api_says_what_it_expected(api, camera, camera_b, filmed):
    client = api("evidence:write", "events:read")

    def post(**body):
        body = {"case": "2026/17", "reason": "theft", **body}
        return client.post("/api/v1/evidence", body, content_type="application/json")

    assert post(camera=str(camera.pk)).json()["errors"].keys() == {"since", "until"}
    assert post(event=str(filmed[2].pk), camera=str(camera_b.pk)).json()["code"] == "other_camera"
    span = {"since": "2026-11-24T08:00:00Z", "until": "2026-11-26T08:00:00Z"}
    assert post(camera=str(camera.pk), **span).json()["code"] == "invalid_span"
    assert post(camera=str(camera_b.pk), **span).status_code == 404
    assert not EvidencePack.objects.exists()


def test_the_api_packs_what_was_chosen_and_a_redacted_file(api, camera, bob, filmed):
    client = api("evidence:write", "redactions:write")
    file = _redaction(bob)
    file.result["sha256"] = hashlib.sha256(b"film").hexdigest()
    file.save()
    first, second, _event = filmed
    body = {
        "camera": str(camera.pk), "since": first.started_at.isoformat(), "until": second.ended_at.isoformat(),
        "case": "2026/17", "reason": "theft",
        "items": {"segments": [str(second.pk)], "redactions": [str(file.pk)]},
    }  # fmt: skip
    made = client.post("/api/v1/evidence", body, content_type="application/json")
    assert made.status_code == 202
    assert packs_sweep() == 1
    pack = EvidencePack.objects.get()
    assert (pack.facts["segments"], pack.facts["events"], pack.facts["redactions"]) == (1, 0, 1)
    archive = zipfile.ZipFile(io.BytesIO(object_get(pack.object_key)))
    assert archive.read("redacted-0001.mp4") == b"film"
    (told,) = [f for f in json.loads(archive.read("manifest.json"))["files"] if f["kind"] == "redacted_file"]
    assert told["redaction"]["input_sha256"] == file.input_sha256
    for name in ("segments", "events", "redactions"):
        wrong = client.post(
            "/api/v1/evidence", {**body, "items": {name: [str(uuid4())]}}, content_type="application/json"
        )
        assert wrong.status_code == 404, name
    assert EvidencePack.objects.count() == 1


def test_a_token_without_the_action_is_refused(api, camera, pack):
    client = api("events:read", "recordings:read", "audit:read")
    for address in ("/api/v1/evidence", f"/api/v1/evidence/{pack.pk}", f"/api/v1/evidence/{pack.pk}/file"):
        assert client.get(address).status_code == 403


def test_a_purpose_is_needed(bob, camera, pack):
    answer = _client(bob).get(f"/api/v1/evidence/{pack.pk}/file")
    assert (answer.status_code, answer.json()["code"]) == (400, "purpose_required")
