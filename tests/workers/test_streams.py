"""The streams process as a whole: real Redis, real decoder children, a GPU worker of the test."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from inference_workers.contracts.lease import RedactionPolicy, Source, SourceKind, Stage
from inference_workers.contracts.live import unpack
from inference_workers.contracts.names import HEARTBEATS, LEASES, live_latest, watch_key
from inference_workers.contracts.results import CameraState, TrackResult
from tests.workers.stream_parts import (
    LOOPBACK,
    OBJECT_MODEL,
    make_lease,
    own_worker,
    running_streams,
    wait_for,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_leased_camera_streams_and_its_account_balances(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane, own_worker(plane, redis_url) as worker:
        plane.issue(make_lease())
        status = plane.wait_state(CameraState.STREAMING, 10)
        assert (status.width, status.height, status.codec) == (1280, 720, "synthetic")
        wait_for(lambda: plane.account().analysed > 5, 10, lambda: str(plane.account()))
        account = plane.account()
        assert account.balances()
        assert account.captured > 10
        assert worker.read_errors == 0
        assert worker.shapes == {(720, 1280, 3)}
        wait_for(lambda: bool(plane.messages(TrackResult)), 10, lambda: "no track")
        assert {item.model for item in plane.messages(TrackResult)} >= {OBJECT_MODEL}
        assert plane.client.hexists(HEARTBEATS, "streams")
    assert plane.rings() == []


def test_a_watched_camera_is_published_redacted_and_an_unwatched_one_not(
    redis_url: str, tmp_path: Path
) -> None:
    with running_streams(redis_url, tmp_path) as plane, own_worker(plane, redis_url):
        plane.issue(make_lease())
        plane.wait_state(CameraState.STREAMING, 10)
        time.sleep(1.0)
        assert plane.client.get(live_latest("cam-a")) is None
        plane.client.set(watch_key("cam-a"), 1, ex=60)

        def faces_were_covered() -> bool:
            message = plane.client.get(live_latest("cam-a"))
            return message is not None and unpack(message)[0].redaction == "tracks"

        wait_for(faces_were_covered, 8, lambda: "no redacted picture")
        header, jpeg = unpack(plane.client.get(live_latest("cam-a")))
        assert jpeg[:2] == b"\xff\xd8"
        assert header.camera_id == "cam-a"
        assert time.time() - header.grabbed_at < 3


def test_without_an_answer_of_the_worker_every_picture_is_a_mosaic(redis_url: str, tmp_path: Path) -> None:
    with (
        running_streams(redis_url, tmp_path, VIDETTE_ANALYSE_DEADLINE_S="0.5") as plane,
        own_worker(plane, redis_url, answers=False),
    ):
        plane.client.set(watch_key("cam-a"), 1, ex=60)
        plane.issue(make_lease())
        wait_for(lambda: plane.client.get(live_latest("cam-a")) is not None, 10, lambda: "no picture")
        kinds = set()
        for _ in range(20):
            kinds.add(unpack(plane.client.get(live_latest("cam-a")))[0].redaction)
            time.sleep(0.1)
        assert kinds == {"mosaic"}
        wait_for(lambda: plane.account().lost.get("worker_timeout", 0) > 2, 8, lambda: str(plane.account()))
        assert plane.account().balances()


def test_it_stops_looking_when_nobody_renews_the_lease(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        ends_at = time.time() + 3
        plane.issue(make_lease(valid_until=ends_at))
        plane.wait_state(CameraState.STREAMING, 3)
        assert len(plane.rings()) == 1
        wait_for(lambda: plane.rings() == [], 6, lambda: "the ring is still there")
        assert time.time() - ends_at < 1.0
        status = plane.wait_state(CameraState.STOPPED, 1)
        assert status.code == "lease_expired"


def test_a_renewed_lease_keeps_the_decoder_and_a_new_source_does_not(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        lease = make_lease()
        plane.issue(lease)
        plane.wait_state(CameraState.STREAMING, 10)
        ring = plane.rings()
        changed = replace(lease, revision=2, redaction=RedactionPolicy(min_blocks=4), stages=(Stage.VIEW,))
        plane.issue(changed)
        wait_for(
            lambda: plane.account().skipped.get("stage_not_allowed", 0) > 2, 3, lambda: str(plane.account())
        )
        assert plane.rings() == ring
        plane.issue(replace(changed, source=Source(SourceKind.SYNTHETIC, "still")))
        wait_for(lambda: len(plane.rings()) == 1 and plane.rings() != ring, 5, lambda: str(plane.rings()))
        assert plane.account().balances()


def test_a_broken_lease_is_refused_and_the_others_live_on(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        plane.client.hset(LEASES, "cam-mallory", '{"lease_id": "x", "surprise": 1}')
        plane.issue(make_lease())
        plane.wait_state(CameraState.STREAMING, 10)
        status = plane.wait_state(CameraState.REFUSED, 3, "cam-mallory")
        assert status.code == "lease_invalid"


def test_a_withdrawn_lease_ends_the_camera_within_two_seconds(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease())
        plane.wait_state(CameraState.STREAMING, 10)
        plane.withdraw("cam-a")
        wait_for(lambda: plane.rings() == [], 2, lambda: "the ring is still there")
        assert plane.wait_state(CameraState.STOPPED, 1).code == "lease_withdrawn"


def test_a_killed_decoder_is_started_again(redis_url: str, tmp_path: Path) -> None:
    import os
    import signal

    with running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease())
        plane.wait_state(CameraState.STREAMING, 10)
        ring = plane.rings()
        runner = plane.supervisor.fleet.runner("cam-a")
        os.kill(runner.decoder_pid, signal.SIGKILL)
        wait_for(lambda: plane.rings() not in ([], ring), 6, lambda: str(plane.rings()))
        plane.wait_state(CameraState.STREAMING, 5)
        assert CameraState.UNREACHABLE in plane.states()
        assert plane.account().balances()


@pytest.mark.parametrize(
    ("url", "kind", "code"),
    [
        ("rtsp://127.0.0.1:9/x", SourceKind.RTSP, "network_refused"),
        ("http://169.254.169.254/latest/meta-data", SourceKind.MJPEG, "network_refused"),
        ("file:///etc/passwd", SourceKind.HLS, "scheme_refused"),
        ("rtsp://alice:canary@127.0.0.1/x", SourceKind.RTSP, "credentials_in_url"),
        ("/etc/hostname", SourceKind.FILE, "file_refused"),
        ("/dev/../etc/passwd", SourceKind.USB, "device_refused"),
    ],
)
def test_a_forbidden_source_is_refused_in_words(
    redis_url: str, tmp_path: Path, url: str, kind: SourceKind, code: str
) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=Source(kind, url)))
        status = plane.wait_state(CameraState.REFUSED, 10)
        assert status.code == code
        assert "canary" not in status.detail


def test_a_file_played_once_ends_as_stopped(redis_url: str, tmp_path: Path) -> None:
    from tests.workers.videos import write_video

    write_video(tmp_path / "short.mp4", 2)
    source = Source(SourceKind.FILE, "short.mp4", loop=False, realtime=False)
    with running_streams(redis_url, tmp_path) as plane, own_worker(plane, redis_url):
        plane.issue(make_lease(source=source))
        status = plane.wait_state(CameraState.STOPPED, 10)
        assert status.code == "end_of_file"
        wait_for(lambda: plane.account().captured == 20, 3, lambda: str(plane.account()))
        assert plane.account().balances()


def test_unreadable_credentials_are_refused_without_a_word_of_them(redis_url: str, tmp_path: Path) -> None:
    source = Source(SourceKind.RTSP, "rtsp://127.0.0.1:9/x", "gAAAA-broken", allowed_networks=LOOPBACK)
    with running_streams(redis_url, tmp_path) as plane:
        plane.issue(make_lease(source=source))
        status = plane.wait_state(CameraState.REFUSED, 5)
        assert status.code == "credentials_unreadable"
        assert "gAAAA" not in status.detail
