"""Reads what an installation does in a stretch of time: frames, stages, CPU seconds, memory, delay."""

import asyncio
import json
import time
from dataclasses import dataclass, field

import httpx
import psutil
import websockets
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.installation import Installation
from inference_workers.contracts.live import LiveHeader, unpack

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rates over `seconds`. `stages` holds the mean milliseconds per batch and the batches of each stage."""

    seconds: float
    captured_fps: float
    analysed_fps: float
    lost: dict[str, float]
    stages: dict[str, tuple[float, float]]
    frames_per_batch: float
    cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def cpu_total_s(self) -> float:
        return sum(self.cpu_s.values())


def measure(installation: Installation, seconds: float) -> Stretch:
    """What happened between two looks at the metrics page."""
    before, cpu_before, started = _samples(installation), _cpu(installation), time.monotonic()
    time.sleep(seconds)
    after, cpu_after = _samples(installation), _cpu(installation)
    elapsed = time.monotonic() - started
    grown = {key: value - before.get(key, 0.0) for key, value in after.items()}
    stages = {
        dict(labels)["stage"]: (_ratio(grown, name, labels), count)
        for (name, labels), count in grown.items()
        if name == "vidette_inference_infer_ms_count" and count > 0
    }
    return Stretch(
        seconds=elapsed,
        captured_fps=_outcome(grown, "captured") / elapsed,
        analysed_fps=_outcome(grown, "analysed") / elapsed,
        lost=_reasons(grown, "lost", elapsed) | _reasons(grown, "skipped", elapsed),
        stages=stages,
        frames_per_batch=_total(grown, "vidette_inference_batch_size_sum")
        / max(1.0, _total(grown, "vidette_inference_batch_size_count")),
        cpu_s=_by_role({name: cpu_after[name] - cpu_before.get(name, 0.0) for name in cpu_after}),
    )


Key = tuple[str, frozenset[tuple[str, str]]]


def _samples(installation: Installation) -> dict[Key, float]:
    families = text_string_to_metric_families(installation.metrics_text())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def _ratio(grown: dict[Key, float], name: str, labels: frozenset[tuple[str, str]]) -> float:
    return grown[(name.replace("_count", "_sum"), labels)] / grown[(name, labels)]


def _total(grown: dict[Key, float], name: str) -> float:
    return sum(value for (found, _labels), value in grown.items() if found == name)


def _outcome(grown: dict[Key, float], outcome: str) -> float:
    return sum(
        value
        for (name, labels), value in grown.items()
        if name == "vidette_frames_total" and ("outcome", outcome) in labels
    )


def _reasons(grown: dict[Key, float], outcome: str, elapsed: float) -> dict[str, float]:
    rates: dict[str, float] = {}
    for (name, labels), value in grown.items():
        if name == "vidette_frames_total" and ("outcome", outcome) in labels and value > 0:
            reason = f"{outcome}: {dict(labels)['reason']}"
            rates[reason] = rates.get(reason, 0.0) + value / elapsed
    return rates


def _cpu(installation: Installation) -> dict[str, float]:
    seconds = {}
    for name, process in installation.processes().items():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        seconds[name] = times.user + times.system
    return seconds


def _by_role(seconds: dict[str, float]) -> dict[str, float]:
    roles: dict[str, float] = {}
    for name, value in seconds.items():
        role = name.partition(":")[0]
        roles[role] = roles.get(role, 0.0) + value
    return dict(sorted(roles.items(), key=lambda item: -item[1]))


def memory_mb(installation: Installation) -> dict[str, float]:
    """Proportional set size per role: shared pages are counted once over the tree."""
    megabytes = {}
    for name, process in installation.processes().items():
        try:
            megabytes[name] = process.memory_full_info().pss / MEGABYTE
        except psutil.Error:
            continue
    return _by_role(megabytes)


def delays_s(installation: Installation, camera_id: str, seconds: float) -> list[float]:
    """From the grab of a picture to its arrival at a websocket client, as alice's browser would see it."""
    seen = watch(installation, "alice", camera_id, seconds=seconds)
    return [arrived_at - header.grabbed_at for arrived_at, header, _jpeg in seen]


Seen = tuple[float, LiveHeader, bytes]


def watch(
    installation: Installation, username: str, camera_id: str, *, seconds: float, pictures: int = 10**6
) -> list[Seen]:
    """Live pictures as a browser gets them: when each arrived (POSIX seconds), its header, its JPEG."""
    cookies = sign_in(installation, username)
    return asyncio.run(_watch(installation, camera_id, cookies, seconds, pictures))


def sign_in(installation: Installation, username: str) -> str:
    with httpx.Client(base_url=installation.url, follow_redirects=False) as browser:
        browser.get("/accounts/login/")
        browser.post(
            "/accounts/login/",
            data={
                "login": username,
                "password": installation.password(username),
                "csrfmiddlewaretoken": browser.cookies["vidette_csrf"],
            },
            headers={"Referer": f"{installation.url}/accounts/login/"},
        )
        if "vidette_session" not in browser.cookies:
            raise SystemExit("bench: signing in did not give a session")
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


async def _watch(
    installation: Installation, camera_id: str, cookies: str, seconds: float, pictures: int
) -> list[Seen]:
    url = f"{installation.url.replace('http', 'ws', 1)}/ws/v1/"
    seen: list[Seen] = []
    async with websockets.connect(
        url, origin=installation.url, additional_headers={"Cookie": cookies}, max_size=None
    ) as socket:
        await socket.send(json.dumps({"type": "subscribe", "camera_id": camera_id}))
        ends_at = time.monotonic() + seconds
        while len(seen) < pictures and (left_s := ends_at - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(socket.recv(), timeout=left_s)
            except TimeoutError:
                break
            if isinstance(message, bytes):
                seen.append((time.time(), *unpack(message)))
    return seen
