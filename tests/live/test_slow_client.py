"""A client that does not read costs no memory and disturbs nobody (PITFALLS 7)."""

import json
import socket
import time
from itertools import pairwise

import pytest
from django.contrib.sessions.models import Session
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from inference_workers.contracts.live import unpack
from tests.live.pictures import Publisher

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database_neutral]
SECONDS = 15.0
PICTURE_BYTES = 100_000
GROWTH_MB = 30.0


class DeafClient:
    """Opens a websocket, subscribes, and never reads again."""

    def __init__(self, web, cookie):
        self.socket = socket.create_connection(("127.0.0.1", web.port), timeout=10)
        self.protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{web.port}/ws/v1/"), origin=web.origin)
        request = self.protocol.connect()
        request.headers["Cookie"] = cookie
        self.protocol.send_request(request)
        self._flush()
        self.protocol.receive_data(self.socket.recv(65536))
        self.protocol.events_received()
        assert self.protocol.state.name == "OPEN"

    def watch(self, camera_id):
        self.say("subscribe", camera_id=str(camera_id))

    def say(self, kind, **fields):
        self.protocol.send_text(json.dumps({"type": kind, **fields}).encode())
        self._flush()

    def _flush(self):
        for data in self.protocol.data_to_send():
            self.socket.sendall(data)

    def unread_until_the_end(self):
        """What was underway, read at last, for three seconds or until the server ends the connection: the
        headers of the pictures in it."""
        self.socket.settimeout(2)
        deadline, headers = time.monotonic() + 3, []
        while time.monotonic() < deadline and (data := self.socket.recv(2**20)):
            self.protocol.receive_data(data)
            headers += [
                unpack(frame.data)[0]
                for frame in self.protocol.events_received()
                if frame.opcode.name == "BINARY"
            ]
        self.ended = not data
        return headers

    def close(self):
        self.socket.close()


@pytest.mark.timeout(120)
def test_memory_stays_flat_and_the_newest_picture_wins(alice, camera, web, sign_in, browser, redis, request):
    deaf = DeafClient(web, sign_in(alice))
    request.addfinalizer(deaf.close)
    deaf.watch(camera.pk)
    beside = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk, fps=30, least_bytes=PICTURE_BYTES) as publisher:
        beside.listen(1)
        before = web.memory_mb()
        most = before
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            beside.listen(0.5)
            most = max(most, web.memory_mb())
        published = publisher.seq
        behind_s = time.time() - beside.next_picture().published_at
        late = deaf.unread_until_the_end()
        newest = publisher.seq
    assert most - before < GROWTH_MB
    assert len(beside.pictures) > published * 0.5, "the viewer beside it lost most pictures"
    assert behind_s < 1.0
    assert late[-1].seq > newest - 30, "after its pause the client was not brought up to date"
    skipped = max(later.seq - earlier.seq for earlier, later in pairwise(late))
    assert skipped > SECONDS * 30 * 0.5, "the pictures of the pause were kept for it"


def test_signing_out_ends_it_for_one_who_does_not_read(alice, camera, web, sign_in, redis, request):
    """It gets what was underway, and nothing that comes later: no picture, no news, no connection."""
    deaf = DeafClient(web, sign_in(alice))
    request.addfinalizer(deaf.close)
    deaf.say("events")
    deaf.watch(camera.pk)
    with Publisher(redis, camera.pk, fps=30, least_bytes=PICTURE_BYTES):
        time.sleep(1.5)
        Session.objects.all().delete()
        signed_out_at = time.time()
        time.sleep(3)
        late = deaf.unread_until_the_end()
    assert deaf.ended
    assert late
    assert max(header.published_at for header in late) < signed_out_at + 2
