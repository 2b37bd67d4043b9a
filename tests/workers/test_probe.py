"""The step-by-step test of a camera against real servers."""

import time
from pathlib import Path

import redis

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.lease import Source, SourceKind
from inference_workers.contracts.names import PROBES
from inference_workers.contracts.probe import ProbeOutcome, ProbeRequest, ProbeStep
from tests.workers.camera_servers import MjpegCamera, RtspCamera, http_server
from tests.workers.stream_parts import LOOPBACK, running_streams, seal

PREVIEW = "previews/one.jpg"


def probe(client: redis.Redis, source: Source) -> dict[ProbeStep, ProbeOutcome]:
    """Ask for a test and collect its outcomes until "done"."""
    request = ProbeRequest("one", source, "reply:one", PREVIEW, time.time() + 30)
    client.rpush(PROBES, encode(request))
    outcomes: dict[ProbeStep, ProbeOutcome] = {}
    while True:
        entry = client.blpop(["reply:one"], timeout=20)
        assert entry is not None, f"no more outcomes after {outcomes}"
        outcome = decode(ProbeOutcome, entry[1])
        if outcome.status == "done":
            return outcomes
        assert outcome.step is not None
        outcomes[outcome.step] = outcome


def test_a_good_camera_passes_every_step(redis_url: str, tmp_path: Path) -> None:
    with RtspCamera("alice", "s3cret") as camera, running_streams(redis_url, tmp_path) as plane:
        source = Source(SourceKind.RTSP, camera.url(), seal("alice", "s3cret"), allowed_networks=LOOPBACK)
        outcomes = probe(plane.client, source)
        assert {step: item.status for step, item in outcomes.items()} == dict.fromkeys(ProbeStep, "ok")
        assert outcomes[ProbeStep.CODEC].codec == "h264"
        assert 8 < outcomes[ProbeStep.FRAME_RATE].fps < 12
        assert abs(outcomes[ProbeStep.CLOCK].clock_offset_s) < 1
        assert (tmp_path / "objects" / PREVIEW).read_bytes()[:2] == b"\xff\xd8"
        assert plane.rings() == []


def test_a_wrong_password_fails_at_the_sign_in(redis_url: str, tmp_path: Path) -> None:
    with http_server(MjpegCamera) as url, running_streams(redis_url, tmp_path) as plane:
        source = Source(
            SourceKind.MJPEG, f"{url}/private", seal("alice", "canary"), allowed_networks=LOOPBACK
        )
        outcomes = probe(plane.client, source)
        assert outcomes[ProbeStep.CONNECT].status == "ok"
        assert (outcomes[ProbeStep.SIGN_IN].status, outcomes[ProbeStep.SIGN_IN].code) == (
            "failed",
            "sign_in_refused",
        )
        assert outcomes[ProbeStep.PICTURE].status == "skipped"
        assert "canary" not in str(outcomes)
        assert not (tmp_path / "objects" / PREVIEW).exists()


def test_a_network_that_is_not_listed_fails_there(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        outcomes = probe(plane.client, Source(SourceKind.RTSP, "rtsp://127.0.0.1:9/x"))
        assert outcomes[ProbeStep.NETWORK].code == "network_refused"
        assert outcomes[ProbeStep.CONNECT].status == "skipped"


def test_nobody_listening_fails_at_the_connection(redis_url: str, tmp_path: Path) -> None:
    with running_streams(redis_url, tmp_path) as plane:
        source = Source(SourceKind.RTSP, "rtsp://127.0.0.1:9/x", allowed_networks=LOOPBACK)
        outcomes = probe(plane.client, source)
        assert outcomes[ProbeStep.NETWORK].status == "ok"
        assert (outcomes[ProbeStep.CONNECT].status, outcomes[ProbeStep.CONNECT].code) == (
            "failed",
            "unreachable",
        )
