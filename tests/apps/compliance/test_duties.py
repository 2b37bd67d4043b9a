"""The duties of compliance: each is there when it is due, with date and page, and gone when it is done."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import resolve

from apps.accounts.roles import Capability, user_can
from apps.audit import services as audit
from apps.audit.checkpoints import checkpoints_make
from apps.audit.selectors import VERIFIED_ACTION
from apps.cases.models import Case
from apps.compliance.duties import DutyKind
from apps.compliance.selectors import duties_of
from apps.consent.basis import CLOSED
from apps.consent.hours import DAYS
from apps.consent.models import Consent, DataSubject, Notice, Purpose
from apps.consent.selectors import basis_of
from apps.consent.services import notice_of
from apps.console.views.duties import address_of
from apps.console.words import DUTIES
from apps.core import clock
from apps.core.clock import now
from apps.core.errors import Forbidden
from apps.monitoring.models import Alert, LeakGuard
from apps.retention.services import hold_place
from apps.unmasking.models import UnmaskRequest
from tests.apps.purposes import purpose_add

pytestmark = pytest.mark.django_db


@pytest.fixture
def checked(db, settings, tmp_path):
    """A record that was checked today and is covered by a checkpoint, which lies in a folder of this test."""
    from django.db import transaction

    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()
    with transaction.atomic():
        audit.record_system(action=VERIFIED_ACTION, details={"ok": True, "checked": 1})
    checkpoints_make(force=True)


@pytest.fixture
def in_order(checked, camera, bob):
    """Nothing is due."""
    notice_of(acting_user=bob, camera=camera)
    return camera


def kinds(user):
    return [row.kind for row in duties_of(user).rows]


def the(user, kind):
    (found,) = [row for row in duties_of(user).rows if row.kind is kind]
    return found


def test_an_installation_in_order_has_no_duty(bob, in_order):
    assert kinds(bob) == []
    client = Client()
    client.force_login(bob)
    assert "Nothing is due" in client.get("/duties/").content.decode()


@pytest.mark.parametrize("name", ["alice", "charlie", "erin", "adam"])
def test_only_compliance_has_them(name, request, in_order):
    user = request.getfixturevalue(name)
    with pytest.raises(Forbidden):
        duties_of(user)
    client = Client()
    client.force_login(user)
    assert client.get("/duties/").status_code == 403
    assert client.get("/")["Location"] != "/duties/"


def test_compliance_begins_with_its_duties(bob):
    client = Client()
    client.force_login(bob)
    assert client.get("/")["Location"] == "/duties/"


def test_a_request_for_unmasking_waits_for_a_second_person(bob, frank, alice, in_order):
    at = now()
    values = {
        "camera": in_order,
        "since": at - timedelta(minutes=5),
        "until": at,
        "purpose": "x",
        "case": "1",
    }
    own = {"requested_by": bob, "requested_at": at, "reason": "x"}
    UnmaskRequest.objects.create(**values, **own)
    assert kinds(bob) == []  # nobody decides on a request of their own
    assert kinds(frank) == [DutyKind.UNMASKING]
    row = UnmaskRequest.objects.create(**values, **own | {"requested_by": alice})
    duty = the(bob, DutyKind.UNMASKING)
    assert (duty.object_id, duty.due_at) == (str(row.pk), at + timedelta(hours=24))
    UnmaskRequest.objects.filter(pk=row.pk).update(requested_at=at - timedelta(hours=25))
    assert kinds(bob) == []  # it has lapsed


def test_the_request_of_a_person_has_its_clock(bob, in_order):
    received = now() - timedelta(days=20)
    case = Case.objects.create(
        reference="C-1", kind="access", subject="S-1", asked="x", received_at=received, received_how="letter",
        due_at=received + timedelta(days=30), opened_at=now(), opened_by_name="bob",
    )  # fmt: skip
    duty = the(bob, DutyKind.CASE)
    assert (duty.object_id, duty.subject, duty.due_at) == (str(case.pk), "C-1", case.due_at)
    Case.objects.update(closed_at=now(), outcome="fulfilled")
    assert kinds(bob) == []


def test_alerts_and_quarantine(bob, in_order):
    alert = Alert.objects.create(camera=in_order, kind="leaks", opened_at=now(), changed_at=now())
    LeakGuard.objects.create(camera=in_order, exports_quarantined_at=now())
    assert the(bob, DutyKind.LEAKS).object_id == str(alert.pk)
    assert kinds(bob) == [DutyKind.LEAKS]  # the alert says it already
    Alert.objects.update(state="closed")
    assert kinds(bob) == [DutyKind.QUARANTINE]


def test_a_camera_without_basis(bob, in_order):
    Purpose.objects.update(ended_at=now())
    duty = the(bob, DutyKind.NO_BASIS)
    assert (duty.subject, duty.code, duty.due_at) == (in_order.name, "no_purpose", None)
    in_order.enabled = False
    in_order.save()
    assert kinds(bob) == []  # one that is switched off needs none


def test_a_closed_camera_is_no_duty(bob, in_order):
    another_day = DAYS[(now().weekday() + 3) % 7]
    Purpose.objects.update(opening_hours={another_day: [["08:00", "09:00"]]})
    assert basis_of(in_order).code == CLOSED
    assert kinds(bob) == []


@pytest.mark.parametrize(("days", "part"), [(0.5, "now"), (3, "soon"), (20, "later"), (40, None)])
def test_a_purpose_that_runs_out(bob, in_order, days, part):
    until = now() + timedelta(days=days)
    Purpose.objects.update(valid_until=until)
    found = duties_of(bob)
    if part is None:
        assert found.rows == ()
        return
    (duty,) = getattr(found, part)
    assert (duty.kind, duty.due_at) == (DutyKind.PURPOSE_ENDS, until)
    assert len(found.rows) == 1


def test_a_purpose_that_has_run_out_is_told_once(bob, in_order):
    Purpose.objects.update(valid_until=now() - timedelta(days=1))
    assert kinds(bob) == [DutyKind.NO_BASIS]  # the camera stands still: that is the duty
    purpose_add(in_order)
    assert kinds(bob) == [DutyKind.PURPOSE_ENDS]  # it goes on under another one: this one is to be ended


def test_a_sign_that_was_never_made(bob, in_order):
    Notice.objects.all().delete()
    assert the(bob, DutyKind.NO_SIGN).object_id == str(in_order.pk)
    Purpose.objects.update(origin="demo")
    assert kinds(bob) == []  # drawn footage films nobody


def test_a_consent_that_runs_out(bob, in_order):
    subject = DataSubject.objects.create(reference="S-17")
    consent = Consent.objects.create(
        subject=subject, stages=["view"], notice_version="1", notice_text="x", notice_sha256="ab" * 32,
        language="en", given_at=now(), given_how="written", given_to="desk", recorded_by_name="bob",
        expires_at=now() + timedelta(days=5),
    )  # fmt: skip
    assert kinds(bob) == []  # nothing stands on it
    for _ in range(2):
        purpose_add(in_order, lawful_basis="consent", interest="").subjects.add(subject)
    duty = the(bob, DutyKind.CONSENT_ENDS)
    assert (duty.object_id, duty.subject) == (str(consent.pk), "S-17")


def test_a_hold_that_ends(bob, in_order):
    at = now()
    ends = at + timedelta(days=6)
    hold = hold_place(
        acting_user=bob, camera=in_order, since=at - timedelta(hours=1), until=at, reason="x",
        expires_at=ends, case="2026/4",
    )  # fmt: skip
    duty = the(bob, DutyKind.HOLD_ENDS)
    assert (duty.object_id, duty.due_at, duty.code) == (str(hold.pk), ends, "2026/4")


def test_the_record(bob, camera):
    notice_of(acting_user=bob, camera=camera)
    assert kinds(bob) == []
    for later, due in (
        (now() + timedelta(hours=1), [DutyKind.CHECKPOINT_LATE]),
        (now() + timedelta(days=2, minutes=1), [DutyKind.RECORD_UNCHECKED, DutyKind.CHECKPOINT_LATE]),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock.timezone, "now", lambda later=later: later)
            assert kinds(bob) == due
    from django.db import transaction

    with transaction.atomic():
        audit.record_system(action=VERIFIED_ACTION, details={"ok": False, "first_bad": 3})
    assert the(bob, DutyKind.RECORD_BROKEN).count == 3


def test_what_was_not_deleted_in_time(bob, in_order):
    from apps.detections.models import Event

    old = now() - timedelta(hours=72 + 1 + 2)
    Event.objects.create(
        camera=in_order, epoch="e", track_id=1, label="person", confidence=0.9, first_seen_at=old,
        last_seen_at=old, box_xyxy=[0, 0, 1, 1], path=[], model_name="m", model_sha256="ab" * 32,
        lease_id="x",
    )  # fmt: skip
    duty = the(bob, DutyKind.NOT_DELETED)
    assert duty.count == 1
    Event.objects.update(last_seen_at=now() - timedelta(hours=72 + 1, minutes=30))
    assert kinds(bob) == []  # the sweeper is about to come


def test_every_kind_has_words_and_a_page_that_is_open_to_compliance(bob):
    from uuid import uuid4

    from apps.compliance.duties import Duty

    for kind in DutyKind:
        assert DUTIES[kind]
        path = address_of(Duty(kind, object_id=str(uuid4()))).partition("?")[0].partition("#")[0]
        capability = resolve(path).func.capability
        assert user_can(bob, Capability(capability)), kind
