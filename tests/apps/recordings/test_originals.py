"""Sealed originals: opened segment by segment with the key of the day, and gone for good with it."""

import hashlib
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.db import transaction
from django.utils import translation

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.core.objects import object_get, object_put
from apps.recordings.keys import content_key, key_destroy, seal_keys
from apps.recordings.models import OriginalKey, Segment
from apps.recordings.policy import recording_policy
from apps.recordings.services import originals_destroy
from apps.retention.services import class_create, class_update, hold_place, retention_sweep
from inference_workers.contracts.recording import SealedOriginal, original_key, seal_context
from inference_workers.engine.errors import EngineError
from inference_workers.engine.sealing import seal, unseal
from tests.apps.recordings.conftest import FILE, result_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeping(bob, camera, monkeypatch):
    """The camera's class keeps originals for a day."""
    from apps.retention import selectors
    from apps.retention.services import camera_retention_set

    monkeypatch.setattr(selectors, "_sources", [])
    row = class_create(
        acting_user=bob, code="evidence", name="Evidence", hours=72, original_hours=24,
        justification="theft at the till, agreed with the works council",
    )  # fmt: skip
    camera_retention_set(acting_user=bob, camera=camera, version=0, retention_class=row, recording="events")
    return row


@pytest.fixture
def sealed(camera, keeping, apply, redis):
    """Makes a segment with a sealed original, `hours` ago."""

    def make(hours=1.0, camera=camera):
        at = now() - timedelta(hours=hours)
        message = result_for(camera, at)
        key = seal_keys([camera.pk], at.date())[camera.pk]
        context = seal_context(key.key_id, str(camera.pk), message.segment_id)
        blob = seal(b"raw faces", key.public_key, context)
        name = original_key(str(camera.pk), f"{at:%Y-%m-%d}", message.segment_id)
        object_put(message.object_key, FILE)
        object_put(name, blob)
        original = SealedOriginal(name, hashlib.sha256(blob).hexdigest(), len(blob), key.key_id)
        apply(type(message)(**{**_fields(message), "original": original}))
        return Segment.objects.get(pk=message.segment_id)

    return make


def _fields(message):
    return {name: getattr(message, name) for name in message.__dataclass_fields__}


def _open(segment):
    key = segment.sealed_under
    context = seal_context(str(key.pk), str(segment.camera_id), str(segment.pk))
    return unseal(object_get(segment.original_key), content_key(segment), context)


def _gone(key):
    try:
        object_get(key)
    except NotFound:
        return True
    return False


def test_only_a_class_that_says_so_has_a_key_in_the_lease(camera, camera_b, keeping):
    assert recording_policy(camera).seal is not None
    assert recording_policy(camera_b).seal is None
    assert OriginalKey.objects.count() == 1


def test_the_lease_names_the_same_key_all_day(camera, keeping):
    assert recording_policy(camera).seal == recording_policy(camera).seal
    assert (
        seal_keys([camera.pk], now().date() + timedelta(days=1))[camera.pk] != recording_policy(camera).seal
    )


def test_an_original_opens_with_the_key_of_its_day(sealed):
    assert _open(sealed()) == b"raw faces"


def test_the_key_of_one_segment_opens_no_other(sealed):
    first, second = sealed(), sealed()
    context = seal_context(str(second.sealed_under_id), str(second.camera_id), str(second.pk))
    with pytest.raises(EngineError):
        unseal(object_get(second.original_key), content_key(first), context)


def test_the_database_alone_opens_nothing(sealed, settings):
    segment = sealed()
    settings.MASTER_KEY = Fernet.generate_key().decode()
    with pytest.raises(DomainError, match="VIDETTE_MASTER_KEY"):
        content_key(segment)
    with translation.override("ru"), pytest.raises(DomainError, match="Администратор может"):
        content_key(segment)


def test_destroying_the_key_is_the_erasure_even_for_a_copy_of_the_file(sealed):
    segment = sealed()
    blob, fingerprint = object_get(segment.original_key), segment.sealed_under.fingerprint
    with transaction.atomic():
        key_destroy(segment.sealed_under, "asked for")
    segment = Segment.objects.select_related("sealed_under").get()
    with pytest.raises(NotFound):
        content_key(segment)
    assert bytes(segment.sealed_under.sealed_private) == b""
    assert object_get(segment.original_key) == blob  # the file is still there, and shut
    row = AuditRecord.objects.get(action="originals.key_destroyed")
    assert row.details["fingerprint"] == fingerprint


