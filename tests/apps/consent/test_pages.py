"""The pages of compliance, as bob uses them; what others are told."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.consent.models import Consent, Purpose
from apps.consent.selectors import basis_of
from apps.core.clock import now
from tests.apps.consent.entries import CONSENT
from tests.apps.purposes import purpose_add

TYPED = {
    "purpose": "Safety of the gate",
    "lawful_basis": "legitimate_interests",
    "interest": "Protection of goods",
    "stages": ["view", "detect"],
    "controller": "Example Ltd",
    "controller_contact": "privacy@example.org",
    "retention_class": "standard",
    "mon": "08:00-18:00",
}


def _client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def page(bob):
    return _client(bob)


def test_a_camera_without_basis_is_listed_until_its_purpose_is_entered(page, bare_camera):
    listed = page.get(reverse("console:purposes"))
    assert [row["code"] for row in listed.context["without"]] == ["no_purpose"]
    address = reverse("console:purpose_add") + f"?camera={bare_camera.pk}"
    assert page.get(address).status_code == 200
    made = page.post(address, TYPED | {"mon": ""})
    entry = Purpose.objects.get()
    assert made["Location"] == reverse("console:purpose", args=[entry.pk])
    assert basis_of(bare_camera).stages == {"view", "detect"}
    assert page.get(reverse("console:purposes")).context["without"] == []


def test_times_are_typed_in_the_zone_of_the_camera(page, bare_camera):
    address = reverse("console:purpose_add") + f"?camera={bare_camera.pk}"
    page.post(address, TYPED | {"valid_from": "2026-07-01T09:00"})
    entry = Purpose.objects.get()
    assert entry.valid_from.isoformat() == "2026-07-01T06:00:00+00:00"  # Helsinki in summer
    assert entry.opening_hours == {"mon": [["08:00", "18:00"]]}


def test_a_mistake_is_told_in_words(page, bare_camera):
    address = reverse("console:purpose_add") + f"?camera={bare_camera.pk}"
    answer = page.post(address, TYPED | {"interest": "", "mon": "8-18"})
    assert not Purpose.objects.exists()
    assert "08:00-18:00" in str(answer.context["form"].errors["mon"])
    answer = page.post(address, TYPED | {"interest": ""})
    assert answer.context["form"].non_field_errors()


def test_an_entry_is_changed_and_ended_with_its_history(page, bare_camera):
    entry = purpose_add(bare_camera)
    typed = TYPED | {"version": entry.version, "stages": ["view"], "mon": ""}
    assert page.post(reverse("console:purpose_edit", args=[entry.pk]), typed).status_code == 302
    entry.refresh_from_db()
    assert (entry.stages, entry.version) == (["view"], 2)
    shown = page.get(reverse("console:purpose", args=[entry.pk]))
    assert [row["version"].number for row in shown.context["versions"]] == [2]
    page.post(reverse("console:purpose_end", args=[entry.pk]), {"version": 2, "reason": "moved"})
    entry.refresh_from_db()
    assert entry.ended_at is not None


def test_a_consent_is_recorded_with_its_document_and_withdrawn(page, bare_camera):
    form = {name: value for name, value in CONSENT.items() if name != "stages"} | {
        "stages": ["view"],
        "cameras": [str(bare_camera.pk)],
        "contact": "one@example.org",
        "document": SimpleUploadedFile("form.pdf", b"%PDF-1.7"),
    }
    assert page.get(reverse("console:consent_add")).status_code == 200
    made = page.post(reverse("console:consent_add"), form)
    consent = Consent.objects.get()
    address = reverse("console:consent", args=[consent.pk])
    assert made["Location"] == address
    assert b"one@example.org" not in page.get(address).content
    shown = page.post(reverse("console:consent_contact", args=[consent.pk]))
    assert b"one@example.org" in shown.content
    assert shown["Cache-Control"] == "private, no-store"
    document = page.get(reverse("console:consent_document", args=[consent.pk]))
    assert (document.content, document["Content-Type"]) == (b"%PDF-1.7", "application/octet-stream")
    page.post(reverse("console:consent_withdraw", args=[consent.pk]), {"version": consent.version})
    consent.refresh_from_db()
    assert consent.withdrawn_at is not None
    assert page.get(reverse("console:consents") + "?state=standing").context["rows"] == []


def test_looking_at_consents_is_on_record(page, consent):
    page.get(reverse("console:consents") + "?subject=S-O")
    page.get(reverse("console:consent", args=[consent.pk]))
    opened, listed = AuditRecord.objects.filter(kind="access").order_by("-seq")[:2]
    assert (opened.action, opened.object_id) == ("consent.view", str(consent.pk))
    assert (listed.action, listed.details["subject"]) == ("consent.list", "S-O")
    assert opened.purpose == listed.purpose == "compliance review"


def test_the_administration_shows_and_changes_nothing(page, erin, consent, bare_camera):
    entry = purpose_add(bare_camera)
    for name, row in (("purpose", entry), ("consent", consent)):
        assert page.get(reverse(f"admin:consent_{name}_changelist")).status_code == 200
        assert page.get(reverse(f"admin:consent_{name}_change", args=[row.pk])).status_code == 200
        assert page.get(reverse(f"admin:consent_{name}_add")).status_code == 403
        assert _client(erin).get(reverse(f"admin:consent_{name}_changelist")).status_code in (302, 403)


def test_administrators_see_and_do_not_change(adam, consent):
    client = _client(adam)
    shown = client.get(reverse("console:consent", args=[consent.pk]))
    assert shown.status_code == 200
    assert not shown.context["can_manage"]
    for name in ("consent_withdraw", "consent_contact", "consent_document"):
        assert client.post(reverse(f"console:{name}", args=[consent.pk])).status_code == 403


def test_operators_are_told_the_purpose_on_the_page_of_the_camera(alice, bare_camera):
    client = _client(alice)
    address = reverse("console:camera", args=[bare_camera.pk])
    assert "compliance officer" in client.get(address).content.decode()
    purpose_add(bare_camera)
    shown = client.get(address).content.decode()
    assert "Safety of the entrance" in shown
    assert "/purposes/" not in shown


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_sign_is_a_pdf_that_leads_to_the_public_notice(page, adam, bare_camera, language):
    purpose_add(bare_camera)
    address = reverse("console:camera_sign", args=[bare_camera.pk]) + f"?language={language}"
    sign = page.get(address)
    assert sign.content.startswith(b"%PDF-")
    assert AuditRecord.objects.filter(action="notice.publish").count() == 1
    notice = Client().get(reverse("console:notice", args=[bare_camera.notice.code]) + f"?language={language}")
    shown = notice.content.decode()
    assert "Example Ltd" in shown
    assert "Safety of the entrance" in shown
    told = {"en": "Your rights", "ru": "Ваши права"}
    assert told[language] in shown
    for secret in (bare_camera.name, bare_camera.site.name, str(bare_camera.pk), bare_camera.url):
        assert secret not in shown


def test_a_sign_that_could_say_nothing_is_refused(page, bare_camera):
    purpose_add(bare_camera, valid_until=now() - timedelta(hours=1))
    assert page.get(reverse("console:camera_sign", args=[bare_camera.pk])).status_code == 409


def test_the_notice_of_an_unknown_sign_is_not_found(db, redis_url):
    assert Client().get(reverse("console:notice", args=["zzzzzzzzzzzz"])).status_code == 404


def test_nobody_tries_codes_by_the_thousand(db, redis_url):
    codes = [Client().get(f"/notice/code{number}/").status_code for number in range(32)]
    assert codes[:30] == [404] * 30
    assert codes[30:] == [429] * 2


def test_a_minute_that_ends_while_it_is_counted_is_no_error(db, redis_url, monkeypatch):
    monkeypatch.setattr("apps.console.views.notices.cache.add", lambda *_args, **_options: False)
    assert Client().get("/notice/zzzzzzzzzzzz/").status_code == 404


def test_a_document_names_nothing_outside_of_itself():
    from weasyprint.urls import FatalURLFetchingError

    from apps.core.pdf import pdf_of

    with pytest.raises(FatalURLFetchingError):
        pdf_of('<img src="file:///etc/hostname">')
    with pytest.raises(FatalURLFetchingError):
        pdf_of('<link rel="stylesheet" href="http://127.0.0.1:1/x.css">')
