"""What a person is given: one prepares, another one looks and approves, and only that leaves the house."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.audit.selectors import who_saw
from apps.cameras.services import grant_give
from apps.cases.models import Disclosure
from apps.cases.services import (
    Given,
    disclosure_approve,
    disclosure_give,
    disclosure_prepare,
    disclosure_refuse,
    item_copy_response,
    items_add,
    pack_open,
)
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.core.objects import object_get, object_put
from apps.redactions.models import Redaction
from apps.retention.services import retention_sweep
from inference_workers.contracts.redactions import result_key

pytestmark = pytest.mark.django_db
FILM = b"\x00\x00\x00\x18ftypiso5 the person, visible"


@pytest.fixture
def watching(adam, bob, frank, site_a):
    for user in (bob, frank):
        grant_give(acting_user=adam, user=user, site=site_a, permission="watch")


@pytest.fixture
def collected(bob, case, camera, seen, recorded, watching):
    """A request with an event, a recording, and a film in which the person is visible."""

    def make(**more):
        made = case(**more)
        row = Redaction.objects.create(
            owner=bob, filename="<b>gate</b>.mp4", purpose="p", input_sha256="ab" * 32, input_bytes=1,
            state="done", ready_revision=1, rendered_revision=1, revision=1, film={"result_suffix": ".mp4"},
        )  # fmt: skip
        row.edits.create(number=1, kind="keep", what={"track_id": "t1"}, made_revision=1, made_by_name="bob")
        object_put(result_key(str(row.pk), 1, ".mp4"), FILM)
        chosen = [("event", seen(camera, 5)), ("segment", recorded(camera, 5.0)), ("file", row)]
        items_add(
            acting_user=bob, case=made, chosen=[(kind, str(one.pk)) for kind, one in chosen], purpose="x"
        )
        return made

    return make


@pytest.fixture
def looked(frank):
    def look(made):
        for item in made.items.all():
            item_copy_response(frank, item, "x")

    return look


@pytest.fixture
def approved(bob, frank, collected, looked):
    def make(form="pack"):
        made = collected()
        disclosure = disclosure_prepare(acting_user=bob, case=made, form=form)
        looked(made)
        return disclosure_approve(acting_user=frank, disclosure=disclosure, version=1)

    return make


def _fetched(user, disclosure):
    return b"".join(pack_open(acting_user=user, disclosure=disclosure, purpose="x").streaming_content)


def test_the_pack_holds_the_copies_and_an_index_that_says_who_is_visible(bob, approved, camera):
    disclosure = approved()
    data = _fetched(bob, disclosure)
    assert hashlib.sha256(data).hexdigest() == disclosure.pack_sha256
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    index = json.loads(archive.read("index.json"))
    assert [item["kind"] for item in index["items"]] == ["event", "segment", "file"] or len(
        index["items"]
    ) == 3
    for item in index["items"]:
        assert hashlib.sha256(archive.read(item["file"])).hexdigest() == item["sha256"]
    assert [item["kind"] for item in index["items"] if item["person_visible"]] == ["file"]
    page = archive.read("index.html").decode()
    assert page.count("only covered material is kept") == 2
    assert page.count("You are visible") == 1
    assert "<b>gate" not in page
    shown = AuditRecord.objects.filter(action="case.pack_open", camera_id=camera.pk).get()
    assert shown.details["pack_sha256"] == disclosure.pack_sha256


def test_a_pack_in_russian(bob, collected):
    disclosure = disclosure_prepare(acting_user=bob, case=collected(), form="pack", language="ru")
    archive = zipfile.ZipFile(io.BytesIO(object_get(disclosure.pack_key)))
    assert "Ваши данные" in archive.read("index.html").decode()


def test_nobody_approves_what_they_prepared(bob, collected):
    disclosure = disclosure_prepare(acting_user=bob, case=collected(), form="pack")
    with pytest.raises(DomainError) as refused:
        disclosure_approve(acting_user=bob, disclosure=disclosure, version=1)
    assert refused.value.code == "second_person_required"
    assert AuditRecord.objects.filter(action="disclosure.self_approval").exists()
    for changes in (
        {"state": "approved", "decided_by": bob},
        {"state": "approved"},
        {"state": "given", "given_at": now(), "receipt": "x"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Disclosure.objects.filter(pk=disclosure.pk).update(**changes)


def test_a_check_without_a_look_is_none(bob, frank, collected, looked):
    made = collected()
    disclosure = disclosure_prepare(acting_user=bob, case=made, form="pack")
    with pytest.raises(Conflict) as refused:
        disclosure_approve(acting_user=frank, disclosure=disclosure, version=1)
    assert refused.value.code == "not_looked"
    looked(made)
    assert disclosure_approve(acting_user=frank, disclosure=disclosure, version=1).state == "approved"


def test_what_is_collected_later_is_not_approved_with_it(bob, frank, collected, looked, camera, seen):
    made = collected()
    disclosure = disclosure_prepare(acting_user=bob, case=made, form="pack")
    items_add(acting_user=bob, case=made, chosen=[("event", str(seen(camera, 6).pk))], purpose="x")
    looked(made)
    with pytest.raises(Conflict) as refused:
        disclosure_approve(acting_user=frank, disclosure=disclosure, version=1)
    assert refused.value.code == "items_changed"


def test_a_pack_leaves_only_approved_three_times_and_within_its_days(
    bob, frank, collected, looked, monkeypatch
):
    made = collected()
    disclosure = disclosure_prepare(acting_user=bob, case=made, form="pack")
    with pytest.raises(Conflict) as early:
        _fetched(bob, disclosure)
    assert early.value.code == "not_approved"
    looked(made)
    disclosure_approve(acting_user=frank, disclosure=disclosure, version=1)
    for _time in range(3):
        assert _fetched(bob, disclosure)
    with pytest.raises(Conflict) as often:
        _fetched(bob, disclosure)
    assert often.value.code == "pack_used_up"
    Disclosure.objects.update(downloads=0)
    monkeypatch.setattr("apps.cases.services.disclosures.now", lambda: now() + timedelta(days=8))
    with pytest.raises(Conflict) as late:
        _fetched(bob, disclosure)
    assert late.value.code == "pack_expired"


def test_an_expired_pack_is_deleted_and_its_trace_stays(approved):
    disclosure = approved()
    retention_sweep(now() + timedelta(days=8))
    with pytest.raises(NotFound):
        object_get(disclosure.pack_key)
    disclosure.refresh_from_db()
    assert (disclosure.pack_key, len(disclosure.pack_sha256)) == ("", 64)


def test_the_hand_over_needs_a_receipt_and_is_seen_by_who_asks_who_saw_the_camera(bob, approved, camera):
    disclosure = approved()
    with pytest.raises(DomainError):
        disclosure_give(acting_user=bob, disclosure=disclosure, version=2, given=Given(""), purpose="x")
    given = Given("registered letter, receipt signed on 27 November")
    disclosure_give(acting_user=bob, disclosure=disclosure, version=2, given=given, purpose="x")
    with pytest.raises(Conflict):
        disclosure_give(acting_user=bob, disclosure=disclosure, version=3, given=given, purpose="x")
    seen = who_saw(camera.pk, since=now() - timedelta(minutes=5), until=now() + timedelta(minutes=1))
    assert seen.filter(action="case.disclosed").get().details["person"] == disclosure.case.subject


def test_a_viewing_says_when_and_who_was_there(bob, approved):
    disclosure = approved("viewing")
    assert disclosure.pack_key == ""
    for given in (
        Given("signed"),
        Given("signed", "bob, frank", now(), now() - timedelta(minutes=1)),
        Given("signed", "", now() - timedelta(seconds=9), now()),
    ):
        with pytest.raises(DomainError):
            disclosure_give(acting_user=bob, disclosure=disclosure, version=2, given=given, purpose="x")
    given = Given("signed", "the person, bob", now() - timedelta(seconds=9), now())
    row = disclosure_give(acting_user=bob, disclosure=disclosure, version=2, given=given, purpose="x")
    assert (row.state, row.present) == ("given", "the person, bob")


def test_one_without_the_watch_grant_prepares_and_fetches_nothing(bob, adam, approved, site_a):
    from apps.cameras.services import grant_revoke

    disclosure = approved()
    grant_revoke(acting_user=adam, user=bob, site=site_a, permission="watch")
    with pytest.raises(Forbidden):
        _fetched(bob, disclosure)
    with pytest.raises(Forbidden):
        disclosure_prepare(acting_user=bob, case=disclosure.case, form="pack")


@pytest.mark.parametrize("name", ["charlie", "alice", "adam"])
def test_others_do_nothing(name, request, approved):
    user, disclosure = request.getfixturevalue(name), approved()
    for attempt in (
        lambda: disclosure_prepare(acting_user=user, case=disclosure.case, form="pack"),
        lambda: disclosure_approve(acting_user=user, disclosure=disclosure, version=2),
        lambda: disclosure_refuse(acting_user=user, disclosure=disclosure, version=2, note="n"),
        lambda: disclosure_give(
            acting_user=user, disclosure=disclosure, version=2, given=Given("x"), purpose="x"
        ),
        lambda: pack_open(acting_user=user, disclosure=disclosure, purpose="x"),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_an_unidentified_person_gets_nothing(bob, collected):
    with pytest.raises(Conflict) as refused:
        disclosure_prepare(acting_user=bob, case=collected(confirmed=False), form="pack")
    assert refused.value.code == "not_identified"


def test_without_a_record_nothing_is_prepared_and_nothing_leaves(bob, collected, approved, monkeypatch):
    disclosure, made = approved(), collected()

    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    monkeypatch.setattr("apps.audit.services._chain", refuse)
    with pytest.raises(Unavailable):
        _fetched(bob, disclosure)
    before = Disclosure.objects.count()
    with pytest.raises(Unavailable):
        disclosure_prepare(acting_user=bob, case=made, form="pack")
    assert Disclosure.objects.count() == before


def test_the_pages_prepare_check_fetch_and_hand_over(client, bob, frank, collected, looked):
    made = collected()
    client.force_login(bob)
    client.post(reverse("console:disclosure_add", args=[made.pk]), {"form": "pack", "language": "en"})
    disclosure = made.disclosures.get()
    one = [made.pk, disclosure.pk]
    looked(made)
    client.force_login(frank)
    assert "Approve" in client.get(reverse("console:case", args=[made.pk])).content.decode()
    client.post(reverse("console:disclosure_approve", args=one), {"version": 1})
    fetched = client.post(reverse("console:disclosure_pack", args=one))
    assert fetched["Content-Type"] == "application/zip"
    b"".join(fetched.streaming_content)
    client.post(reverse("console:disclosure_give", args=one), {"version": 2, "receipt": "signed"})
    disclosure.refresh_from_db()
    assert (disclosure.state, disclosure.downloads) == ("given", 1)
