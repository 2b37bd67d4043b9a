"""Asked by one, granted by another, shown once to one person in one session for minutes, all on record."""

import io
from datetime import timedelta
from itertools import pairwise
from unittest import mock

import av
import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditRecord, RecordKind
from apps.core import clock
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.core.objects import object_get
from apps.unmasking import services
from apps.unmasking.models import PartState, RequestState, RevealPart, UnmaskGrant, UnmaskRequest
from apps.unmasking.selectors import grant_live, requests_visible_to, waiting_for
from apps.unmasking.services.requests import Wanted
from tests.apps.unmasking.conftest import SESSION

pytestmark = pytest.mark.django_db


def later(minutes):
    moment = now() + timedelta(minutes=minutes)
    return mock.patch.object(clock.timezone, "now", return_value=moment)


def gone(key):
    try:
        object_get(key)
    except NotFound:
        return True
    return False


# --- asking


def test_who_may_not_watch_may_not_ask(charlie, dana, erin, adam, originals, asked):
    segment = originals()
    for user in (charlie, dana):
        with pytest.raises(NotFound):
            asked(user=user, segment=segment)
    for user in (erin, adam):
        with pytest.raises(Forbidden):
            asked(user=user, segment=segment)
    assert UnmaskRequest.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"case": " "}, "invalid_case"),
        ({"reason": ""}, "invalid_reason"),
        ({"until_min": 40}, "invalid_span"),
        ({"until_min": -1}, "invalid_span"),
        ({"shift_min": 60}, "no_originals"),
    ],
)
def test_a_request_says_what_and_why(alice, camera, originals, changes, code):
    segment = originals()
    since = segment.started_at - timedelta(minutes=changes.get("shift_min", 0))
    until = since + timedelta(minutes=changes.get("until_min", 1))
    wanted = Wanted(
        since, until, "incident investigation", changes.get("case", "1"), changes.get("reason", "x")
    )
    with pytest.raises(DomainError) as refused:
        services.request_create(acting_user=alice, camera=camera, wanted=wanted)
    assert refused.value.code == code


# --- deciding


def test_nobody_decides_on_a_request_of_their_own(bob, adam, site_a, originals, asked):
    from apps.cameras.services import grant_give

    grant_give(acting_user=adam, user=bob, site=site_a, permission="watch")
    request = asked(user=bob)
    for decide in (
        lambda: services.request_approve(acting_user=bob, request=request, version=1),
        lambda: services.request_refuse(acting_user=bob, request=request, version=1, note="no"),
    ):
        with pytest.raises(DomainError) as refused:
            decide()
        assert refused.value.code == "second_person_required"
    assert UnmaskGrant.objects.count() == 0
    assert AuditRecord.objects.filter(kind=RecordKind.REFUSAL, action="unmask.self_approval").count() == 2
    assert list(waiting_for(bob)) == []


def test_the_database_refuses_a_decision_of_ones_own_too(bob, asked):
    request = asked()
    with pytest.raises(IntegrityError), transaction.atomic():
        UnmaskRequest.objects.filter(pk=request.pk).update(
            decided_by=request.requested_by, state=RequestState.APPROVED
        )


@pytest.mark.parametrize("name", ["alice", "dana", "erin", "adam", "charlie"])
def test_only_compliance_decides(name, request, asked):
    row = asked()
    with pytest.raises(Forbidden):
        services.request_approve(acting_user=request.getfixturevalue(name), request=row, version=1)


def test_two_people_decide_once(bob, frank, asked):
    request = asked()
    services.request_approve(acting_user=bob, request=request, version=1)
    with pytest.raises(Conflict):
        services.request_refuse(acting_user=frank, request=request, version=1, note="no")
    assert UnmaskGrant.objects.count() == 1


def test_a_request_that_nobody_decided_lapses(bob, asked):
    request = asked()
    with later(25 * 60), pytest.raises(Conflict, match="in time"):
        services.request_approve(acting_user=bob, request=request, version=1)


def test_a_withdrawn_request_cannot_be_approved(alice, bob, asked):
    request = asked()
    services.request_withdraw(acting_user=alice, request=request, version=1)
    with pytest.raises(Conflict):
        services.request_approve(acting_user=bob, request=request, version=2)


def test_each_sees_what_is_theirs(alice, dana, bob, charlie, asked):
    request = asked()
    assert list(requests_visible_to(alice)) == [request]
    assert list(requests_visible_to(bob)) == [request]
    assert list(requests_visible_to(dana)) == list(requests_visible_to(charlie)) == []
    assert list(waiting_for(bob)) == [request]


