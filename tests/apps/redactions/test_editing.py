"""Edits: each in the record, undone one by one, rendered again only where something changed."""

import pytest
from django.test import Client

from apps.audit.models import AuditRecord
from apps.core.errors import Conflict, Forbidden, Invalid, Unavailable
from apps.core.objects import objects_list
from apps.redactions import editing, services
from apps.redactions.editing import Edit, edit_make, edit_undo, redaction_render
from apps.redactions.forgetting import forgotten_sweep
from apps.redactions.models import Redaction, RedactionEdit
from tests.apps.redactions.conftest import beat

pytestmark = pytest.mark.django_db(transaction=True)
REGION = Edit("add", at_s=1.0, box_xyxy=(0.1, 0.1, 0.2, 0.2))
DROP = Edit("drop", track_id="t1")


@pytest.fixture
def ready(redaction, worker):
    worker.work()
    worker.done.clear()
    redaction.refresh_from_db()
    return redaction


def test_a_drawn_region_is_followed_and_stitched_at_once(ready, worker, bob):
    worker.covers[1] = ("aa", "XX", "cc")
    edit = edit_make(acting_user=bob, redaction=ready, edit=REGION)
    assert (ready.state, ready.revision, ready.rendered_revision) == ("running", 1, 0)
    worker.work()
    assert worker.kinds() == ["follow", "stitch"]
    assert [(told.edit_id, told.box_xyxy) for told in worker.done[1].edits] == [
        (str(edit.pk), (0.1, 0.1, 0.2, 0.2))
    ]
    ready.refresh_from_db()
    assert (ready.state, ready.tracks_revision, ready.ready_revision) == ("done", 1, 0)


def test_only_what_changed_is_rendered_again(ready, worker, bob):
    worker.covers[1] = ("aa", "XX", "cc")
    edit_make(acting_user=bob, redaction=ready, edit=REGION)
    worker.work()
    worker.done.clear()
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    assert [(step.kind.value, step.segment) for step in worker.done] == [("render", 1), ("mux", 0)]
    assert worker.done[-1].covers == ("aa", "XX", "cc")
    ready.refresh_from_db()
    assert (ready.state, ready.ready_revision) == ("done", 1)


def test_an_undone_edit_needs_no_rendering_of_segments(ready, worker, bob):
    worker.covers |= {1: ("aa", "XX", "cc"), 2: ("aa", "bb", "cc")}
    edit_make(acting_user=bob, redaction=ready, edit=DROP)
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    worker.done.clear()
    undone = edit_undo(acting_user=bob, redaction=ready)
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    assert [(step.kind.value, step.edits) for step in worker.done] == [("stitch", ()), ("mux", ())]
    assert (undone.undone_by_name, undone.undone_revision) == ("bob", 2)
    kept = [key.rpartition("revisions/")[2] for key in _stored(ready, "/result")]
    assert sorted(kept) == ["0001/result.mp4", "0002/result.mp4"], "the newest, and the one being read"


def test_edits_while_a_film_is_rendered_wait_for_nobody(ready, worker, bob):
    worker.covers |= {1: ("X1", "bb", "cc"), 2: ("X1", "X2", "cc")}
    edit_make(acting_user=bob, redaction=ready, edit=DROP)
    worker.work()
    redaction_render(acting_user=bob, redaction=ready)
    edit_make(acting_user=bob, redaction=ready, edit=Edit("keep", track_id="t2"))
    worker.work()
    ready.refresh_from_db()
    assert (ready.state, ready.tracks_revision, ready.ready_revision) == ("done", 2, 1)
    stitched = {step.revision: [edit.kind.value for edit in step.edits] for step in worker.done
                if step.kind == "stitch"}  # fmt: skip
    assert stitched == {1: ["drop"], 2: ["drop", "keep"]}


def test_an_edit_that_fails_is_taken_back_and_the_result_stays(ready, worker, bob):
    worker.covers[2] = ("aa", "bb", "cc")
    edit_make(acting_user=bob, redaction=ready, edit=REGION)
    worker.step(error_code="edit_invalid", error="The box is outside.")
    worker.work()
    ready.refresh_from_db()
    assert (ready.state, ready.error_code, ready.ready_revision) == ("done", "edit_invalid", 0)
    assert RedactionEdit.objects.get().undone_revision == 2
    worker.covers[3] = ("aa", "bb", "YY")
    edit_make(acting_user=bob, redaction=ready, edit=DROP)
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    ready.refresh_from_db()
    assert (ready.state, ready.error_code, ready.ready_revision) == ("done", "", 3)


