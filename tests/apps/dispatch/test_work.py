"""Uploaded pictures: stored, sent, answered once, tried again, never lost."""

from datetime import timedelta

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import ConnectionError as RedisAway

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from apps.core.objects import object_get
from apps.detections.results import Outcome, ResultBatch
from apps.dispatch import uploads, work
from apps.dispatch.models import WorkItem
from apps.retention.services import retention_sweep
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.frames import Found
from inference_workers.contracts.uploads import AnalyseImage, AnalyseImageReply

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 1000


@pytest.fixture
def sent(monkeypatch) -> list[AnalyseImage]:
    """What the GPU queue was given."""
    messages: list[AnalyseImage] = []
    monkeypatch.setattr(
        work, "gpu_send", lambda task, text, expires_s: messages.append(decode(AnalyseImage, text))
    )
    return messages


def _submit(user, body: bytes = JPEG, **options):
    with uploads.upload_received([body]) as upload:
        return uploads.frame_submit(acting_user=user, upload=upload, **{"wait_s": 0.0} | options)


def _reply(item: WorkItem, **changes) -> AnalyseImageReply:
    fields = {"width": 4, "height": 3, "redaction": "image", "attempt": item.attempts}
    return AnalyseImageReply(work_id=str(item.pk), **fields | changes)


def _apply(reply: AnalyseImageReply) -> Outcome:
    with transaction.atomic():
        return work.reply_apply(reply, ResultBatch())


def _exists(key: str) -> bool:
    try:
        object_get(key)
    except NotFound:
        return False
    return True


@pytest.mark.parametrize("body", [b"", b"GIF89a", b"<svg onload=alert(1)>", b"\x00" * 100, b"RIFF1234WAVE"])
def test_it_takes_pictures_only(body):
    with pytest.raises(DomainError) as refused, uploads.upload_received([body]):
        pass
    assert refused.value.code == "image_format"


def test_it_stops_reading_what_is_too_large(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 100)
    read: list[int] = []

    def endless():
        while True:
            read.append(64)
            yield JPEG[:64]

    with pytest.raises(DomainError) as refused, uploads.upload_received(endless()):
        pass
    assert (refused.value.code, len(read)) == ("image_too_large", 2)


@pytest.mark.django_db(transaction=True)
def test_a_picture_is_stored_recorded_and_sent(erin, redis, sent):
    item = _submit(erin)
    assert (item.state, item.attempts) == ("running", 1)
    assert [message.input_key for message in sent] == [item.input_key]
    assert object_get(item.input_key) == JPEG
    assert AuditRecord.objects.get(action="frame.submit").object_id == str(item.pk)


@pytest.mark.django_db(transaction=True)
def test_the_answer_is_waited_for(erin, redis, monkeypatch):
    def answer_at_once(task, text, expires_s):
        message = decode(AnalyseImage, text)
        found = Found((0.1, 0.1, 0.2, 0.2), 0.9, "person")
        reply = AnalyseImageReply(message.work_id, message.attempt, 4, 3, (found,), "image")
        redis.rpush(message.reply_to, encode(reply))

    monkeypatch.setattr(work, "gpu_send", answer_at_once)
    item = _submit(erin, wait_s=5.0)
    assert (item.state, item.result["found"][0]["label"]) == ("done", "person")
    assert not _exists(item.input_key)


@pytest.mark.django_db(transaction=True)
def test_what_is_accepted_stays_accepted_when_redis_goes_away(erin, redis, sent, monkeypatch):
    class Away:
        def blpop(self, keys, timeout):
            raise RedisAway("away")

    monkeypatch.setattr(uploads, "client", Away)
    item = _submit(erin, wait_s=5.0)
    assert (item.state, len(sent)) == ("running", 1)


@pytest.mark.django_db(transaction=True)
def test_a_reply_is_recorded_once(erin, redis, sent):
    item = _submit(erin)
    assert _apply(_reply(item)) == Outcome.APPLIED
    assert _apply(_reply(item, width=99)) == Outcome.REPEATED
    item.refresh_from_db()
    assert (item.state, item.result["width"]) == ("done", 4)