# --- opening and watching


def test_the_granted_seconds_are_shown_once_watermarked_and_on_record(alice, opened):
    grant = opened()
    (part,) = RevealPart.objects.all()
    assert (part.state, part.frames) == (PartState.READY, 10)
    live = grant_live(alice, grant.request_id, SESSION)
    response = services.part_response(alice, live, 0)
    with av.open(io.BytesIO(response.content)) as file:
        shown = [frame.to_ndarray(format="gray") for frame in file.decode(video=0)]
    assert len(shown) == 10
    assert shown[0].std() > 3  # plain grey, but for the watermark
    looked = AuditRecord.objects.filter(kind=RecordKind.ACCESS, redacted=False).order_by("seq")
    assert [row.action for row in looked] == ["unmask.open", "unmask.view"]
    assert {row.actor_name for row in looked} == {"alice"}
    assert looked[1].details["case"] == "2026/17"


def test_a_grant_is_opened_once(alice, opened):
    grant = opened()
    for session in (SESSION, "another-session"):
        with pytest.raises(DomainError) as refused:
            services.grant_open(acting_user=alice, request=grant.request, session_key=session)
        assert refused.value.code == "grant_used"
    assert AuditRecord.objects.filter(kind=RecordKind.REFUSAL, action="unmask.grant_used").count() == 2


def test_without_an_approval_nothing_opens(alice, asked):
    with pytest.raises(DomainError) as refused:
        services.grant_open(acting_user=alice, request=asked(), session_key=SESSION)
    assert refused.value.code == "not_granted"


def test_a_grant_that_was_not_opened_in_time_stays_shut(alice, bob, asked):
    request = asked()
    services.request_approve(acting_user=bob, request=request, version=1)
    with later(9 * 60), pytest.raises(DomainError) as refused:
        services.grant_open(acting_user=alice, request=request, session_key=SESSION)
    assert refused.value.code == "grant_used"


@pytest.mark.parametrize("name", ["bob", "dana", "charlie", "erin", "adam", "frank"])
def test_a_grant_is_for_one_person(name, request, opened):
    grant = opened()
    user = request.getfixturevalue(name)
    with pytest.raises(NotFound):
        grant_live(user, grant.request_id, SESSION)
    with pytest.raises(DomainError):
        services.grant_open(acting_user=user, request=grant.request, session_key="x")


def test_a_grant_is_for_one_session(alice, opened):
    grant = opened()
    for session in ("", "stolen"):
        with pytest.raises(NotFound):
            grant_live(alice, grant.request_id, session)


def test_a_grant_runs_out(alice, opened):
    grant = opened()
    with later(15.1), pytest.raises(NotFound):
        grant_live(alice, grant.request_id, SESSION)


def test_a_grant_ends_with_the_watch_grant(alice, adam, site_a, opened):
    from apps.cameras.services import grant_revoke

    grant = opened()
    grant_revoke(acting_user=adam, user=alice, site=site_a, permission="watch")
    with pytest.raises(NotFound):
        grant_live(alice, grant.request_id, SESSION)


def test_a_grant_for_one_camera_shows_no_other(alice, adam, site_b, camera_b, originals, opened):
    from apps.cameras.services import grant_give

    grant_give(acting_user=adam, user=alice, site=site_b, permission="watch")
    other = originals(of=camera_b)
    grant = opened()
    assert [part.segment_id for part in grant.parts.all()] != [other.pk]
    assert set(grant.parts.values_list("segment_id", flat=True)).isdisjoint({other.pk})
    live = grant_live(alice, grant.request_id, SESSION)
    with pytest.raises(NotFound):
        services.part_response(alice, live, 1)


def test_it_locks_by_itself_and_leaves_nothing(alice, opened):
    grant = opened()
    key = RevealPart.objects.get().object_key
    assert not gone(key)
    with later(15.1):
        assert services.grants_sweep() == 1
        assert services.grants_sweep() == 0
    grant.refresh_from_db()
    assert grant.locked_at is not None
    assert bytes(grant.sealed_key) == b""
    assert gone(key)
    assert AuditRecord.objects.get(action="unmask.lock").details["by"] == "clock"


def test_the_person_can_lock_it_sooner(alice, opened):
    grant = opened()
    services.grant_lock(acting_user=alice, grant=grant)
    with pytest.raises(NotFound):
        grant_live(alice, grant.request_id, SESSION)
    assert gone(RevealPart.objects.get().object_key)


