"""The screen of RTSP, sign-in answers, files, the media clock, messages."""

import struct
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_workers.contracts.codec import ContractError
from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.local import check_video_device, open_media_file
from inference_workers.engine.sources.messages import Placed, Tally, from_line, to_line
from inference_workers.engine.sources.placing import ring_size
from inference_workers.engine.sources.playing import MediaClock
from inference_workers.engine.sources.rtsp_screen import RtspScreen
from inference_workers.engine.sources.sign_in import Credentials, answer_challenge

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
ALICE = Credentials("Mufasa", "Circle of Life")


def packet(channel: int, body: bytes) -> bytes:
    return b"$" + bytes([channel]) + len(body).to_bytes(2, "big") + body


def screened(data: bytes, step: int = 1) -> bytes:
    screen = RtspScreen()
    return b"".join(screen.feed(data[i : i + step]) for i in range(0, len(data), step))


@given(st.integers(1, 50))
def test_the_screen_passes_good_streams_whole_however_they_are_cut(step: int) -> None:
    sdp = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 9\r\n\r\nv=0\r\n$\n\n\n"
    stream = OK + sdp + packet(0, b"\x80" * 70) + packet(1, b"RTSP/1.0 302 x\r\n\r\n") + OK
    assert screened(stream, step) == stream


@pytest.mark.parametrize(
    "answer",
    [
        b"RTSP/1.0 301 Moved\r\nLocation: rtsp://10.0.0.1/\r\n\r\n",
        b"RTSP/1.0 302 Found\n\n",
        OK + b"RTSP/1.0 303 See Other\r\n\r\n",
        b"R\rTSP/1.0 305 Use Proxy\r\n\r\n",
    ],
)
def test_the_screen_refuses_redirects(answer: bytes) -> None:
    with pytest.raises(EngineError) as caught:
        screened(answer)
    assert caught.value.code in ("redirect_refused", "bad_data")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n$\0\0\1x\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: " + b"a" * 70_000,
        b"REDIRECT rtsp://10.0.0.1/ RTSP/1.0\r\n\r\n",
        b"\xff\xfe\0\1",
    ],
)
def test_the_screen_refuses_what_is_no_rtsp(answer: bytes) -> None:
    with pytest.raises(EngineError) as caught:
        screened(answer, 1000)
    assert caught.value.code == "bad_data"


def test_the_screen_takes_other_hosts_out_of_the_transport() -> None:
    answer = b"RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;source=10.9.9.9;server_port=5-6\r\n\r\n"
    assert b"10.9.9.9" not in screened(answer)
    assert b"server_port=5-6" in screened(answer)


def test_the_clock_comes_from_sender_reports_before_dates() -> None:
    screen = RtspScreen(clock=lambda: 1_000_000.0)
    screen.feed(b"RTSP/1.0 200 OK\r\nDate: Mon, 12 Jan 1970 13:46:45 GMT\r\n\r\n")
    assert screen.clock_offset_s == 5.0
    report = struct.pack(">BBHIII", 0x80, 200, 6, 1, 2_208_988_800 + 1_000_002, 2**31) + bytes(12)
    screen.feed(packet(1, report) + OK)
    assert screen.clock_offset_s == 2.5


def test_digest_answers_as_in_rfc_7616() -> None:
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    md5 = answer_challenge([challenge.format("MD5")], "GET", "/dir/index.html", ALICE, nonce)
    sha = answer_challenge([challenge.format("SHA-256")], "GET", "/dir/index.html", ALICE, nonce)
    assert 'response="8ca523f5e9506fed4657c9700eebdbec"' in str(md5)
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in str(sha)


def test_digest_is_preferred_and_an_unknown_kind_is_not_answered() -> None:
    both = ['Basic realm="x"', 'Digest realm="x", nonce="n"']
    assert str(answer_challenge(both, "GET", "/", ALICE)).startswith("Digest ")
    assert answer_challenge(['Negotiate x="y"'], "GET", "/", ALICE) is None
    assert "Circle" not in repr(ALICE)


def test_a_file_is_opened_below_its_root_only(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.mp4"
    root.mkdir()
    outside.write_bytes(b"x")
    (root / "good.mp4").write_bytes(b"good")
    (root / "link.mp4").symlink_to(outside)
    (root / "folder").mkdir()
    with open_media_file("good.mp4", [root]) as file:
        assert file.read() == b"good"
    for name in (
        "link.mp4",
        "../outside.mp4",
        str(outside),
        "folder",
        "file:///etc/passwd",
        "a\0b",
        "no.mp4",
    ):
        with pytest.raises(EngineError) as caught:
            open_media_file(name, [root])
        assert caught.value.code in ("file_refused", "file_missing")


@pytest.mark.parametrize("name", ["/dev/video", "/dev/sda", "/dev/video0/../sda", "video0", "/dev/video0\n"])
def test_only_video_devices_are_devices(name: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_video_device(name)
    assert caught.value.code == "device_refused"


def test_a_fast_file_is_stamped_by_its_media_time_over_loops() -> None:
    clock = MediaClock(realtime=False, fallback_fps=10)
    stamps = [clock.stamp(media_s) for media_s in (0.0, 0.1, 0.2, 0.0, 0.1, None, 0.3)]
    steps = [round(b - a, 3) for a, b in pairwise(stamps)]
    assert steps == [0.1] * 6


def test_a_file_in_real_time_is_paced() -> None:
    clock = MediaClock(realtime=True, fallback_fps=10)
    start = time.time()
    stamps = [clock.stamp(number * 0.05) for number in range(5)]
    assert 0.19 < time.time() - start < 0.6
    assert abs(stamps[-1] - stamps[0] - 0.2) < 0.05


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(1920, 1080, (1280, 720)), (640, 480, (640, 480)), (1080, 1920, (830, 1478)), (3, 3, (2, 2))],
)
def test_the_live_path_is_small(width: int, height: int, expected: tuple[int, int]) -> None:
    assert ring_size(width, height) == expected


@given(st.binary(max_size=200))
def test_no_line_of_a_decoder_is_understood_by_accident(line: bytes) -> None:
    with pytest.raises(ContractError):
        from_line(line)


def test_messages_survive_the_pipe() -> None:
    message = Placed(1, 2, 3, 4.5, 6, 7, 8, Tally(1, 0, 0, 0))
    assert from_line(to_line(message).rstrip(b"\n")) == message
