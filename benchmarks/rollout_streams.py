"""Rollouts on eight real streams of the whole product: who is served by what, and what takes itself back.

    python -m benchmarks.rollout_streams [DATA] [--part=share|worse] [--kind=NAME,NAME] [--seconds=20]
        [--fps=1] [--steps=25,50,100] [--window=30]

`manage.py up` (web, streams, inference worker, recorder, control worker, clock, Redis), eight clips of
DATA/video as cameras, PicoDet 320 as the version before, the product's default guards.

share: a canary of PicoDet 416. Which cameras are proven to be served by which bytes against what the
rollout's hash says; the same after streams, worker, recorder and control worker were killed; who was refused
at 100 %; how long each flip took; what became of every captured frame.
worse: copies of PicoDet 320 that are equal, lose two classes, lower all scores, displace all boxes or take
twice as long (`benchmarks.worse_models`), each a canary of half of the cameras. After how many seconds it was
taken back, by which guard, and whether that guard is the one that it was made for. `--kind` tries some alone.
`--window` is that of all guards: few cameras at few looks need a longer one for their least samples.

Ends with status 1 where something is not as docs/rollouts.md promises.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import worse_models
from benchmarks.installation import ROOT, Installation
from benchmarks.known_weights import FILES
from benchmarks.swap import say

BASE, CANDIDATE = "picodet-s-320", "picodet-s-416"
CAMERAS = 8
FLIP_S, PATIENCE_S, WORSE_S, EQUAL_S = 10.0, 150.0, 60.0, 90.0
KILLED = ("streams", "gpu", "recorder", "control")
# 416 computes 1.7 times as much as 320; a copy of 320 computes what 320 does.
LATENCY_416, LATENCY_COPY = 3.0, 1.5
# By which guards each kind may be taken back: what it was made for.
NAMED = {
    "worse-class-dropped": {"class_lost", "fewer"},
    "worse-scores-shifted": {"lower", "fewer"},
    "worse-boxes-displaced": {"disagreement"},
    "worse-twice-as-slow": {"latency"},
}
# What a swap could take from a camera; a full queue and a late answer are the load's.
OF_THE_SWAP = ("lost model_mismatch", "lost model_loading", "lost analysis_error")


class Run:
    """What is promised, one line each, and what did not hold."""

    def __init__(
        self, inside: Any, installation: Installation, seconds: float, guards: Mapping[str, Any]
    ) -> None:
        self.inside, self.installation, self.seconds, self.guards = inside, installation, seconds, guards
        self.failed: list[str] = []

    def check(self, name: str, *, holds: bool, told: str = "") -> None:
        say(f"{'ok ' if holds else 'NOT'} {name}{': ' if told else ''}{told}")
        self.failed += [] if holds else [name]

    def wait(self, true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> float:
        """Seconds until it was true; a promise that did not hold when the patience ends."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > patience_s:
                self.check(what, holds=False, told=f"not within {patience_s:.0f} s")
                break
            time.sleep(0.25)
        return time.monotonic() - began

    def clear(self, row: Any) -> bool:
        """Wait until nothing speaks against the next step; else say what does."""
        took = self.wait(lambda: self.inside.fresh(row).verdict == "clear", "the guards are clear")
        now = self.inside.fresh(row)
        if now.verdict != "clear":
            self.readings(now)
            return False
        say(f"    the guards were clear after {took:.0f} s")
        return True

    def readings(self, row: Any) -> None:
        for look in row.readings:
            say(f"    {look['metric']}: {look['verdict']} {look['value']}, {look['samples']} samples")

    def flipped(self, cameras: set[Any], version: Any, since: datetime) -> Callable[[], bool]:
        return lambda: self.inside.served_by(version, since) >= cameras

    def flip(self, name: str, act: Callable[[], Any], cameras: Callable[[], set[Any]], version: Any) -> Any:
        """Do something, and time it until these cameras carry the version's hash."""
        since, began = self.inside.moment(), time.monotonic()
        done = act()
        self.wait(self.flipped(cameras(), version, since), f"{name}: the cameras tell its hash")
        took = time.monotonic() - began
        self.check(f"{name} flipped within {FLIP_S:.0f} s", holds=took <= FLIP_S, told=f"{took:.1f} s")
        return done

    def phase(self, name: str, before: Counter[str]) -> Counter[str]:
        """What became of the frames since `before`."""
        time.sleep(self.seconds)
        after: Counter[str] = self.inside.accounts()
        grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        say(f"    {name}: {grown}")
        lost = sum(grown.get(reason, 0) for reason in OF_THE_SWAP)
        self.check(f"{name}: nothing lost for reasons of the swap", holds=lost == 0)
        self.check(f"{name}: every frame is accounted for", holds=after["unbalanced"] == 0)
        return after

    def exactly(self, name: str, share: set[Any], candidate: Any, base: Any) -> None:
        everywhere, since = self.inside.enabled(), self.inside.moment()
        self.wait(
            lambda: (
                self.inside.served_by(candidate, since) | self.inside.served_by(base, since) == everywhere
            ),
            f"{name}: every camera tells its hash",
        )
        found = self.inside.served_by(candidate, since)
        told = f"{len(found)} of {len(everywhere)} cameras, the hash says {len(share)}"
        self.check(f"{name}: exactly the cameras of the hash", holds=found == share, told=told)