def test_every_edit_is_in_the_record(ready, worker, bob):
    edit_make(acting_user=bob, redaction=ready, edit=DROP)
    edit_undo(acting_user=bob, redaction=ready)
    actions = list(
        AuditRecord.objects.filter(object_id=str(ready.pk)).order_by("seq").values("action", "actor_name")
    )
    assert actions[-2:] == [
        {"action": "redaction.edit", "actor_name": "bob"},
        {"action": "redaction.undo", "actor_name": "bob"},
    ]


@pytest.mark.parametrize(
    "edit",
    [
        Edit("rotate"),
        Edit("drop"),
        Edit("keep", track_id="x" * 65),
        Edit("drop", track_id="a\x00b"),
        Edit("add", at_s=1.0),
        Edit("add", at_s=float("nan"), box_xyxy=(0.1, 0.1, 0.2, 0.2)),
        Edit("add", at_s=-1.0, box_xyxy=(0.1, 0.1, 0.2, 0.2)),
        Edit("add", at_s=1.0, box_xyxy=(0.2, 0.1, 0.1, 0.2)),
        Edit("add", at_s=1.0, box_xyxy=(0.1, 0.1, 1.2, 0.2)),
        Edit("add", at_s=1.0, box_xyxy=(0.1, 0.1, 0.2)),
    ],
)
def test_edits_that_make_no_sense_are_refused(ready, bob, edit):
    with pytest.raises(Invalid):
        edit_make(acting_user=bob, redaction=ready, edit=edit)
    assert not RedactionEdit.objects.exists()


def test_after_the_upload_is_gone_nothing_can_be_edited(ready, bob):
    services.redaction_close(acting_user=bob, redaction=ready)
    with pytest.raises(Conflict) as refused:
        edit_make(acting_user=bob, redaction=ready, edit=DROP)
    assert refused.value.code == "input_gone"


def test_there_is_nothing_to_undo_or_to_render_at_first(ready, bob):
    for change in (edit_undo, redaction_render):
        with pytest.raises(Conflict):
            change(acting_user=bob, redaction=ready)


CHANGES = {
    "edit": lambda user, row: edit_make(acting_user=user, redaction=row, edit=DROP),
    "pause": lambda user, row: services.redaction_pause(acting_user=user, redaction=row),
    "resume": lambda user, row: services.redaction_resume(acting_user=user, redaction=row),
    "cancel": lambda user, row: services.redaction_cancel(acting_user=user, redaction=row),
    "close": lambda user, row: services.redaction_close(acting_user=user, redaction=row),
    "delete": lambda user, row: services.redaction_delete(acting_user=user, redaction=row),
    "undo": lambda user, row: edit_undo(acting_user=user, redaction=row),
    "render": lambda user, row: redaction_render(acting_user=user, redaction=row),
}
STATES = {"pause": "running", "cancel": "running", "resume": "paused"}


@pytest.mark.parametrize("name", CHANGES)
def test_without_a_record_nothing_changes(ready, bob, name, monkeypatch):
    if name in ("undo", "render"):
        edit_make(acting_user=bob, redaction=ready, edit=DROP)
    if name in STATES:
        Redaction.objects.update(state=STATES[name])
    before = list(Redaction.objects.values()), list(RedactionEdit.objects.values())

    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        CHANGES[name](bob, ready)
    assert (list(Redaction.objects.values()), list(RedactionEdit.objects.values())) == before


@pytest.mark.parametrize("name", CHANGES)
def test_charlie_changes_nothing(ready, charlie, name):
    with pytest.raises(Forbidden):
        CHANGES[name](charlie, ready)


def test_a_pause_keeps_what_is_done_and_a_resumed_film_is_finished(redaction, worker, bob):
    worker.step()
    services.redaction_pause(acting_user=bob, redaction=redaction)
    worker.step()
    assert worker.sent == []
    services.redaction_resume(acting_user=bob, redaction=redaction)
    worker.work()
    redaction.refresh_from_db()
    assert redaction.state == "done"
    assert worker.kinds().count("analyse") == 3


def test_cancelling_deletes_everything(redaction, worker, bob):
    worker.step()
    services.redaction_cancel(acting_user=bob, redaction=redaction)
    assert not _stored(redaction, "input")
    assert forgotten_sweep()["cleared"] == 0, "a worker still writes"
    worker.work()
    assert forgotten_sweep()["cleared"] == 1
    redaction.refresh_from_db()
    assert (redaction.state, _stored(redaction)) == ("cancelled", [])
    assert forgotten_sweep()["cleared"] == 0


def _stored(redaction, name=""):
    prefix = f"redactions/{redaction.pk}"
    return [row.key for portion in objects_list(prefix) for row in portion if name in row.key]


def test_cancelling_a_second_film_leaves_the_first(ready, worker, bob):
    worker.covers[1] = ("aa", "XX", "cc")
    edit_make(acting_user=bob, redaction=ready, edit=DROP)
    worker.work()
    redaction_render(acting_user=bob, redaction=ready)
    services.redaction_cancel(acting_user=bob, redaction=ready)
    assert (ready.state, ready.ready_revision, ready.rendered_revision) == ("done", 0, 0)
    assert _stored(ready, "input")
    worker.work()
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    ready.refresh_from_db()
    assert (ready.state, ready.ready_revision) == ("done", 1)


