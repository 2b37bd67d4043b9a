"""Every kind of camera against a real server, and cameras that stop, hang, freeze or lie."""

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from inference_workers.contracts.lease import Source, SourceKind
from inference_workers.contracts.results import CameraState
from tests.workers.camera_servers import (
    MjpegCamera,
    RtspCamera,
    Wire,
    answering,
    dripping,
    folder_server,
    half_open,
    http_server,
)
from tests.workers.stream_parts import LOOPBACK, make_lease, running_streams, seal, wait_for
from tests.workers.videos import write_video

NOTICED_S = 10.0
BACK_S = 15.0
CANARY = "s3cret-canary"


def rtsp(url: str, **changes: object) -> Source:
    return Source(SourceKind.RTSP, url, allowed_networks=LOOPBACK, **changes)


def http_source(kind: SourceKind, url: str, **changes: object) -> Source:
    return Source(kind, url, allowed_networks=LOOPBACK, **changes)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_rtsp_with_a_sign_in(redis_url: str, tmp_path: Path, transport: str) -> None:
    with RtspCamera("alice", CANARY) as camera, running_streams(redis_url, tmp_path) as plane:
        source = rtsp(camera.url(), sealed_credentials=seal("alice", CANARY), transport=transport)
        plane.issue(make_lease(source=source))
        status = plane.wait_state(CameraState.STREAMING, 10)
        assert (status.codec, status.width, status.height) == ("h264", 320, 240)

        def knows_the_clock() -> bool:
            offset_s = plane.status().clock_offset_s
            return offset_s is not None and abs(offset_s) < 0.5

        if transport == "tcp":
            wait_for(knows_the_clock, 8, lambda: str(plane.status()))


def test_a_wrong_password_is_refused_and_nowhere_to_be_read(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RtspCamera("alice", "right") as camera, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=rtsp(camera.url(), sealed_credentials=seal("alice", CANARY))))
        status = plane.wait_state(CameraState.REFUSED, NOTICED_S)
        assert status.code == "sign_in_refused"
        everything = caplog.text + str(plane.client.xrange("vidette:results"))
        assert CANARY not in everything
        assert CANARY.encode() not in _arguments_and_environments()


def _arguments_and_environments() -> bytes:
    """Of this test and all that it started; other tests run beside it, with passwords of their own."""
    found = b""
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        path = Path("/proc") / str(process.pid)
        for name in ("cmdline", "environ"):
            try:
                found += (path / name).read_bytes()
            except OSError:
                continue
    return found


def test_a_stopped_rtsp_server_is_noticed_and_back_after_its_return(redis_url: str, tmp_path: Path) -> None:
    with RtspCamera() as camera, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=rtsp(camera.url())))
        plane.wait_state(CameraState.STREAMING, 10)
        camera.send(signal.SIGSTOP)
        plane.wait_state((CameraState.STALLED, CameraState.UNREACHABLE), NOTICED_S)
        plane.wait_state(CameraState.UNREACHABLE, NOTICED_S)
        camera.send(signal.SIGCONT)
        plane.wait_state(CameraState.STREAMING, BACK_S)
        assert plane.account().balances()


def test_a_killed_rtsp_server_is_noticed_and_back_after_its_return(redis_url: str, tmp_path: Path) -> None:
    with RtspCamera() as camera, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=rtsp(camera.url())))
        plane.wait_state(CameraState.STREAMING, 10)
        camera.stop()
        status = plane.wait_state(CameraState.UNREACHABLE, NOTICED_S)
        assert status.retry_in_s is not None
        time.sleep(2)
        camera.start()
        plane.wait_state(CameraState.STREAMING, BACK_S)


def test_mjpeg_with_a_sign_in(redis_url: str, tmp_path: Path) -> None:
    with http_server(MjpegCamera) as url, running_streams(redis_url, tmp_path) as plane:
        source = http_source(SourceKind.MJPEG, f"{url}/private", sealed_credentials=seal("alice", "s3cret"))
        plane.issue(make_lease(source=source))
        status = plane.wait_state(CameraState.STREAMING, 10)
        assert (status.codec, status.width) == ("mjpeg", 320)
        assert status.clock_offset_s is not None


def test_mjpeg_with_a_wrong_password_is_refused(redis_url: str, tmp_path: Path) -> None:
    with http_server(MjpegCamera) as url, running_streams(redis_url, tmp_path) as plane:
        source = http_source(SourceKind.MJPEG, f"{url}/private", sealed_credentials=seal("alice", "wrong"))
        plane.issue(make_lease(source=source))
        assert plane.wait_state(CameraState.REFUSED, NOTICED_S).code == "sign_in_refused"


def test_frozen_pictures_are_noticed(redis_url: str, tmp_path: Path) -> None:
    with http_server(MjpegCamera) as url, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(SourceKind.MJPEG, f"{url}/frozen")))
        plane.wait_state(CameraState.STREAMING, 10)
        plane.wait_state(CameraState.FROZEN, NOTICED_S)


def test_a_still_scene_with_sensor_noise_is_not_frozen(redis_url: str, tmp_path: Path) -> None:
    with RtspCamera() as camera, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=rtsp(camera.url("noise"))))
        plane.wait_state(CameraState.STREAMING, 10)
        time.sleep(9.5)
        assert plane.status().state is CameraState.STREAMING
        assert CameraState.FROZEN not in plane.states()