def test_no_record_no_destruction(sealed, request):
    segment = sealed()
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable), transaction.atomic():
        key_destroy(segment.sealed_under, "asked for")
    assert bytes(OriginalKey.objects.get().sealed_private) != b""


def test_originals_go_before_their_segments_and_keys_when_nothing_is_left(sealed):
    old, young = sealed(hours=60), sealed(hours=3)
    original = old.original_key
    retention_sweep()
    old.refresh_from_db()
    assert old.original_key == ""
    assert _gone(original)
    assert not _gone(old.object_key)
    assert [bool(key.sealed_private) for key in OriginalKey.objects.order_by("day")] == [False, True]
    assert _open(Segment.objects.get(pk=young.pk)) == b"raw faces"


def test_a_hold_keeps_the_original_and_its_key(bob, camera, sealed):
    held = sealed(hours=60)
    hold_place(
        acting_user=bob, camera=camera, since=held.started_at, until=held.ended_at, reason="accident",
        expires_at=now() + timedelta(days=1),
    )  # fmt: skip
    retention_sweep()
    assert _open(Segment.objects.get()) == b"raw faces"


def test_a_class_that_keeps_no_originals_any_more_lets_them_go(bob, keeping, sealed):
    segment = sealed(hours=3)
    class_update(acting_user=bob, row=keeping, version=1, changes={"original_hours": 0})
    retention_sweep()
    segment.refresh_from_db()
    assert segment.original_key == ""


def test_originals_of_a_day_are_destroyed_by_compliance_with_a_reason(bob, camera, sealed):
    segment = sealed()
    day, original = segment.sealed_under.day, segment.original_key
    key = originals_destroy(acting_user=bob, camera=camera, day=day, reason="asked by the person")
    assert bytes(key.sealed_private) == b""
    row = AuditRecord.objects.get(action="originals.destroy")
    assert (row.details["originals"], row.details["fingerprint"]) == (1, key.fingerprint)
    retention_sweep()
    assert _gone(original)
    assert not _gone(segment.object_key)
    assert seal_keys([camera.pk], day)[camera.pk].key_id != str(key.pk)


def test_originals_under_a_hold_are_not_destroyed(bob, camera, sealed):
    segment = sealed()
    hold_place(
        acting_user=bob, camera=camera, since=segment.started_at, until=segment.ended_at, reason="accident",
        expires_at=now() + timedelta(days=1),
    )  # fmt: skip
    with pytest.raises(Conflict):
        originals_destroy(acting_user=bob, camera=camera, day=segment.sealed_under.day, reason="x")
    assert _open(Segment.objects.select_related("sealed_under").get()) == b"raw faces"


def test_a_hold_that_is_placed_meanwhile_keeps_the_originals(bob, camera, sealed, monkeypatch):
    segment = sealed()
    held = {"since": segment.started_at, "until": segment.ended_at, "reason": "accident"}

    def then_held(key, reason):
        hold_place(acting_user=bob, camera=camera, expires_at=now() + timedelta(days=1), **held)
        key_destroy(key, reason)

    monkeypatch.setattr("apps.recordings.services.key_destroy", then_held)
    with pytest.raises(Conflict):
        originals_destroy(acting_user=bob, camera=camera, day=segment.sealed_under.day, reason="x")
    assert _open(Segment.objects.select_related("sealed_under").get()) == b"raw faces"


@pytest.mark.parametrize("name", ["alice", "adam", "erin", "charlie"])
def test_only_compliance_destroys_originals(name, request, camera, sealed):
    segment = sealed()
    with pytest.raises(Forbidden):
        originals_destroy(
            acting_user=request.getfixturevalue(name), camera=camera, day=segment.sealed_under.day, reason="x"
        )


def test_no_record_no_destruction_by_hand(bob, camera, sealed, request):
    segment = sealed()
    request.getfixturevalue("no_record")
    with pytest.raises(Unavailable):
        originals_destroy(acting_user=bob, camera=camera, day=segment.sealed_under.day, reason="x")
    assert Segment.objects.get().original_key == segment.original_key