def test_when_the_upload_is_gone_only_the_result_stays(ready, bob):
    assert _stored(ready, "input")
    services.redaction_close(acting_user=bob, redaction=ready)
    assert forgotten_sweep()["cleared"] == 1
    assert all("/revisions/" in key for key in _stored(ready))
    assert forgotten_sweep()["cleared"] == 0
    assert len(_stored(ready, "result")) == 1


def _get(user, path, **headers):
    client = Client()
    client.force_login(user)
    return client.get(path, headers={"X-Vidette-Purpose": "test", **headers})


def test_a_result_is_sent_in_ranges_each_on_record(ready, bob):
    path = f"/api/v1/redactions/{ready.pk}/result"
    whole = _get(bob, path)
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, bytes(range(256)) * 4)
    part = _get(bob, path, Range="bytes=10-19")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, bytes(range(10, 20)))
    assert part["Content-Range"] == "bytes 10-19/1024"
    tail = _get(bob, path, Range="bytes=-4")
    assert b"".join(tail.streaming_content) == bytes([252, 253, 254, 255])
    assert _get(bob, path, Range="bytes=2000-").status_code == 416
    viewed = AuditRecord.objects.filter(action="redaction.view", object_id=str(ready.pk))
    assert [row.details.get("range", "") for row in viewed.order_by("seq")][:3] == [
        "",
        "bytes=10-19",
        "bytes=-4",
    ]
    assert all(row.redacted for row in viewed)


def test_a_result_in_which_a_person_is_visible_is_on_record_as_one(ready, worker, bob):
    worker.covers |= {1: ("aa", "XX", "cc"), 2: ("aa", "bb", "cc")}
    path = f"/api/v1/redactions/{ready.pk}/result"
    edit_make(acting_user=bob, redaction=ready, edit=Edit("keep", track_id="t1"))
    worker.work()
    _get(bob, path)  # the film is not rendered yet: still the one without the edit
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    _get(bob, path)
    edit_undo(acting_user=bob, redaction=ready)
    redaction_render(acting_user=bob, redaction=ready)
    worker.work()
    _get(bob, path)
    viewed = AuditRecord.objects.filter(action="redaction.view").order_by("seq")
    assert [row.redacted for row in viewed] == [True, False, True]


def test_a_download_has_a_harmless_name(ready, bob):
    Redaction.objects.update(filename='../"x\r\nSet-Cookie: a=b".mp4')
    answer = _get(bob, f"/api/v1/redactions/{ready.pk}/result?download=true")
    assert answer["Content-Disposition"] == 'attachment; filename="x--Set-Cookie--a-b-redacted.mp4"'
    assert AuditRecord.objects.filter(action="redaction.download").count() == 1


def test_without_a_record_nothing_is_shown(ready, bob, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_access", refuse)
    for kind in ("result", "tracks", "report"):
        assert _get(bob, f"/api/v1/redactions/{ready.pk}/{kind}").status_code == 503


def test_the_upload_has_no_address(ready, bob):
    for path in ("input", "original", "upload", "segments/00000-aa"):
        assert _get(bob, f"/api/v1/redactions/{ready.pk}/{path}").status_code == 404


def test_a_service_account_sees_its_own_files_alone(ready, bob, adam, redis, worker):
    from apps.accounts.models import User
    from apps.accounts.services import token_create

    beat(redis)
    account = User.objects.create_user(username="reports", role="integrator")
    _token, secret = token_create(acting_user=adam, user=account, name="x", actions=["redactions:write"])
    asked = Client().get("/api/v1/redactions", headers={"Authorization": f"Token {secret}"})
    assert (asked.status_code, asked.json()["results"]) == (200, [])
    foreign = Client().get(f"/api/v1/redactions/{ready.pk}", headers={"Authorization": f"Token {secret}"})
    assert foreign.status_code == 404
    assert AuditRecord.objects.filter(action="redaction.open", kind="refusal").count() == 1
    _token, other = token_create(acting_user=adam, user=account, name="y", actions=["events:read"])
    assert Client().get("/api/v1/redactions", headers={"Authorization": f"Token {other}"}).status_code == 403


def test_most_edits_are_bounded(ready, bob, worker, monkeypatch):
    monkeypatch.setattr(editing, "MAX_EDITS", 1)
    edit_make(acting_user=bob, redaction=ready, edit=DROP)
    with pytest.raises(Conflict) as refused:
        edit_make(acting_user=bob, redaction=ready, edit=DROP)
    assert refused.value.code == "too_many_edits"