def test_hls_plays_at_the_pace_of_its_stamps(redis_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "hls"
    folder.mkdir()
    options = {"hls_time": "2", "hls_list_size": "0"}
    write_video(folder / "index.m3u8", 12, format="hls", options=options)
    with folder_server(folder) as url, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(SourceKind.HLS, f"{url}/index.m3u8")))
        plane.wait_state(CameraState.STREAMING, 10)
        time.sleep(6)
        status = plane.status()
        assert status.state is CameraState.STREAMING
        assert 8 < status.fps < 12


@pytest.mark.parametrize(
    "segment", ["http://169.254.169.254/latest/", "file:///etc/passwd", "concat:/etc/passwd", "data:,x"]
)
def test_a_playlist_that_leads_elsewhere_shows_nothing(redis_url: str, tmp_path: Path, segment: str) -> None:
    folder = tmp_path / "hls"
    folder.mkdir()
    (folder / "index.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n"
    )
    with folder_server(folder) as url, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(SourceKind.HLS, f"{url}/index.m3u8")))
        states = (CameraState.BAD_DATA, CameraState.REFUSED, CameraState.UNREACHABLE)
        plane.wait_state(states, NOTICED_S)
        assert plane.account().captured == 0


@pytest.mark.parametrize("target", ["http://169.254.169.254/x", "http://[::1]:9/x", "file:///etc/passwd"])
def test_a_redirect_elsewhere_is_refused(redis_url: str, tmp_path: Path, target: str) -> None:
    with http_server(MjpegCamera) as url, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(SourceKind.MJPEG, f"{url}/to?{target}")))
        status = plane.wait_state(CameraState.REFUSED, NOTICED_S)
        assert status.code in ("network_refused", "redirect_refused")


def test_an_rtsp_redirect_is_refused(redis_url: str, tmp_path: Path) -> None:
    answer = b"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:9/x\r\n\r\n"
    with answering(answer) as port, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=rtsp(f"rtsp://127.0.0.1:{port}/x")))
        assert plane.wait_state(CameraState.REFUSED, NOTICED_S).code == "redirect_refused"


@pytest.mark.parametrize("kind", [SourceKind.RTSP, SourceKind.MJPEG])
def test_a_half_open_connection_is_noticed(redis_url: str, tmp_path: Path, kind: SourceKind) -> None:
    scheme = "rtsp" if kind is SourceKind.RTSP else "http"
    with half_open() as port, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(kind, f"{scheme}://127.0.0.1:{port}/x")))
        assert plane.wait_state(CameraState.UNREACHABLE, NOTICED_S).code == "no_answer"


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (SourceKind.RTSP, os.urandom(4096)),
        (SourceKind.RTSP, b"HTTP/1.1 200 OK\r\n\r\n"),
        (SourceKind.MJPEG, os.urandom(4096)),
        (SourceKind.MJPEG, b"HTTP/1.1 200 OK\r\n\r\n--frame\r\n" + b"x" * 4096),
    ],
)
def test_garbage_is_called_garbage(redis_url: str, tmp_path: Path, kind: SourceKind, answer: bytes) -> None:
    scheme = "rtsp" if kind is SourceKind.RTSP else "http"
    with answering(answer) as port, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(kind, f"{scheme}://127.0.0.1:{port}/x")))
        plane.wait_state((CameraState.BAD_DATA, CameraState.UNREACHABLE), NOTICED_S)


def test_a_file_of_garbage_is_called_garbage(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(os.urandom(20_000))
    with running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=Source(SourceKind.FILE, "x.mp4")))
        assert plane.wait_state(CameraState.BAD_DATA, NOTICED_S).code == "bad_data"


def test_a_file_that_is_a_playlist_opens_nothing(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n")
    (tmp_path / "y.mp4").write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    (tmp_path / "z.mp4").symlink_to("/etc/passwd")
    with running_streams(redis_url, tmp_path) as plane:
        for name, state in (("x", "bad_data"), ("y", "bad_data"), ("z", "refused")):
            lease = make_lease(f"cam-{name}", Source(SourceKind.FILE, f"{name}.mp4"))
            plane.issue(lease)
            plane.wait_state(CameraState(state), NOTICED_S, f"cam-{name}")


@pytest.mark.parametrize(("kind", "fault"), [(SourceKind.RTSP, "hold"), (SourceKind.MJPEG, "spoil")])
def test_a_fault_on_a_running_connection_is_noticed_and_over_when_it_is_mended(
    redis_url: str, tmp_path: Path, kind: SourceKind, fault: str
) -> None:
    with ExitStack() as parts:
        if kind is SourceKind.RTSP:
            port, path = parts.enter_context(RtspCamera()).port, "moving"
        else:
            port, path = int(parts.enter_context(http_server(MjpegCamera)).rsplit(":", 1)[1]), "stream"
        wire = parts.enter_context(Wire(port))
        plane = parts.enter_context(running_streams(redis_url, tmp_path))
        scheme = "rtsp" if kind is SourceKind.RTSP else "http"
        plane.issue(make_lease(source=http_source(kind, f"{scheme}://127.0.0.1:{wire.port}/{path}")))
        plane.wait_state(CameraState.STREAMING, 10)
        getattr(wire, fault)()
        states = (CameraState.STALLED, CameraState.UNREACHABLE, CameraState.BAD_DATA)
        plane.wait_state(states, NOTICED_S)
        time.sleep(1)
        wire.mend()
        plane.wait_state(CameraState.STREAMING, BACK_S)
        assert plane.account().balances()


def test_an_answer_that_drips_is_no_answer(redis_url: str, tmp_path: Path) -> None:
    with dripping() as port, running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=http_source(SourceKind.MJPEG, f"http://127.0.0.1:{port}/x")))
        states = (CameraState.STALLED, CameraState.UNREACHABLE, CameraState.BAD_DATA)
        plane.wait_state(states, NOTICED_S)
