"""Classes, cameras and holds: who may set them, what they refuse, and that no record means no change."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.cameras.services import camera_delete
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, Unavailable
from apps.retention import services
from apps.retention.models import CameraRetention, LegalHold, RetentionClass
from apps.retention.selectors import class_source_register, classes_by_camera, default_class, retention_of

pytestmark = pytest.mark.django_db


def _class(bob, **fields):
    values = {"code": "long", "name": "Long", "hours": 200, "justification": "insurance asks for it"}
    return services.class_create(acting_user=bob, **{**values, **fields})


def _hold(user, camera, **fields):
    at = now()
    values = {
        "since": at - timedelta(hours=1), "until": at, "reason": "police request",
        "expires_at": at + timedelta(days=7),
    }  # fmt: skip
    return services.hold_place(acting_user=user, camera=camera, **{**values, **fields})


@pytest.mark.parametrize("fields", [{"hours": 73}, {"hours": 10, "original_hours": 5}])
def test_more_than_the_default_needs_a_justification(bob, fields):
    with pytest.raises(DomainError) as refused:
        _class(bob, **{"justification": " ", **fields})
    assert refused.value.code == "justification_required"
    assert RetentionClass.objects.filter(code="long").count() == 0


def test_the_database_asks_for_the_justification_too(bob):
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        RetentionClass.objects.create(code="x", name="x", hours=100)


def test_originals_are_not_kept_longer_than_the_rest(bob):
    with pytest.raises(DomainError, match="never kept longer"):
        _class(bob, hours=10, original_hours=11)


@pytest.mark.parametrize("name", ["alice", "adam", "erin", "charlie"])
def test_only_compliance_sets_retention(name, request, camera):
    user = request.getfixturevalue(name)
    with pytest.raises(Forbidden):
        _class(user)
    with pytest.raises(Forbidden):
        _hold(user, camera)
    with pytest.raises(Forbidden):
        services.sweep_by_hand(acting_user=user)


def test_a_class_in_use_stays(bob, camera, monkeypatch):
    from apps.retention import selectors

    monkeypatch.setattr(selectors, "_sources", [])
    row = _class(bob)
    services.camera_retention_set(
        acting_user=bob, camera=camera, version=0, retention_class=row, recording="continuous"
    )
    with pytest.raises(Conflict):
        services.class_delete(acting_user=bob, row=row, version=1)
    assert retention_of(camera)[0] == row
    assert retention_of(camera)[1] == "continuous"


def test_two_people_at_once_on_one_camera(bob, camera):
    services.camera_retention_set(
        acting_user=bob, camera=camera, version=0, retention_class=default_class(), recording="off"
    )
    with pytest.raises(Conflict):
        services.camera_retention_set(
            acting_user=bob, camera=camera, version=0, retention_class=default_class(), recording="events"
        )
    assert CameraRetention.objects.get(camera=camera).recording == "off"


def test_a_purpose_may_shorten_but_not_lengthen(bob, camera, monkeypatch):
    from apps.retention import selectors

    monkeypatch.setattr(selectors, "_sources", [])
    services.camera_retention_set(
        acting_user=bob, camera=camera, version=0, retention_class=_class(bob), recording="events"
    )
    class_source_register(lambda: {camera.pk: "standard"})
    assert classes_by_camera()[camera.pk].code == "standard"


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": ""},
        {"until": now() - timedelta(days=9)},
        {"since": now() - timedelta(days=40)},
        {"expires_at": now() - timedelta(minutes=1)},
        {"expires_at": now() + timedelta(days=2000)},
    ],
)
def test_a_hold_says_why_what_and_until_when(bob, camera, fields):
    with pytest.raises(DomainError):
        _hold(bob, camera, **fields)


def test_a_camera_under_a_hold_cannot_be_removed(adam, bob, camera):
    hold = _hold(bob, camera, event_id=uuid4())
    with pytest.raises(Conflict, match="legal hold"):
        camera_delete(acting_user=adam, camera=camera, version=camera.version)
    services.hold_release(acting_user=bob, hold=hold, version=1, reason="closed")
    camera.refresh_from_db()
    camera_delete(acting_user=adam, camera=camera, version=camera.version)
    assert LegalHold.objects.count() == 0


def test_a_hold_is_released_once(bob, camera):
    hold = _hold(bob, camera)
    services.hold_release(acting_user=bob, hold=hold, version=1, reason="closed")
    with pytest.raises(Conflict):
        services.hold_release(acting_user=bob, hold=hold, version=2, reason="closed")


def test_without_a_record_nothing_changes(bob, camera, no_record):
    for change in (lambda: _class(bob), lambda: _hold(bob, camera)):
        with pytest.raises(Unavailable):
            change()
    with pytest.raises(Unavailable):
        services.camera_retention_set(
            acting_user=bob, camera=camera, version=0, retention_class=default_class(), recording="off"
        )
    assert LegalHold.objects.count() == 0
    assert CameraRetention.objects.count() == 0
    assert RetentionClass.objects.filter(code="long").count() == 0
