"""`python -m benchmarks`: the figures of this machine, in one run.

`VIDETTE_SHARED` names the folder that holds `data/video` and `data/weights` (default: `../shared`).
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Stretch, delays_s, measure, memory_mb
from benchmarks.installation import ROOT, Installation
from benchmarks.raw import RawRate, detector_file, raw_models, raw_rate, together
from benchmarks.still import still_clip
from inference_workers.contracts.lease import RedactionPolicy

CORES = os.cpu_count() or 1
SETTLE_S, MEASURE_S, WATCH_S = 12.0, 30.0, 20.0
# Clips with people or vehicles in most of their pictures.
BUSY = (
    "cam02_plaza_people.mp4", "cam05_indoor_one_by_one.mp4", "cam07_corridor_faces.mp4",
    "cam04_road_traffic.avi", "cam13_classroom.mp4", "cam01_campus_pets2009.avi",
    "cam10_night_crowd.mp4", "cam14_parking_mixed.mp4",
)  # fmt: skip
IDLE_CAMERAS = 4
DISPLAY_DELAY_S = RedactionPolicy().display_delay_s


def main() -> int:
    shared = Path(os.environ.get("VIDETTE_SHARED", ROOT.parent / "shared")) / "data"
    if not (shared / "video").is_dir():
        sys.stderr.write(f"bench: there are no clips in {shared / 'video'}; set VIDETTE_SHARED\n")
        return 1
    before = _raw(shared / "weights")
    for count in (4, 8):
        clips = [shared / "video" / name for name in BUSY[:count]]
        with (
            tempfile.TemporaryDirectory(prefix="vidette-bench-") as folder,
            Installation(Path(folder), clips, [detector_file(shared / "weights")]) as installation,
        ):
            installation.wait_for_model("yolox")
            stretch = _path(installation, count)
            if count == IDLE_CAMERAS:
                _delay(installation)
                _idle_and_busy(installation)
            _memory(installation, count)
        # Before and after: what else runs on a shared machine changes the yardstick within minutes.
        after = _raw(shared / "weights")
        raw = {stage: _mean(before[stage], after[stage]) for stage in before}
        by_time = _needed_s(stretch, {stage: 1 / rate.fps for stage, rate in raw.items()}) / stretch.seconds
        by_cpu = _needed_s(stretch, {stage: rate.cpu_s for stage, rate in raw.items()}) / stretch.cpu_total_s
        say(f"\nRatio of {count} cameras to the raw sessions before and after: {by_time:.2f}")
        say(f"  by CPU seconds: {by_cpu:.2f} of all that the installation used (other jobs do not matter)")
        before = after
    return 0


def say(text: str) -> None:
    print(text, flush=True)


def _mean(one: RawRate, other: RawRate) -> RawRate:
    return RawRate((one.fps + other.fps) / 2, (one.cpu_s + other.cpu_s) / 2)


def _raw(weights: Path) -> dict[str, RawRate]:
    """What the bare session reaches for each stage."""
    say(f"\nRaw onnxruntime sessions, {CORES} threads")
    rates = {}
    for model in raw_models(weights):
        rate = raw_rate(model, CORES)
        rates[model.stage] = rate
        cpu_ms = 1000 * rate.cpu_s
        say(f"  {model.name:<24} {rate.fps:7.1f} fps  {1000 / rate.fps:7.1f} ms, {cpu_ms:.1f} ms of one core")
    both = together(rate.fps for rate in rates.values())
    say(f"  {'both, one after the other':<24} {both:7.1f} fps")
    return rates


def _path(installation: Installation, count: int) -> Stretch:
    """Every camera asks for more than the machine has, so that the path is the limit."""
    installation.inside("analyse", "30")
    _settle()
    stretch = measure(installation, MEASURE_S)
    say(f"\nWhole path, {count} cameras, {stretch.seconds:.0f} s, faces and objects in every analysed frame")
    say(f"  captured {stretch.captured_fps:.1f} fps, analysed {stretch.analysed_fps:.1f} fps")
    _stages(stretch)
    for reason, rate in sorted(stretch.lost.items(), key=lambda item: -item[1]):
        say(f"  {reason:<28} {rate:7.1f} fps")
    return stretch


def _needed_s(stretch: Stretch, seconds_per_frame: dict[str, float]) -> float:
    """The seconds that the raw sessions need for the same frames.

    Not every frame goes through every model (the gate spares the detector a still picture), so each stage
    counts its own frames.
    """
    return sum(
        batches * stretch.frames_per_batch * seconds_per_frame[stage]
        for stage, (_milliseconds, batches) in stretch.stages.items()
        if stage in seconds_per_frame
    )


def _stages(stretch: Stretch) -> None:
    available = stretch.seconds * CORES
    say(f"  frames per micro-batch {stretch.frames_per_batch:.1f}")
    for stage, (milliseconds, batches) in sorted(stretch.stages.items()):
        share = milliseconds * batches / 1000 / stretch.seconds
        say(f"  {stage:<10} {milliseconds:7.1f} ms per batch, {share:5.0%} of the time")
    say(f"  CPU {stretch.cpu_total_s:.1f} of {available:.0f} core seconds")
    for role, seconds in stretch.cpu_s.items():
        say(f"    {role:<10} {seconds:6.1f} s  {seconds / max(stretch.cpu_total_s, 1e-9):5.0%}")


def _delay(installation: Installation) -> None:
    installation.inside("analyse", "5")
    _settle()
    found = sorted(delays_s(installation, installation.inside("watched").strip(), WATCH_S))
    if len(found) < 10:
        say(f"\nDelay: only {len(found)} pictures arrived in {WATCH_S:.0f} s")
        return
    p95 = statistics.quantiles(found, n=20)[-1]
    say(f"\nDelay from grab to browser, {len(found)} pictures; {DISPLAY_DELAY_S} s of it are the display's")
    say(f"  p50 {statistics.median(found):.2f} s, p95 {p95:.2f} s")


def _idle_and_busy(installation: Installation) -> None:
    """CPU seconds that a camera adds to an installation without cameras; nobody watches."""
    _settle()
    busy = measure(installation, MEASURE_S)
    installation.inside("disable")
    _settle()
    empty = measure(installation, MEASURE_S)
    clip = still_clip(installation.footage / "still" / "still.mp4")
    installation.inside("idle", str(IDLE_CAMERAS), str(clip))
    _settle()
    idle = measure(installation, MEASURE_S)
    if not (busy.captured_fps and idle.captured_fps):
        raise SystemExit("bench: cameras that should run sent no pictures, so their cost was not measured")
    busy_share = (busy.cpu_total_s / busy.seconds - empty.cpu_total_s / empty.seconds) / IDLE_CAMERAS
    idle_share = (idle.cpu_total_s / idle.seconds - empty.cpu_total_s / empty.seconds) / IDLE_CAMERAS
    say("\nCPU of one camera, 5 analysed pictures per second, in shares of a core")
    say(f"  no cameras at all  {empty.cpu_total_s / empty.seconds:6.3f} (the whole installation)")
    say(f"  busy camera        {busy_share:6.3f}")
    say(f"  idle camera        {idle_share:6.3f}  ({idle_share / max(busy_share, 1e-9):.2f} of a busy one)")
    for name, stretch in (("busy", busy), ("idle", idle)):
        shares = (f"{role} {seconds / stretch.seconds:.3f}" for role, seconds in stretch.cpu_s.items())
        say(f"    all {name}: {', '.join(shares)}")


def _memory(installation: Installation, count: int) -> None:
    found = memory_mb(installation)
    say(f"\nMemory of the tree with {count} cameras: {sum(found.values()):.0f} MB (proportional set size)")
    say("  " + ", ".join(f"{role} {megabytes:.0f}" for role, megabytes in found.items()))


def _settle() -> None:
    time.sleep(SETTLE_S)


if __name__ == "__main__":
    sys.exit(main())