def share(run: Run, steps: tuple[int, ...]) -> None:
    inside, cast = run.inside, run.inside.people()
    base, candidate = inside.version(BASE), inside.version(CANDIDATE)
    run.wait(run.flipped(inside.enabled(), base, inside.moment()), f"{BASE} serves all cameras")
    before = run.phase("nothing changes", inside.accounts())

    started: list[Any] = []
    row = run.flip(
        "canary",
        lambda: started.append(inside.begin(candidate, steps, LATENCY_416, **run.guards)) or started[0],
        lambda: inside.expected(started[0], started[0].percent),
        candidate,
    )
    reached = inside.expected(row, row.percent)
    run.exactly(f"canary at {row.percent} %", reached, candidate, base)
    before = run.phase("canary", before)
    restart(run, reached, candidate, base)
    before = inside.accounts()

    if not grow(run, row, cast, candidate, base):
        return
    before = run.phase("all cameras", before)
    row = inside.fresh(row)
    run.check("the guards let the better version be", holds=row.state == "running", told=row.end_reason)
    run.flip(
        "rollback by a person",
        lambda: inside.act("roll_back", row, cast.owner, reason="the benchmark is over"),
        inside.enabled,
        base,
    )
    run.phase("rollback", before)


def restart(run: Run, reached: set[Any], candidate: Any, base: Any) -> None:
    """Kill what analyses, records and guards; the supervisor starts it again."""
    inside = run.inside
    for name, process in run.installation.processes().items():
        if name.partition(":")[0] in KILLED:
            process.kill()
    since = inside.moment()
    took = run.wait(run.flipped(reached, candidate, since), "the canary's cameras after the restart")
    took += run.wait(run.flipped(inside.enabled() - reached, base, since), "the others after the restart")
    say(f"    every camera was back after {took:.1f} s")
    run.exactly(f"after a restart of {', '.join(KILLED)}", reached, candidate, base)


def grow(run: Run, row: Any, cast: Any, candidate: Any, base: Any) -> bool:
    """Up to all cameras: asked for by the owner, refused to the same person, given by the second one.

    False: they do not serve all.
    """
    inside = run.inside
    while inside.fresh(row).state == "running":
        if not run.clear(row):
            return False
        told = inside.act("promote", row, cast.owner)
        now = inside.fresh(row)
        if told == "running":
            reached = inside.expected(row, now.percent)
            run.wait(run.flipped(reached, candidate, inside.moment()), f"{now.percent} % tell the hash")
            run.exactly(f"canary at {now.percent} %", reached, candidate, base)
        elif told not in ("waiting", "guard_holds", "guard_silent"):
            run.check("the next step", holds=False, told=f"{told} {now.end_reason}")
            return False
    told = inside.act("approve", row, cast.owner)
    run.check("100 % by one person alone is refused", holds=told == "second_person_required", told=told)
    if not run.clear(row):
        return False
    told = run.flip("100 %", lambda: inside.act("approve", row, cast.second), inside.enabled, candidate)
    run.check("100 % by a second person", holds=told == "running", told=told)
    return bool(told == "running")


