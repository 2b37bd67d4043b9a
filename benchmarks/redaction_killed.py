"""A film of half an hour, its workers killed with -9 again and again, against the same film undisturbed.

    python -m benchmarks.redaction_killed CLIP… [--minutes=30] [--fps=12] [--kills=10] [--seed=1]

The clips follow each other, scaled to 640 x 360 at `--fps` frames a second, until the film is long
enough. It is uploaded to an installation of its own (`manage.py up`) over the API, twice. During the
second run a process is chosen at random and killed with -9 at random moments: mostly the worker that
redacts, else the recorder or the control worker. Ends with an error unless the second result is the same
to the bit, each step is done once, and every kill hit before the end.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import httpx
import psutil

from benchmarks.figures import sign_in
from benchmarks.installation import Installation

WIDTH, HEIGHT = 640, 360
VICTIMS = ("gpu", "gpu", "gpu", "recorder", "control")
WAIT_S = 2.0
PATIENCE_S = 7200.0


def main(arguments: Sequence[str]) -> int:
    clips = [Path(argument) for argument in arguments if not argument.startswith("-")]
    options = dict(a[2:].split("=", 1) for a in arguments if a.startswith("--"))
    minutes, kills = float(options.get("minutes", 30)), int(options.get("kills", 10))
    fps = int(options.get("fps", 12))
    chance = random.Random(int(options.get("seed", 1)))
    with tempfile.TemporaryDirectory(prefix="vidette-killed-") as folder:
        film = Path(folder) / "film.mp4"
        _write_film(film, _frames(clips, round(minutes * 60 * fps)), fps)
        print(f"film of {minutes:g} minutes, {film.stat().st_size / 1e6:.0f} MB", flush=True)
        with Installation(Path(folder), clips[:1], []) as installation:
            installation.wait_for_model("centerface")
            installation.inside("disable")
            person = Person(installation)
            calm = person.redact(film)
            calm_s = person.wait(calm, [], installation, chance)
            moments = sorted(chance.uniform(0.05, 0.9) * calm_s for _ in range(kills))
            disturbed = person.redact(film)
            disturbed_s = person.wait(disturbed, moments, installation, chance)
            rows = [json.loads(installation.inside("redaction", key)) for key in (calm, disturbed)]
    print(f"undisturbed {calm_s:.0f} s, killed {kills - len(moments)} times {disturbed_s:.0f} s")
    for name, row in zip(("undisturbed", "killed"), rows, strict=True):
        print(f"{name}: {row['state']}, {row['steps']} steps, {row['begun']} times begun, {row['sha256']}")
    same = rows[0]["sha256"] == rows[1]["sha256"] and rows[0]["keys"] == rows[1]["keys"]
    print("the same to the bit" if same else "NOT the same")
    return int(not same or bool(moments) or any(row["state"] != "done" for row in rows))


def _frames(clips: Sequence[Path], count: int) -> Iterator[av.VideoFrame]:
    made = 0
    while made < count:
        before = made
        for clip in clips:
            with av.open(str(clip)) as container:
                for frame in container.decode(video=0):
                    if made == count:
                        return
                    yield frame.reformat(WIDTH, HEIGHT, "yuv420p")
                    made += 1
        if made == before:
            raise SystemExit("redaction_killed: the clips have no pictures")


def _write_film(path: Path, frames: Iterator[av.VideoFrame], fps: int) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


class Person:
    """A compliance officer at the API."""

    def __init__(self, installation: Installation) -> None:
        cookies = sign_in(installation, "bob")
        token = next(part.split("=", 1)[1] for part in cookies.split("; ") if part.startswith("vidette_csrf"))
        headers = {"Cookie": cookies, "X-CSRFToken": token, "Referer": installation.url}
        headers["X-Vidette-Purpose"] = "benchmark"
        self._api = httpx.Client(base_url=f"{installation.url}/api/v1", headers=headers, timeout=120)

    def redact(self, film: Path) -> str:
        with film.open("rb") as file:
            answer = self._api.post("/redactions", files={"file": (film.name, file, "video/mp4")})
        if answer.status_code not in (httpx.codes.CREATED, httpx.codes.ACCEPTED):
            raise SystemExit(f"redaction_killed: {answer.status_code} {answer.text[:500]}")
        return str(answer.json()["id"])

    def wait(
        self, key: str, moments: list[float], installation: Installation, chance: random.Random
    ) -> float:
        """Seconds until it is done; takes a moment out of `moments` for each kill."""
        started = time.monotonic()
        while (passed_s := time.monotonic() - started) < PATIENCE_S:
            if moments and passed_s >= moments[0]:
                del moments[0]
                _kill(installation, chance.choice(VICTIMS))
            try:
                if self._api.get(f"/redactions/{key}").json()["state"] in ("done", "failed"):
                    return passed_s
            except httpx.HTTPError:
                pass
            time.sleep(WAIT_S)
        raise SystemExit("redaction_killed: it does not come to an end")


def _kill(installation: Installation, role: str) -> None:
    for name, process in installation.processes().items():
        if name.startswith(f"{role}:"):
            try:
                process.kill()
            except psutil.Error:
                continue
            print(f"  killed {role}", flush=True)
            return
    print(f"  {role} was not there", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