@pytest.mark.django_db(transaction=True)
def test_an_error_of_an_older_attempt_does_not_count(erin, redis, sent):
    item = _submit(erin)
    late = _reply(item, attempt=0, error_code="image_truncated", error="cut")
    assert _apply(late) == Outcome.REPEATED
    assert _apply(_reply(item, error_code="image_truncated", error="cut")) == Outcome.APPLIED
    item.refresh_from_db()
    assert (item.state, item.error_code) == ("failed", "image_truncated")
    assert not _exists(item.input_key)


@pytest.mark.django_db(transaction=True)
def test_the_same_key_gives_the_same_work(erin, alice, redis, sent):
    first, again = (_submit(erin, idempotency_key="k1") for _ in range(2))
    assert first.pk == again.pk
    assert len(sent) == 1
    with pytest.raises(Conflict) as refused:
        _submit(erin, JPEG + b"y", idempotency_key="k1")
    assert refused.value.code == "idempotency_key_reused"
    with pytest.raises(Invalid):
        _submit(erin, idempotency_key="k" * 201)
    assert _submit(erin).pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_work_whose_worker_died_is_sent_again_and_given_up_at_last(erin, redis, sent):
    item = _submit(erin)
    for attempt in (2, 3):
        WorkItem.objects.update(leased_until=now() - timedelta(seconds=1))
        assert work.work_sweep()["sent"] == 1
        assert sent[-1].attempt == attempt
    assert work.work_sweep() == {"sent": 0, "failed": 0}
    WorkItem.objects.update(leased_until=now() - timedelta(seconds=1))
    assert work.work_sweep()["failed"] == 1
    item.refresh_from_db()
    assert (item.state, item.error_code) == ("failed", "worker_timeout")
    assert not _exists(item.input_key)


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_costs_a_delay_only(erin, redis, monkeypatch):
    def away(*_args, **_options):
        raise BrokerAway("away")

    monkeypatch.setattr(work, "gpu_send", away)
    item = _submit(erin)
    assert (item.state, item.attempts) == ("queued", 0)
    messages: list[str] = []
    monkeypatch.setattr(work, "gpu_send", lambda task, text, expires_s: messages.append(text))
    WorkItem.objects.update(created_at=now() - timedelta(seconds=3))
    assert work.work_sweep()["sent"] == 1
    assert len(messages) == 1


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_send_once(erin, redis, sent):
    item = _submit(erin)
    WorkItem.objects.update(leased_until=now() - timedelta(seconds=1))
    stale = WorkItem.objects.get()
    assert work.work_send(item.pk)
    assert not WorkItem.objects.filter(pk=stale.pk, attempts=stale.attempts).exists()
    assert len(sent) == 2


@pytest.mark.django_db(transaction=True)
def test_without_a_record_there_is_no_work_and_no_picture(erin, redis, sent, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    stored: list[str] = []
    put = uploads.object_put
    monkeypatch.setattr(uploads, "object_put", lambda key, data: (stored.append(key), put(key, data)))
    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        _submit(erin)
    assert (WorkItem.objects.count(), sent) == (0, [])
    assert [_exists(key) for key in stored] == [False]


@pytest.mark.django_db(transaction=True)
def test_old_work_leaves_with_its_picture(erin, redis, sent):
    item = _submit(erin)
    _apply(_reply(item))
    assert retention_sweep() is None
    WorkItem.objects.update(created_at=now() - timedelta(hours=74))
    assert retention_sweep().counts["work"] == 1
    assert not WorkItem.objects.exists()
    assert not _exists(item.output_key)


def test_charlie_analyses_nothing_and_sees_no_work(charlie, erin):
    with pytest.raises(Forbidden):
        _submit(charlie)
    item = WorkItem.objects.create(owner=charlie, request_sha256="x", input_key="x")
    with pytest.raises(NotFound):
        uploads.work_get(erin, item.pk)
