"""Who watched is on record: before the first picture, in blocks, and also when the connection dies."""

import asyncio
import threading
from contextlib import nullcontext
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from apps.audit.models import AuditHead, AuditRecord
from apps.audit.triggers import triggers_install, triggers_remove
from apps.live import consumer, viewing
from inference_workers.contracts.live import unpack
from tests.live.pictures import MODELS, Publisher, live_message
from tests.services import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def _blocks(camera):
    return list(AuditRecord.objects.filter(kind="viewing", camera_id=camera.pk).order_by("seq"))


def _wait_for_blocks(camera, number):
    wait_until(lambda: len(_blocks(camera)) >= number, timeout_s=5, what=f"{number} blocks in the record")
    return _blocks(camera)


def test_the_access_is_on_record_before_the_first_picture(alice, camera, browser):
    browser(alice).watch(camera.pk)
    record = AuditRecord.objects.get(kind="access", camera_id=camera.pk)
    assert (record.action, record.actor_name, record.actor_role) == ("live.view", "alice", "operator")
    assert (record.purpose, record.address, record.redacted) == ("live monitoring", "127.0.0.1", True)


def test_a_block_says_who_saw_what_how_long_and_by_which_models(alice, camera, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        viewer.listen(1.5)
        viewer.say("unsubscribe", camera_id=str(camera.pk))
        viewer.expect("unsubscribed")
    (block,) = _wait_for_blocks(camera, 1)
    assert block.details["pictures"] == len(viewer.pictures) > 5
    assert block.details["models"] == MODELS
    started, ended = (datetime.fromisoformat(block.details[name]) for name in ("started_at", "ended_at"))
    assert timedelta(seconds=1) < ended - started < timedelta(seconds=10)
    assert (block.actor_name, block.redacted) == ("alice", True)


def test_each_viewer_and_each_camera_has_a_block(adam, alice, dana, camera, camera_b, browser, redis):
    first, second = browser(alice).watch(camera.pk), browser(dana).watch(camera_b.pk)
    with Publisher(redis, camera.pk), Publisher(redis, camera_b.pk):
        first.next_picture()
        second.next_picture()
    first.close()
    second.close()
    assert [block.actor_name for block in _wait_for_blocks(camera, 1)] == ["alice"]
    assert [block.actor_name for block in _wait_for_blocks(camera_b, 1)] == ["dana"]


def test_a_connection_that_dies_is_recorded(alice, camera, sign_in, web, redis):
    """No closing handshake: the client's machine is gone."""
    from tests.live.test_slow_client import DeafClient

    client = DeafClient(web, sign_in(alice))
    client.watch(camera.pk)
    with Publisher(redis, camera.pk):
        while b"JFIF" not in client.socket.recv(65536):
            continue
        client.close()
        (block,) = _wait_for_blocks(camera, 1)
    assert block.details["pictures"] >= 1


def test_a_withdrawn_grant_seals_the_block(adam, alice, camera, browser, redis):
    from apps.cameras.services import grant_revoke

    viewer = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        grant_revoke(acting_user=adam, user=alice, site=camera.site, permission="watch")
        assert viewer.closing(within_s=4)[0] == 4403
    (block,) = _wait_for_blocks(camera, 1)
    assert block.details["pictures"] >= len(viewer.pictures)


@pytest.fixture
def record_closed():
    """The record without its head, as after a damaged database; the triggers refuse this otherwise."""
    head = AuditHead.objects.get(pk=1)

    def _close():
        triggers_remove(connection)
        AuditHead.objects.all().delete()
        triggers_install(connection)

    yield _close
    triggers_remove(connection)
    head.refresh_from_db() if AuditHead.objects.exists() else head.save(force_insert=True)
    triggers_install(connection)


def test_no_record_no_picture(alice, camera, browser, record_closed, redis):
    viewer = browser(alice)
    record_closed()
    with Publisher(redis, camera.pk):
        viewer.say("subscribe", camera_id=str(camera.pk))
        assert viewer.expect("error", camera_id=str(camera.pk))["code"] == "audit_unavailable"
        viewer.listen(1)
    assert viewer.pictures == []


def test_a_block_that_cannot_be_written_ends_the_watching(alice, camera, browser, record_closed, redis):
    viewer = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        record_closed()
        viewer.say("unsubscribe", camera_id=str(camera.pk))
        code, reason, _seconds = viewer.closing(within_s=4)
    assert (code, reason) == (4503, "the record cannot be written")


CAMERA = uuid4()


@pytest.fixture
def connection_of(monkeypatch):
    """A connection without a socket, which notes how it was ended."""
    ends = []

    async def end(code, reason):
        ends.append((int(code), reason))

    found = consumer.LiveConsumer()
    found.identity, found.viewing, found.ends = object(), viewing.ViewingLog(), ends
    monkeypatch.setattr(found, "_end", end)
    monkeypatch.setattr(found, "_context", lambda: None)
    return found


def test_a_block_that_could_not_be_written_is_tried_again_at_the_end(connection_of, monkeypatch):
    away, written = [DatabaseError("away")], []

    def record(**fields):
        if fields["pictures"] == 2 and away:
            raise away.pop()
        written.append(fields["pictures"])

    monkeypatch.setattr(viewing.audit, "record_viewing", record)
    monkeypatch.setattr(viewing, "audit_context", lambda _context: nullcontext())
    blocks = [viewing.Block(CAMERA, datetime.min, datetime.min, pictures) for pictures in (1, 2, 3)]

    async def lose_and_end():
        await connection_of._seal(blocks)
        await connection_of._seal_rest()

    asyncio.run(lose_and_end())
    assert connection_of.ends == [(4503, "the record cannot be written")]
    assert written == [1, 2, 3]


def test_a_block_that_waits_for_its_turn_outlives_its_connection(connection_of, monkeypatch):
    """All database work of a process has one thread; the end of a connection cancels its tasks."""
    written = []
    monkeypatch.setattr(consumer, "blocks_seal", lambda _context, blocks: written.extend(blocks))
    block = viewing.Block(CAMERA, datetime.min, datetime.min, 1)

    async def end_while_it_waits():
        busy = threading.Event()
        before = asyncio.create_task(consumer.database_sync_to_async(busy.wait)(5))
        await asyncio.sleep(0)
        sealing = asyncio.create_task(connection_of._seal([block]))
        await asyncio.sleep(0.05)
        sealing.cancel()
        await asyncio.sleep(0)
        busy.set()
        await asyncio.gather(before, sealing, return_exceptions=True)
        await consumer.database_sync_to_async(len)(written)  # the next in the queue

    asyncio.run(end_while_it_waits())
    assert written == [block]


def test_a_viewer_who_cannot_be_checked_sees_nothing_more(connection_of):
    async def broken():
        raise RuntimeError("nobody foresaw this")

    asyncio.run(asyncio.wait_for(connection_of._regularly(0, broken), 5))
    assert connection_of.ends == [(4503, "the viewer cannot be checked")]


def _header(redaction="tracks"):
    return unpack(live_message(CAMERA, 1, redaction=redaction))[0]


def test_a_block_grows_to_thirty_seconds_at_most(monkeypatch):
    clock = [datetime.fromisoformat("2026-01-01T12:00:00+00:00")]
    monkeypatch.setattr(viewing, "now", lambda: clock[0])
    log, blocks = viewing.ViewingLog(), []
    for _second in range(65):
        log.count(_header())
        clock[0] += timedelta(seconds=1)
        blocks += log.take_due()
    blocks += log.take_all()
    assert [block.pictures for block in blocks] == [28, 28, 9]
    assert all(block.ended_at - block.started_at <= timedelta(seconds=30) for block in blocks)


@pytest.mark.parametrize(("redaction", "covered"), [("tracks", True), ("mosaic", True), ("none", False)])
def test_a_block_is_called_covered_only_when_every_picture_was(redaction, covered):
    log = viewing.ViewingLog()
    for one in ("tracks", redaction, "tracks"):
        log.count(_header(one))
    (block,) = log.take_all()
    assert block.redacted is covered