def worse(run: Run, kinds: list[str]) -> None:
    inside = run.inside
    base = inside.version(BASE)
    run.wait(run.flipped(inside.enabled(), base, inside.moment()), f"{BASE} serves all cameras")
    for kind in kinds:
        candidate = inside.version(kind)
        row = inside.begin(candidate, (50, 100), LATENCY_COPY, **run.guards)
        began, reached = time.monotonic(), inside.expected(row, row.percent)
        patience_s = EQUAL_S if kind == "equal" else WORSE_S
        while inside.fresh(row).state == "running" and time.monotonic() - began < patience_s:
            time.sleep(0.25)
        took, since = time.monotonic() - began, inside.moment()
        row = inside.fresh(row)
        guard = (row.report.get("guard") or {}).get("metric", row.report.get("code", ""))
        told = f"{len(reached)} cameras, {took:.0f} s, {row.state} {guard}: {row.end_reason}"
        cameras = ", ".join(sorted(inside.named(key) for key in reached))
        say(f"    {kind} on {cameras}")
        if kind == "equal":
            run.check("an equal version is let be", holds=row.state == "running", told=told)
        else:
            by_guard = row.state == "rolled_back" and row.report.get("code") == "guard"
            run.check(f"{kind} is taken back by a guard", holds=by_guard, told=told)
            run.check(f"{kind}: by the guard that it was made for", holds=guard in NAMED[kind], told=guard)
        run.readings(row)
        if row.state == "running":
            inside.act("roll_back", row, inside.people().owner, reason="the next one")
        took = run.wait(run.flipped(inside.enabled(), base, since), "all cameras by the version before")
        run.check(f"{kind}: gone within {FLIP_S:.0f} s", holds=took <= FLIP_S, told=f"{took:.1f} s")


def install(installation: Installation, weights: Path, folder: Path) -> list[str]:
    """The copies by `models add`, as a person at the machine installs them."""
    paths = worse_models.write(weights, folder)
    for path in paths.values():
        subprocess.run(
            [sys.executable, "manage.py", "models", "add", str(path)],
            cwd=ROOT, env=installation.environment, check=True, capture_output=True,
        )  # fmt: skip
    return list(paths)


def main(words: list[str]) -> int:
    chosen = dict(word.lstrip("-").split("=", 1) for word in words if word.startswith("--"))
    paths = [word for word in words if not word.startswith("--")]
    data = Path(paths[0] if paths else ROOT.parent / "shared" / "data").resolve()
    part, fps = chosen.get("part", "share"), float(chosen.get("fps", "1"))
    clips = sorted(path for path in (data / "video").glob("*.*") if path.suffix in (".mp4", ".avi"))[:CAMERAS]
    weights = data / "weights" / "detection"
    models = [weights / FILES[name] for name in (BASE, CANDIDATE)]
    models.append(data / "weights" / "face" / "yunet_n_dynamic.onnx")  # the cheapest for faces
    with (
        tempfile.TemporaryDirectory(prefix="vidette-rollout-") as folder,
        Installation(Path(folder), clips, models) as installation,
    ):
        installation.wait_for_model(BASE)
        os.environ.update(installation.environment)
        inside = importlib.import_module("benchmarks.rollout_inside")
        say(f"{inside.analyse(fps)} cameras, {fps:g} looks a second, {os.cpu_count()} cores")
        guards = {"window_s": int(chosen["window"])} if "window" in chosen else {}
        run = Run(inside, installation, float(chosen.get("seconds", "20")), guards)
        run.wait(lambda: inside.version(CANDIDATE) is not None, f"{CANDIDATE} is announced")
        if part == "share":
            share(run, tuple(int(step) for step in chosen.get("steps", "25,50,100").split(",")))
        else:
            kinds = install(installation, weights, Path(folder) / "copies")
            run.wait(lambda: all(inside.version(kind) for kind in kinds), "the copies are announced")
            worse(run, chosen["kind"].split(",") if "kind" in chosen else kinds)
    say(f"{len(run.failed)} of what was promised did not hold")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
