"""The scrubber hides what looks like a secret, keeps the rest readable, and never raises."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_workers.contracts.scrub import HIDDEN, MAX_TEXT_CHARACTERS, scrub, scrub_text

CANARY = "CANARY-3f9a"


@pytest.mark.parametrize(
    "text",
    [
        f"cannot open rtsp://user:{CANARY}@10.0.0.5:554/live",
        f"rtsp://{CANARY}@10.0.0.5/live",
        f"http://user:pa/ss@{CANARY}@host/x",
        f"url=rtsp%3A%2F%2Fuser%3A{CANARY}%40host%2Flive",
        f"Authorization: Basic {CANARY}",
        f"Cookie: vidette_session={CANARY}; other={CANARY}",
        f"'Authorization': 'Digest username=\"x\", response=\"{CANARY}\"'",
        f"sent Bearer {CANARY}{CANARY}",
        f"connect(password={CANARY}, host=x)",
        f'connect(password="{CANARY} with blanks")',
        f"{{'username': 'x', 'password': '{CANARY} two words'}}",
        json.dumps({"password": CANARY}),
        json.dumps(json.dumps({"password": f"{CANARY}"})),
        f"GET /video?user=x&pwd={CANARY}&channel=1",
        f"GET /video?access_token={CANARY}",
        f"VIDETTE_FIELD_KEY={CANARY}",
        f"redis://:{CANARY}@localhost:6379/0",
        f"gAAAA{'x' * 40}{CANARY.replace('-', '_')}",
    ],
)
def test_it_hides(text: str) -> None:
    assert CANARY not in scrub_text(text)
    assert HIDDEN in scrub_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://camera.example/live?channel=1 did not answer within 5 s",
        "mail to somebody@example.org",
        "camera 12: expected 25 frames, got 3",
        "model centerface sha256 09189deaaf86",
        "the secret of a good picture is light",
    ],
)
def test_it_leaves_the_rest(text: str) -> None:
    assert scrub_text(text) == text


def test_it_keeps_the_host_of_an_address() -> None:
    assert scrub_text("rtsp://u:p@10.0.0.5/live") == f"rtsp://{HIDDEN}@10.0.0.5/live"


def test_it_walks_nested_values_and_hides_by_name() -> None:
    value = {
        "camera": {"url": f"rtsp://u:{CANARY}@h/", "Password": CANARY, "fps": 5.0},
        "list": [(f"token={CANARY}",), {"api_key": [CANARY]}],
        "set": {f"rtsp://u:{CANARY}@h"},
        f"rtsp://u:{CANARY}@h": 1,
        "raw": f"password={CANARY}".encode(),
        "error": ValueError(f"rtsp://u:{CANARY}@h"),
        "token_present": True,
    }
    scrubbed = scrub(value)
    assert CANARY not in repr(scrubbed)
    assert scrubbed["camera"]["fps"] == 5.0
    assert scrubbed["token_present"] is True


def test_it_survives_what_cannot_be_printed_and_what_is_endless() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    endless: list[object] = []
    endless.append(endless)
    assert scrub(Broken()) == "[unprintable Broken]"
    assert "[too deep]" in repr(scrub(endless))


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=200))
def test_it_never_raises_and_is_stable(text: str) -> None:
    once = scrub_text(text)
    assert scrub_text(once) == once or HIDDEN in once


@pytest.mark.parametrize(
    "piece", ["://", "password=", "'password': '", "token ", "a@", "%3A%2F%2F", "\\", "x", "a-", "token"]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    text = piece * (MAX_TEXT_CHARACTERS // len(piece))
    started = time.process_time()
    scrub_text(text)
    assert time.process_time() - started < 2