def test_a_part_that_comes_after_the_lock_is_deleted(
    asked, alice, bob, worker, django_capture_on_commit_callbacks
):
    request = asked()
    services.request_approve(acting_user=bob, request=request, version=1)
    with django_capture_on_commit_callbacks(execute=True):
        grant = services.grant_open(acting_user=alice, request=request, session_key=SESSION)
    services.grant_lock(acting_user=alice, grant=grant)
    with django_capture_on_commit_callbacks(execute=True):
        worker.work()
    part = RevealPart.objects.get()
    assert part.state == PartState.WAITING
    assert gone(part.object_key)


def test_every_second_is_on_record(alice, opened):
    grant = opened()
    for seconds in (10, 20, 30):
        with later(seconds / 60):
            services.grant_seen(acting_user=alice, grant=grant_live(alice, grant.request_id, SESSION))
    blocks = AuditRecord.objects.filter(kind=RecordKind.VIEWING, redacted=False).order_by("seq")
    spans = [(row.details["started_at"], row.details["ended_at"]) for row in blocks]
    assert len(spans) == 3
    assert all(first[1] == second[0] for first, second in pairwise(spans))


def test_a_track_travels_to_the_worker(asked, alice, bob, worker, django_capture_on_commit_callbacks):
    request = asked(track_id=1)
    services.request_approve(acting_user=bob, request=request, version=1)
    with django_capture_on_commit_callbacks(execute=True):
        services.grant_open(acting_user=alice, request=request, session_key=SESSION)
    assert '"track_id":1' in worker.sent[0].replace(" ", "")


def test_a_track_of_another_run_of_the_camera_is_nobody(
    asked, alice, bob, worker, django_capture_on_commit_callbacks
):
    request = asked(track_id=1, epoch="another-run")
    services.request_approve(acting_user=bob, request=request, version=1)
    with django_capture_on_commit_callbacks(execute=True):
        services.grant_open(acting_user=alice, request=request, session_key=SESSION)
    assert '"track_id":-1' in worker.sent[0].replace(" ", "")


def test_a_part_that_no_worker_answers_for_is_sent_again_and_given_up(
    asked, alice, bob, worker, django_capture_on_commit_callbacks
):
    request = asked()
    services.request_approve(acting_user=bob, request=request, version=1)
    with django_capture_on_commit_callbacks(execute=True):
        services.grant_open(acting_user=alice, request=request, session_key=SESSION)
    assert services.parts_sweep() == 0
    for minutes in (1, 2, 3):
        with later(minutes):
            services.parts_sweep()
    assert len(worker.sent) == 3
    assert RevealPart.objects.get().error_code == "worker_timeout"


def test_with_its_key_destroyed_an_original_is_not_shown(
    asked, alice, bob, worker, django_capture_on_commit_callbacks
):
    from apps.recordings.keys import key_destroy
    from apps.recordings.models import OriginalKey

    request = asked()
    services.request_approve(acting_user=bob, request=request, version=1)
    key_destroy(OriginalKey.objects.get(), "test")
    with django_capture_on_commit_callbacks(execute=True):
        services.grant_open(acting_user=alice, request=request, session_key=SESSION)
    assert worker.sent == []
    assert RevealPart.objects.get().state == PartState.FAILED


# --- no record, no reveal


def _refuse(*_args, **_kwargs):
    raise Unavailable("audit_unavailable", "the record cannot be written")


@pytest.fixture
def no_record(monkeypatch):
    for name in ("record_change", "record_access", "record_system", "record_viewing"):
        monkeypatch.setattr(f"apps.audit.services.{name}", _refuse)


def test_no_record_no_request_no_decision(alice, bob, originals, asked, request):
    row = asked()
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable):
        asked()
    with pytest.raises(Unavailable):
        services.request_approve(acting_user=bob, request=row, version=1)
    row.refresh_from_db()
    assert row.state == RequestState.OPEN
    assert UnmaskGrant.objects.count() == 0


def test_no_record_no_reveal(alice, opened, asked, bob, request):
    grant = opened()
    second = asked()
    services.request_approve(acting_user=bob, request=second, version=1)
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable):
        services.part_response(alice, grant, 0)
    with pytest.raises(Unavailable):
        services.grant_open(acting_user=alice, request=second, session_key=SESSION)
    assert UnmaskGrant.objects.get(request=second).opened_at is None
