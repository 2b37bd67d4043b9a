"""A request from its receipt to its answer, and its clock."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.cases.clock import deadline, left
from apps.cases.models import Case
from apps.cases.selectors import cases_due, cases_open, cases_search
from apps.cases.services import Received, case_close, case_extend, case_open, contact_reveal, identity_check
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, Unavailable

pytestmark = pytest.mark.django_db


@pytest.mark.database_neutral
@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        ("2026-01-15T10:00", 1, "2026-02-15T10:00"),
        ("2026-01-31T23:59", 1, "2026-02-28T23:59"),
        ("2028-01-31T00:00", 1, "2028-02-29T00:00"),
        ("2026-12-31T08:00", 1, "2027-01-31T08:00"),
        ("2026-11-30T08:00", 3, "2027-02-28T08:00"),
        ("2026-10-01T08:00", 3, "2027-01-01T08:00"),
        ("2026-03-31T12:00", 1, "2026-04-30T12:00"),
    ],
)
def test_a_month_is_a_calendar_month(received, months, due):
    moment = datetime.fromisoformat(received).replace(tzinfo=UTC)
    assert deadline(moment, months) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.database_neutral
def test_days_that_are_left_and_days_over():
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert (left(at + timedelta(hours=1), at).days, left(at + timedelta(days=7), at).soon) == (1, True)
    assert not left(at + timedelta(days=8, hours=1), at).soon
    over = left(at - timedelta(days=2, hours=1), at)
    assert (over.days, over.overdue, over.soon) == (3, True, False)


def test_a_request_has_its_clock_and_its_entry_without_what_was_written(case):
    made = case(days=2, contact="one@example.org")
    assert made.due_at == deadline(made.received_at)
    assert made.subject.startswith("S-")
    assert made.reference.startswith("C-")
    assert b"one@example.org" not in bytes(made.contact_sealed)
    row = AuditRecord.objects.get(action="case.open")
    assert row.actor_name == "bob"
    texts = str(list(AuditRecord.objects.values_list("details", flat=True)))
    assert "Blue coat" not in texts
    assert "one@example.org" not in texts


def test_the_most_urgent_comes_first_and_closed_ones_are_not_due(bob, case):
    late, early = case(days=5), case(days=20)
    over = case(days=60)
    assert list(cases_open()) == [over, early, late]
    assert list(cases_due(now())) == [over]
    case_close(acting_user=bob, case=over, version=over.version, outcome="withdrawn", note="by letter")
    assert list(cases_due(now() + timedelta(days=365))) == [early, late]
    assert list(cases_search(bob, closed=True)) == [over]


@pytest.mark.parametrize("name", ["charlie", "alice", "erin", "adam"])
def test_only_compliance_runs_requests(name, request, case):
    user, made = request.getfixturevalue(name), case()
    received = Received("access", now(), "letter", "all")
    for attempt in (
        lambda: case_open(acting_user=user, received=received),
        lambda: cases_search(user),
        lambda: contact_reveal(acting_user=user, case=made, purpose="x"),
        lambda: case_close(acting_user=user, case=made, version=2, outcome="refused", note="no"),
        lambda: identity_check(
            acting_user=user, case=made, version=2, method="document", outcome="confirmed"
        ),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert AuditRecord.objects.filter(kind="refusal", actor_name=name).count() == 5


def test_an_extension_needs_a_reason_and_a_person_who_was_told_in_time(bob, case):
    made = case(days=20)
    for reason, told_at, code in (
        ("", now(), "invalid_reason"),
        ("many cameras", now() + timedelta(days=1), "invalid_notified_at"),
        ("many cameras", made.received_at - timedelta(days=1), "notified_late"),
    ):
        with pytest.raises(DomainError) as refused:
            case_extend(acting_user=bob, case=made, version=made.version, reason=reason, notified_at=told_at)
        assert refused.value.code == code
    case_extend(acting_user=bob, case=made, version=made.version, reason="many cameras", notified_at=now())
    assert made.due_at == deadline(made.received_at, 3)
    with pytest.raises(Conflict) as twice:
        case_extend(acting_user=bob, case=made, version=made.version, reason="again", notified_at=now())
    assert twice.value.code == "case_extended"


def test_a_person_told_after_the_month_is_no_extension(bob, case):
    made = case(days=45)
    with pytest.raises(DomainError) as refused:
        case_extend(acting_user=bob, case=made, version=made.version, reason="late", notified_at=now())
    assert refused.value.code == "notified_late"


def test_a_closed_request_stays_as_it_is(bob, case):
    made = case()
    case_close(acting_user=bob, case=made, version=made.version, outcome="nothing_held", note="by letter")
    with pytest.raises(Conflict):
        case_close(acting_user=bob, case=made, version=made.version, outcome="refused", note="no")
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=made.pk).update(outcome="")


@pytest.mark.parametrize("kind", ["access", "erasure"])
def test_nothing_is_fulfilled_before_it_is_done(bob, case, kind):
    made = case(kind)
    with pytest.raises(Conflict) as refused:
        case_close(acting_user=bob, case=made, version=made.version, outcome="fulfilled", note="done")
    assert refused.value.code == "not_fulfilled"


def test_the_older_version_of_a_page_changes_nothing(bob, frank, case):
    made = case()
    before = made.version
    identity_check(acting_user=frank, case=made, version=before, method="document", outcome="not_confirmed")
    with pytest.raises(Conflict) as refused:
        case_close(acting_user=bob, case=made, version=before, outcome="refused", note="no")
    assert refused.value.code == "version_conflict"


def test_without_a_record_nothing_is_entered_changed_or_shown(bob, case, no_record):
    with pytest.raises(Unavailable):
        case()
    assert Case.objects.count() == 0


def test_the_contact_is_shown_after_it_is_on_record(client, bob, case):
    made = case(contact="one@example.org")
    client.force_login(bob)
    page = client.get(reverse("console:case", args=[made.pk]))
    assert b"one@example.org" not in page.content
    page = client.post(reverse("console:case_contact", args=[made.pk]))
    assert b"one@example.org" in page.content
    assert AuditRecord.objects.filter(action="case.contact_view", object_id=str(made.pk)).count() == 1


def test_the_pages_take_a_request_through_its_steps(client, bob, db):
    client.force_login(bob)
    form = {"kind": "access", "received_at": "2026-11-20T10:00", "received_how": "email", "asked": "me"}
    client.post(reverse("console:case_add"), form)
    made = Case.objects.get()
    client.post(
        reverse("console:case_identity", args=[made.pk]),
        {"version": made.version, "method": "document", "outcome": "confirmed"},
    )
    made.refresh_from_db()
    assert made.identity == "confirmed"
    response = client.post(reverse("console:case_close", args=[made.pk]), {"version": 1}, follow=True)
    assert "This field is required" in response.content.decode()
    made.refresh_from_db()
    assert made.is_open
    listed = client.get(reverse("console:cases")).content.decode()
    assert made.reference in listed
