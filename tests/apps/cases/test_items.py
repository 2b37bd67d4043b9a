"""Searching in redacted material, collecting, and what a person may see of it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.cameras.services import grant_give
from apps.cases.models import CaseItem
from apps.cases.search import Terms, case_search
from apps.cases.services import case_close, item_remove, items_add
from apps.cases.stores import MATERIAL_AFTER_CLOSING
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, NotFound, Unavailable
from apps.core.objects import object_get
from apps.detections.models import Event
from apps.retention.services import retention_sweep

pytestmark = pytest.mark.django_db


@pytest.fixture
def watching(adam, bob, site_a):
    """bob may see the pictures of site A."""
    grant_give(acting_user=adam, user=bob, site=site_a, permission="watch")


def _terms(**more):
    return Terms(now() - timedelta(days=2), now(), **more)


def test_a_search_finds_by_time_place_class_and_text(bob, case, camera, camera_b, seen, recorded, watching):
    made = case()
    here, _there = seen(camera, 5), seen(camera_b, 5)
    seen(camera, 71)
    segment = recorded(camera, 6.0)
    hits = case_search(acting_user=bob, case=made, terms=_terms(cameras=(camera.pk,)), purpose="x")
    assert [row.pk for row in hits.events] == [here.pk]
    assert [row.pk for row in hits.segments] == [segment.pk]
    assert len(case_search(acting_user=bob, case=made, terms=_terms(), purpose="x").events) == 2
    assert not case_search(acting_user=bob, case=made, terms=_terms(label="car"), purpose="x").events
    assert len(case_search(acting_user=bob, case=made, terms=_terms(text="PERSO"), purpose="x").events) == 2
    rows = AuditRecord.objects.filter(action="event.search", camera_id=camera.pk)
    assert rows.first().details["terms"]["case"] == made.reference


def test_a_search_by_what_was_worn_is_on_record(client, bob, case, camera, seen, recorded):
    made, red, other = case(), seen(camera, 5), seen(camera, 6)
    recorded(camera, 6.0)
    Event.objects.filter(pk=red.pk).update(upper_colour="red", lower_colour="black")
    hits = case_search(acting_user=bob, case=made, terms=_terms(upper="red", lower="black"), purpose="x")
    assert [row.pk for row in hits.events] == [red.pk]
    assert (hits.segments, hits.readings) == ([], [])
    assert not case_search(acting_user=bob, case=made, terms=_terms(upper="black"), purpose="x").events
    terms = AuditRecord.objects.filter(action="event.search", camera_id=camera.pk).first().details["terms"]
    assert (terms["upper"], terms["lower"]) == ("red", "black")
    client.force_login(bob)
    page = client.get(reverse("console:events"), {"upper": "red"}).content.decode()
    assert str(red.pk) in page
    assert str(other.pk) not in page


def test_a_search_without_an_end_is_refused(bob, case):
    terms = Terms(now() - timedelta(days=60), now())
    with pytest.raises(DomainError) as refused:
        case_search(acting_user=bob, case=case(), terms=terms, purpose="x")
    assert refused.value.code == "invalid_span"


def test_a_copy_outlives_retention_and_goes_after_the_closing(bob, case, camera, seen, watching):
    made, event = case(), seen(camera, 5)
    assert items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x") == 1
    assert items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x") == 0
    item = made.items.get()
    retention_sweep(now() + timedelta(hours=80))
    with pytest.raises(NotFound):
        object_get(event.snapshot_key)
    assert object_get(item.copy_key) == b"\xff\xd8redacted\xff\xd9"
    case_close(acting_user=bob, case=made, version=made.version, outcome="partly", note="by letter")
    retention_sweep(now() + MATERIAL_AFTER_CLOSING + timedelta(hours=2))
    with pytest.raises(NotFound):
        object_get(item.copy_key)
    item.refresh_from_db()
    assert item.copy_key == ""


def test_without_the_watch_grant_nothing_is_copied_or_shown(
    bob, frank, case, camera, seen, adam, site_a, client
):
    made, event = case(), seen(camera, 5)
    items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    assert made.items.get().copy_key == ""
    made.items.all().delete()
    grant_give(acting_user=adam, user=bob, site=site_a, permission="watch")
    items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    address = reverse("console:case_item_copy", args=[made.pk, made.items.get().pk])
    client.force_login(frank)
    assert client.get(address).status_code == 404
    client.force_login(bob)
    assert b"".join(client.get(address).streaming_content) == b"\xff\xd8redacted\xff\xd9"
    shown = AuditRecord.objects.get(action="case.item_view")
    assert (shown.actor_name, shown.camera_id, shown.redacted) == ("bob", camera.pk, True)
    made.items.update(shows_subject=True)  # a film in which the person was uncovered
    client.get(address)
    assert AuditRecord.objects.filter(action="case.item_view", redacted=False).count() == 1


def test_what_is_not_open_to_a_person_is_not_collected(bob, case, camera_b, recorded):
    with pytest.raises(NotFound):
        items_add(acting_user=bob, case=case(), chosen=[("segment", str(recorded(camera_b).pk))], purpose="x")
    for wrong in (("event", "x"), ("nothing", "x"), ("file", str(camera_b.pk))):
        with pytest.raises(NotFound):
            items_add(acting_user=bob, case=case(), chosen=[wrong], purpose="x")


def test_taking_out_deletes_the_copy_and_nothing_else(
    bob, case, camera, seen, watching, django_capture_on_commit_callbacks
):
    made, event = case(), seen(camera, 5)
    items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    item = made.items.get()
    with django_capture_on_commit_callbacks(execute=True):
        item_remove(acting_user=bob, case=made, item_id=item.pk)
    with pytest.raises(NotFound):
        object_get(item.copy_key)
    assert object_get(event.snapshot_key)


def test_a_closed_request_collects_nothing(bob, case, camera, seen):
    made, event = case(), seen(camera, 5)
    case_close(acting_user=bob, case=made, version=made.version, outcome="withdrawn", note="x")
    with pytest.raises(Conflict):
        items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")


def test_without_a_record_nothing_is_collected_or_found(bob, case, camera, seen, watching, monkeypatch):
    made, event = case(), seen(camera, 5)

    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    monkeypatch.setattr("apps.audit.services._chain", refuse)
    with pytest.raises(Unavailable):
        items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    assert CaseItem.objects.count() == 0
    with pytest.raises(Unavailable):
        case_search(acting_user=bob, case=made, terms=_terms(), purpose="x")


def test_the_pages_search_collect_erase_and_certify(client, bob, frank, case, camera, seen, watching):
    from apps.detections.models import Event

    made, event = case("erasure"), seen(camera, 5)
    Event.objects.filter(pk=event.pk).update(ended=True)
    client.force_login(bob)
    at = timezone.localtime(now(), timezone.get_fixed_timezone(0))
    query = {
        "since": f"{at - timedelta(days=2):%Y-%m-%dT%H:%M}",
        "until": f"{at + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }
    found = client.get(reverse("console:case_find", args=[made.pk]), query).content.decode()
    assert f"event:{event.pk}" in found
    client.post(reverse("console:case_collect", args=[made.pk]), {"item": f"event:{event.pk}"})
    client.post(reverse("console:erasure_add", args=[made.pk]))
    erasure = made.erasures.get()
    approve = reverse("console:erasure_approve", args=[made.pk, erasure.pk])
    client.post(approve, {"version": 1})
    erasure.refresh_from_db()
    assert erasure.state == "waiting"  # bob prepared it
    client.force_login(frank)
    client.post(approve, {"version": 1})
    client.post(reverse("console:erasure_execute", args=[made.pk, erasure.pk]), {"version": 2})
    erasure.refresh_from_db()
    assert erasure.state == "done"
    certificate = client.get(reverse("console:erasure_certificate", args=[made.pk, erasure.pk]))
    assert certificate.content.startswith(b"%PDF-")
    shown = client.get(reverse("console:case", args=[made.pk])).content.decode()
    assert "Certificate (PDF)" in shown
