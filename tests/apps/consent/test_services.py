"""Changes of the register and of consents: checked, recorded, compared and set, rolled back as one."""

import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from apps.audit.models import AuditRecord
from apps.cameras.models import Camera
from apps.cameras.services import camera_delete, zone_create, zone_delete
from apps.consent import services
from apps.consent.models import Consent, DataSubject, Notice, Purpose, PurposeVersion
from apps.consent.selectors import basis_of, consents_search, purposes_search
from apps.core import crypto
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.core.objects import object_get
from tests.apps.consent.entries import CONSENT, CONSENTED, FIELDS

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
PDF = b"%PDF-1.7 signed"
CANARY = "CANARY-90ab@example.org"


def _last() -> AuditRecord:
    return AuditRecord.objects.order_by("-seq")[0]


@pytest.fixture
def entry(bob, bare_camera) -> Purpose:
    return services.purpose_create(acting_user=bob, camera=bare_camera, fields=FIELDS)


@pytest.fixture
def consented(bob, bare_camera, consent) -> Purpose:
    return services.purpose_create(acting_user=bob, camera=bare_camera, fields=CONSENTED, subjects=["S-ONE"])


@pytest.fixture
def record_unavailable(monkeypatch):
    def refuse(**_: object) -> None:
        raise Unavailable("audit_unavailable", "no record")

    for name in ("record_change", "record_access"):
        monkeypatch.setattr(f"apps.audit.services.{name}", refuse)


def test_an_entry_is_recorded_with_all_that_it_says(bob, bare_camera, entry):
    assert basis_of(bare_camera).stages == {"view", "detect"}
    record = _last()
    assert (record.action, record.actor_name, record.camera_id) == ("purpose.create", "bob", bare_camera.pk)
    assert (record.details["purpose"], record.details["lawful_basis"]) == (FIELDS["purpose"], "public_task")
    assert PurposeVersion.objects.get().contents == record.details


def test_every_version_of_an_entry_stays(bob, bare_camera, entry):
    services.purpose_update(acting_user=bob, purpose=entry, version=1, changes={"stages": ["view"]})
    services.purpose_end(acting_user=bob, purpose=entry, version=2, reason="moved")
    history = PurposeVersion.objects.filter(purpose=entry).order_by("number")
    assert [row.contents["stages"] for row in history] == [["view", "detect"], ["view"], ["view"]]
    assert [row.contents["ended_at"] is None for row in history] == [True, True, False]
    assert _last().details["reason"] == "moved"
    assert basis_of(bare_camera).code == "no_purpose"


def test_the_second_of_two_changes_is_refused(bob, entry):
    services.purpose_update(acting_user=bob, purpose=entry, version=1, changes={"purpose": "Fire"})
    with pytest.raises(Conflict):
        services.purpose_update(acting_user=bob, purpose=entry, version=1, changes={"purpose": "Flood"})
    assert Purpose.objects.get().purpose == "Fire"


def test_an_ended_entry_is_not_changed_again(bob, entry):
    services.purpose_end(acting_user=bob, purpose=entry, version=1)
    with pytest.raises(Conflict):
        services.purpose_update(acting_user=bob, purpose=entry, version=2, changes={"purpose": "Fire"})


