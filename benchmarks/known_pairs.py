"""The verdicts on pairs of real versions whose truth is known: comparison, shadow, canary and gate.

    python -m benchmarks.known_pairs [DATA] [--part=compare|guards|cameras|int8]

compare: the product's steps (measure, compare, the whole rule with 1,000 samples) on the labelled val2017.
guards: both versions on eight clips, five frames a second, 60 s of stream time: a shadow on all cameras with
the guards of a shadow, and 20 seeded canaries with the default ones. The same speed is assumed for both.
cameras: what the default guards see of the same pairs, and of lowered scores, on each camera alone in 30 s.
int8: a file calibrated on 48 pictures of train2017, and the difference that its gate judges.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.installation import ROOT
from benchmarks.known_weights import FILES
from benchmarks.rollout_guards import (
    CLIPS,
    Clips,
    canary_cameras,
    gather,
    run,
    shifted,
    shifted_kept,
    unchanged,
    windows_of,
)
from benchmarks.swap import say
from inference_workers.contracts.evaluations import VariantKind
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.detectors import Detector
from inference_workers.engine.model_directory import build_detector
from inference_workers.engine.side_file import SideFile
from inference_workers.side_files import describe_known

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
# The tensors of one and the preprocessing of the other.
FED_AS = {
    "yolox-nano-fed-as-0.1.0": ("yolox-nano", "yolox-nano-0.1.0"),
    "yolox-nano-0.1.0-fed-as-0.1.1": ("yolox-nano-0.1.0", "yolox-nano"),
}
PAIRS = (
    ("picodet-s-416", "picodet-s-320"),
    ("nanodet-m-416", "nanodet-m-320"),
    ("yolox-nano", "yolox-nano-0.1.0"),
    ("yolox-nano-0.1.0", "yolox-nano"),
    ("yolox-nano-fed-as-0.1.0", "yolox-nano"),
    ("yolox-nano-0.1.0-fed-as-0.1.1", "yolox-nano-0.1.0"),
)
INT8 = ("yolox-nano", "yolox-nano-0.1.0")
LOWERED = ("picodet-s-320", "yolox-nano")
SECONDS, RUNS, CALIBRATED_ON = 60, 20, 48
GUARD_S = 30


def side_of(weights: Path, name: str) -> tuple[Path, SideFile]:
    """The file of a version, and how it is fed here."""
    tensors, fed_as = FED_AS.get(name, (name, name))
    sides = []
    for known in (tensors, fed_as):
        found = describe_known(weights / FILES[known])
        if found is None:
            raise SystemExit(f"{FILES[known]}: expected the known file, its sha256 is in no table")
        sides.append(found.side)
    return weights / FILES[tensors], replace(sides[0], preprocess=sides[1].preprocess)


def compare(data: Path, folder: Path) -> None:
    lab = _lab(data, folder)
    for candidate, base in PAIRS:
        _told(candidate, base, lab.compared(lab.installed(candidate), lab.installed(base), resamples=1000))


def int8(data: Path, folder: Path) -> None:
    from apps.evaluations.variants import MAX_LOSS

    lab = _lab(data, folder)
    for name in INT8:
        made = lab.variant(name, VariantKind.INT8)
        result = lab.compared(made, lab.installed(name), resamples=1000)
        _told(made.name, name, result)
        gate = "passed" if -result["mean"]["difference"] <= MAX_LOSS else "refused"
        times = {side: round(result["times"][side]["p50"], 1) for side in ("candidate", "base")}
        say(f"    its gate: {gate} (at most {MAX_LOSS} may be lost); ms per picture {times}")


def _told(candidate: str, base: str, result: dict[str, Any]) -> None:
    mean = result["mean"]
    figures = f"mAP {mean['candidate']:.3f} / {mean['base']:.3f}"
    interval = f"{mean['difference']:+.3f} ({mean['low']:+.3f} … {mean['high']:+.3f})"
    lost = [
        f"{part['kind']} {part['name']} {part['difference']:+.3f}" for part in result["parts"] if part["lost"]
    ]
    say(f"{candidate} / {base}: {figures} {interval}: {result['verdict']}, {result['reason']} {lost}")


def _lab(data: Path, folder: Path) -> Any:
    """The bench of the tests of quality, with these versions and its calibration on other pictures."""
    from apps.evaluations.formats import Where, read_set
    from tests.quality.test_evaluation import Lab

    class Pairs(Lab):
        def _installed(self, name: str) -> Any:
            path, side = side_of(data / "weights" / "detection", name)
            card = self._directory.install(path, side, name)
            return self.ref_of(card)

        def variant(self, parent: str, kind: VariantKind) -> Any:
            labelled, stored = self.labelled, self.set
            coco = data / "images" / "coco"
            read = read_set(Where(coco / "train2017", coco / "instances_train2017.json"))
            self.labelled, self.set = read.labelled, self._stored(read)
            try:
                return super().variant(parent, kind)
            finally:
                self.labelled, self.set = labelled, stored

        def calibration(self) -> tuple[str, ...]:
            return tuple(sorted(picture.sha256 for picture in self.labelled.pictures)[:CALIBRATED_ON])

    return Pairs(data, folder)


def guards(data: Path, folder: Path) -> None:
    from apps.rollouts.guards import SHADOW_GUARDS

    clips = _found(data)
    for candidate, base in PAIRS:
        finds = {
            name: sum(len(d) for clip in clips.values() for d in clip[name]) for name in (base, candidate)
        }
        sides = (base, candidate)
        shadow = run(clips, 0, sides, CLIPS, SECONDS, guards=SHADOW_GUARDS)
        seen = f"{shadow[1].metric.value} after {shadow[0]:.0f} s" if shadow else "passes"
        ends = [
            end
            for seed in range(RUNS)
            if (end := run(clips, seed, sides, canary_cameras(seed), SECONDS)) is not None
        ]
        by = Counter(culprit.metric.value for _at, culprit in ends)
        slowest = max((at for at, _culprit in ends), default=0.0)
        say(
            f"{candidate} / {base}: finds {finds}; shadow {seen}; canaries taken back {len(ends)}/{RUNS}, "
            f"slowest {slowest:.0f} s {json.dumps(dict(by))}"
        )


def cameras(data: Path, folder: Path) -> None:
    from apps.rollouts.guards import DEFAULT_GUARDS, Compared, Metric, read

    clips = _found(data)
    watched = [g for g in DEFAULT_GUARDS if g.metric not in (Metric.LATENCY, Metric.ERRORS)]
    tried = [(candidate, base, unchanged) for candidate, base in PAIRS]
    tried += [(name, name, change) for name in LOWERED for change in (shifted, shifted_kept)]
    for candidate, base, change in tried:
        say(f"{candidate} / {base}, {change.__name__}")
        for clip in CLIPS:
            windows = windows_of(clips[clip], (base, candidate), change, 0, GUARD_S)
            both = sum((window for _ended_at, window in windows), Compared())
            looks = [read(guard, both) for guard in watched]
            told = [f"{look.metric.value} {look.value or 0:.2f} {look.verdict.value}" for look in looks]
            say(f"    {clip}: {', '.join(told)}")


def _found(data: Path) -> Clips:
    names = sorted({name for pair in PAIRS for name in pair})
    return gather(data, dict(_detectors(data / "weights" / "detection", names)))


def _detectors(weights: Path, names: list[str]) -> Iterator[tuple[str, Detector]]:
    for name in names:
        path, side = side_of(weights, name)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != side.sha256:
            raise SystemExit(f"{path.name}: another file than its side file says")
        yield name, build_detector(data, path.name, side, BackendOptions())


PARTS = {"compare": compare, "guards": guards, "cameras": cameras, "int8": int8}


def main(words: list[str]) -> int:
    import django

    django.setup()
    chosen = dict(word.lstrip("-").split("=", 1) for word in words if word.startswith("--"))
    paths = [word for word in words if not word.startswith("--")]
    data = Path(paths[0] if paths else ROOT.parent / "shared" / "data").resolve()
    for name in [chosen["part"]] if "part" in chosen else PARTS:
        say(f"-- {name}")
        with tempfile.TemporaryDirectory(prefix="vidette-pairs-") as folder:
            PARTS[name](data, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
