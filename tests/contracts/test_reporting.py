"""A real Sentry client with our options: a planted password is in nothing that it would send."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from inference_workers.contracts.reporting import sentry_options

CANARY = "CANARY-71c2"
URL = f"rtsp://user:{CANARY}@10.0.0.5/live"


class KeepingTransport(Transport):
    """Keeps what the client would have sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize())

    @property
    def text(self) -> str:
        return b"\n".join(self.sent).decode()


@pytest.fixture
def sentry() -> Iterator[KeepingTransport]:
    transport = KeepingTransport()
    options: dict[str, Any] = sentry_options("http://key@localhost/1", process="streams")
    sentry_sdk.init(**options, transport=transport, traces_sample_rate=1.0)
    with sentry_sdk.isolation_scope():
        yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.init()


def fail(url: str) -> None:
    password = CANARY  # noqa: F841 - a local variable that must not travel
    headers = {"Authorization": f"Basic {CANARY}"}
    raise RuntimeError(f"cannot open {url} with {headers}")


def test_an_exception_travels_without_the_password(sentry: KeepingTransport) -> None:
    sentry_sdk.add_breadcrumb(message=f"opening {URL}", data={"url": URL, "password": CANARY})
    sentry_sdk.set_extra("lease", {"source": {"url": URL, "sealed_credentials": CANARY}})
    sentry_sdk.set_tag("source", URL)
    sentry_sdk.set_context("camera", {"url": URL, "cookie": CANARY})
    sentry_sdk.set_user({"username": CANARY})
    logging.getLogger("vidette.test").warning("retrying %s", URL)
    try:
        try:
            fail(URL)
        except RuntimeError as error:
            raise ValueError(f"decoder of {URL} ended") from error
    except ValueError:
        sentry_sdk.capture_exception()
    assert len(sentry.sent) == 1
    assert "decoder of" in sentry.text
    assert "10.0.0.5" in sentry.text, "the host helps to find the camera"
    assert CANARY not in sentry.text


def test_a_log_with_an_exception_travels_without_the_password(sentry: KeepingTransport) -> None:
    try:
        fail(URL)
    except RuntimeError:
        logging.getLogger("vidette.test").exception("camera %s failed: %s", "gate", URL)
    assert len(sentry.sent) == 1
    assert CANARY not in sentry.text


def test_spans_travel_without_the_password(sentry: KeepingTransport) -> None:
    with (
        sentry_sdk.start_transaction(op="camera", name=f"open {URL}") as transaction,
        transaction.start_child(op="connect", name=URL) as span,
    ):
        span.set_data("url", URL)
        span.set_data("password", CANARY)
        span.set_tag("address", URL)
    assert len(sentry.sent) == 1
    assert '"spans"' in sentry.text
    assert CANARY not in sentry.text


def test_requests_travel_without_body_cookies_and_query(sentry: KeepingTransport) -> None:
    sentry_sdk.capture_event(
        {
            "message": "refused",
            "request": {
                "url": "https://vidette.example/cameras/new",
                "method": "POST",
                "data": {"address": URL, "note": CANARY},
                "cookies": {"vidette_session": CANARY},
                "query_string": f"next={CANARY}",
                "env": {"REMOTE_ADDR": CANARY},
                "headers": {"Cookie": CANARY, "X-Forwarded-For": CANARY, "Host": "vidette.example"},
            },
            "extra": {"celery-job": {"args": [CANARY], "kwargs": {"message": CANARY}}},
        }
    )
    assert len(sentry.sent) == 1
    assert "vidette.example" in sentry.text
    assert CANARY not in sentry.text


def test_a_hook_that_fails_sends_nothing(sentry: KeepingTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_value: object, _depth: int = 0) -> object:
        raise RuntimeError("scrubber is broken")

    monkeypatch.setattr("inference_workers.contracts.reporting.scrub", broken)
    sentry_sdk.capture_message(f"opened {URL}")
    assert sentry.sent == []


def test_without_an_address_there_is_nothing_that_could_send() -> None:
    sentry_sdk.init(**sentry_options("", process="web"))
    assert sentry_sdk.get_client().transport is None
    sentry_sdk.init()