@pytest.mark.parametrize(
    "fields",
    [
        {"lawful_basis": "because"},
        {"lawful_basis": "legitimate_interests"},
        {"interest": "ours"},
        {"lawful_basis": "consent"},
        {"stages": []},
        {"stages": ["watch"]},
        {"stages": "view"},
        {"controller": ""},
        {"controller": "a\nb"},
        {"retention_class": "forever"},
        {"valid_until": "tomorrow"},
        {"valid_until": now() - timedelta(days=1)},
        {"valid_until": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
        {"opening_hours": {"mon": [["9", "5"]]}},
        {"ended_at": None},
    ],
)
def test_it_refuses_an_entry_that_says_nonsense(bob, bare_camera, fields):
    with pytest.raises(DomainError):
        services.purpose_create(acting_user=bob, camera=bare_camera, fields=FIELDS | fields)
    assert not Purpose.objects.exists()


def test_an_entry_on_consent_names_persons_that_are_known(bob, bare_camera, consent):
    with pytest.raises(DomainError) as refused:
        services.purpose_create(acting_user=bob, camera=bare_camera, fields=CONSENTED, subjects=["S-TWO"])
    assert refused.value.code == "subject_unknown"


def test_a_withdrawal_takes_the_basis_away(bob, bare_camera, consent, consented):
    assert basis_of(bare_camera).stages == {"view", "detect"}
    services.consent_withdraw(acting_user=bob, consent=consent, version=1, note="letter of today")
    assert basis_of(bare_camera).code == "consent_missing"
    assert (_last().action, _last().details["reason"]) == ("consent.withdraw", "letter of today")
    with pytest.raises(Conflict):
        services.consent_withdraw(acting_user=bob, consent=consent, version=2)


def test_a_new_consent_brings_it_back(bob, bare_camera, consent, consented):
    services.consent_withdraw(acting_user=bob, consent=consent, version=1)
    services.consent_record(acting_user=bob, fields=CONSENT, reference="S-ONE", purposes=[consented])
    assert basis_of(bare_camera).streams


def test_a_consent_keeps_what_the_person_was_told(consent):
    assert consent.notice_sha256 == hashlib.sha256(CONSENT["notice_text"].encode()).hexdigest()
    assert _last().details["notice_sha256"] == consent.notice_sha256


def test_how_to_reach_a_person_is_sealed_and_shown_only_on_record(bob, bare_camera, consent):
    services.contact_set(acting_user=bob, subject=consent.subject, contact=CANARY)
    assert CANARY.encode() not in bytes(DataSubject.objects.get().contact_sealed)
    assert services.contact_reveal(acting_user=bob, subject=consent.subject, purpose="case 7") == CANARY
    record = _last()
    assert (record.action, record.kind, record.purpose) == ("subject.contact_view", "access", "case 7")
    assert CANARY not in json.dumps([row.details for row in AuditRecord.objects.all()])


@pytest.mark.parametrize(
    "fields",
    [
        {"given_at": now() + timedelta(days=1)},
        {"expires_at": now() - timedelta(days=1)},
        {"notice_text": ""},
        {"notice_text": "a\x00b"},
        {"language": "klingon!"},
        {"given_how": "telepathy"},
        {"withdrawn_at": None},
    ],
)
def test_it_refuses_a_consent_that_says_nonsense(bob, bare_camera, fields):
    with pytest.raises(DomainError):
        services.consent_record(acting_user=bob, fields=CONSENT | fields, cameras=[bare_camera])
    assert not Consent.objects.exists()


def test_a_consent_to_nothing_is_refused(bob, db):
    with pytest.raises(DomainError) as refused:
        services.consent_record(acting_user=bob, fields=CONSENT)
    assert refused.value.code == "scope_missing"


def test_a_document_is_sealed_and_opened_only_on_record(bob, consent):
    services.evidence_put(
        acting_user=bob, consent=consent, version=1, name="../../form.pdf", file=io.BytesIO(PDF)
    )
    assert (consent.evidence_name, consent.evidence_type) == ("form.pdf", "application/pdf")
    stored = object_get(consent.evidence_key)
    assert PDF not in stored
    assert crypto.unseal_bytes(stored) == PDF
    opened = services.evidence_open(acting_user=bob, consent=consent, purpose="audit")
    assert (opened.data, _last().action) == (PDF, "consent.evidence_view")
    with pytest.raises(Conflict):
        services.evidence_put(acting_user=bob, consent=consent, version=2, name="b", file=io.BytesIO(PDF))


@pytest.mark.parametrize("data", [b"", b"<html>", b"MZ", b"%PDF-" + bytes(10 * 2**20)])
def test_only_documents_of_bounded_size_are_kept(bob, consent, data):
    with pytest.raises(DomainError):
        services.evidence_put(acting_user=bob, consent=consent, version=1, name="a", file=io.BytesIO(data))
    consent.refresh_from_db()
    assert consent.evidence_key == ""


def test_a_zone_that_is_deleted_still_limits(bob, adam, bare_camera, entry):
    zone = zone_create(acting_user=adam, camera=bare_camera, name="Desk", kind="watch", polygon=SQUARE)
    services.purpose_create(
        acting_user=bob, camera=bare_camera, zone=zone, fields=FIELDS | {"stages": ["view"]}
    )
    zone_delete(acting_user=adam, zone=zone, version=1)
    (limit,) = basis_of(bare_camera).zones
    assert (limit.stages, limit.polygon[0]) == ({"view"}, (0.1, 0.1))


def test_a_zone_of_another_camera_is_refused(bob, adam, bare_camera, camera):
    zone = zone_create(acting_user=adam, camera=camera, name="Desk", kind="watch", polygon=SQUARE)
    with pytest.raises(NotFound):
        services.purpose_create(acting_user=bob, camera=bare_camera, zone=zone, fields=FIELDS)


def test_the_register_outlives_the_camera(bob, adam, bare_camera, entry):
    camera_delete(acting_user=adam, camera=bare_camera, version=1)
    kept = purposes_search(bob).get()
    assert (kept.camera, kept.camera_name, kept.versions.count()) == (None, "Yard", 1)
    assert not Camera.objects.filter(name="Yard").exists()


def test_a_notice_has_one_code_that_names_nothing(bob, bare_camera):
    first = services.notice_of(acting_user=bob, camera=bare_camera)
    assert services.notice_of(acting_user=bob, camera=bare_camera).code == first.code
    assert len(first.code) == 12
    assert AuditRecord.objects.filter(action="notice.publish").count() == 1


@pytest.mark.parametrize("who", ["charlie", "alice", "erin", "adam"])
def test_only_compliance_changes_the_register(request, who, bare_camera, entry, consent):
    user = request.getfixturevalue(who)
    attempts = [
        lambda: services.purpose_create(acting_user=user, camera=bare_camera, fields=FIELDS),
        lambda: services.purpose_update(acting_user=user, purpose=entry, version=1, changes={}),
        lambda: services.purpose_end(acting_user=user, purpose=entry, version=1),
        lambda: services.consent_record(acting_user=user, fields=CONSENT, cameras=[bare_camera]),
        lambda: services.consent_withdraw(acting_user=user, consent=consent, version=1),
        lambda: services.contact_set(acting_user=user, subject=consent.subject, contact="x"),
        lambda: services.contact_reveal(acting_user=user, subject=consent.subject, purpose="x"),
        lambda: services.evidence_open(acting_user=user, consent=consent, purpose="x"),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    if who != "adam":
        for read in (purposes_search, consents_search):
            with pytest.raises(Forbidden):
                read(user)


def test_without_the_record_nothing_is_changed_or_shown(bob, bare_camera, consent, entry, record_unavailable):
    attempts = [
        lambda: services.purpose_create(acting_user=bob, camera=bare_camera, fields=FIELDS),
        lambda: services.purpose_update(
            acting_user=bob, purpose=entry, version=1, changes={"purpose": "Fire"}
        ),
        lambda: services.purpose_end(acting_user=bob, purpose=entry, version=1),
        lambda: services.consent_record(acting_user=bob, fields=CONSENT, cameras=[bare_camera]),
        lambda: services.consent_withdraw(acting_user=bob, consent=consent, version=1),
        lambda: services.contact_set(acting_user=bob, subject=consent.subject, contact=""),
        lambda: services.contact_reveal(acting_user=bob, subject=consent.subject, purpose="x"),
        lambda: services.evidence_put(
            acting_user=bob, consent=consent, version=1, name="a.pdf", file=io.BytesIO(PDF)
        ),
        lambda: services.notice_of(acting_user=bob, camera=bare_camera),
        lambda: services.consent_read(acting_user=bob, consent_id=consent.pk, purpose="x"),
        lambda: services.consents_read(acting_user=bob, purpose="x"),
    ]
    for attempt in attempts:
        with pytest.raises(Unavailable):
            attempt()
    assert (Purpose.objects.get().version, PurposeVersion.objects.count()) == (1, 1)
    kept = Consent.objects.get()
    assert (kept.version, kept.withdrawn_at, kept.evidence_key) == (1, None, "")
    assert kept.subject.contact_sealed is not None
    assert not Notice.objects.exists()
