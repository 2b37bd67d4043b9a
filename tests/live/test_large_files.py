"""The web process and files that do not fit into memory: taken in while they arrive, sent part by part."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings

from apps.core.objects import object_put, objects_list
from apps.redactions.models import Redaction
from apps.registry.models import ModelVersion
from inference_workers.contracts.redactions import input_key, result_key

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1024 * 1024
SIZE = 96 * MB
# Two parts of 8 MB on their way to the store, and what Python gives back late.
MORE_MEMORY_MB = 64
HEAD = (
    b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="long.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\n"
)
START = b"\x00\x00\x00\x18ftypisom"
TAIL = b"\r\n--frontier--\r\n"


@pytest.fixture
def cookie(bob, sign_in) -> str:
    ModelVersion.objects.create(
        name="centerface", family="centerface", task="face", sha256="ab" * 32, classes=["face"]
    )
    return sign_in(bob)


@pytest.fixture
def connection(web) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    yield opened
    opened.close()


def _begin(connection: http.client.HTTPConnection, cookie: str, length: int) -> None:
    """The headers of an upload; the token of the form against forgery is any pair of equal ones."""
    token = "a" * 32
    connection.putrequest("POST", "/api/v1/redactions")
    for name, value in {
        "Cookie": f"{cookie}; {settings.CSRF_COOKIE_NAME}={token}",
        "X-CSRFToken": token,
        "X-Vidette-Purpose": "test",
        "Content-Type": "multipart/form-data; boundary=frontier",
        "Content-Length": str(length),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()


def _on_disk(prefix: str) -> int:
    folder = Path(unquote(urlsplit(settings.OBJECT_STORE_URL).path)) / prefix
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_an_upload_lies_in_the_store_while_it_arrives_and_memory_stays(web, connection, cookie):
    before_mb, before_bytes = web.memory_mb(), _on_disk("redactions")
    _begin(connection, cookie, len(HEAD) + SIZE + len(TAIL))
    connection.send(HEAD + START)
    sent, half_way = len(START), 0
    while sent < SIZE:
        part = min(MB, SIZE - sent)
        connection.send(bytes(part))
        sent += part
        half_way = half_way or (sent >= SIZE // 2 and _on_disk("redactions") - before_bytes)
    connection.send(TAIL)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 202, told
    assert half_way > SIZE // 4
    assert web.memory_mb() - before_mb < MORE_MEMORY_MB
    (stored,) = [row for portion in objects_list(f"redactions/{told['id']}") for row in portion]
    assert (stored.key, stored.bytes) == (input_key(told["id"]), SIZE)


def test_what_may_not_come_is_refused_before_it_was_sent(connection, cookie):
    _begin(connection, cookie, 4_000_000 * MB)
    connection.send(HEAD + START)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "file_too_large")


def test_a_stranger_is_refused_before_it_was_sent(connection, charlie, sign_in):
    _begin(connection, sign_in(charlie), SIZE)
    assert connection.getresponse().status == 403


def test_an_upload_that_breaks_off_leaves_nothing(web, connection, cookie):
    before_bytes = _on_disk("redactions")
    _begin(connection, cookie, SIZE)
    connection.send(HEAD + START + bytes(20 * MB))
    connection.close()
    for _time in range(100):
        if _on_disk("redactions") == before_bytes and web.memory_mb():
            break

        time.sleep(0.1)
    assert _on_disk("redactions") == before_bytes
    assert not Redaction.objects.exists()


def test_a_result_is_sent_part_by_part(web, connection, cookie, bob):
    redaction = Redaction.objects.create(
        owner=bob, filename="long.mp4", purpose="test", input_sha256="ab" * 32, input_bytes=9, options={},
        state="done", film={"result_suffix": ".mp4"}, ready_revision=0, result={"summary": {}},
    )  # fmt: skip
    object_put(result_key(str(redaction.pk), 0, ".mp4"), bytes(SIZE))
    before_mb = web.memory_mb()
    headers = {"Cookie": cookie, "X-Vidette-Purpose": "test", "Range": f"bytes={MB}-"}
    connection.request("GET", f"/api/v1/redactions/{redaction.pk}/result", headers=headers)
    answer = connection.getresponse()
    received = 0
    while part := answer.read(MB):
        received += len(part)
    assert (answer.status, received) == (206, SIZE - MB)
    assert web.memory_mb() - before_mb < MORE_MEMORY_MB
