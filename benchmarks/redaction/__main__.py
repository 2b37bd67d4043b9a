"""`make bench-redaction`: faces that slip, ours against deface, on the same machine in the same run.

    python -m benchmarks.redaction [--quick] [--repeats N] [--only NAME …] [--tools NAME …] [--keep FOLDER]

Material: the hard sequences (`sequences.py`, exact ground truth), the labelled clips cam07 and cam13, and
clips of `../shared/data/video` in which a face is what YuNet finds in the original (1x and 2x, score 0.6).
`VIDETTE_SHARED` names the folder that holds `data`.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.redaction.clips import LABELLED, OTHERS, open_clip
from benchmarks.redaction.films import make_film, shape_of
from benchmarks.redaction.run import Cost
from benchmarks.redaction.scoring import Redacted, score
from benchmarks.redaction.second_look import SecondLook
from benchmarks.redaction.sequences import hard_sequences
from benchmarks.redaction.slips import write_slips
from benchmarks.redaction.stock import shared_stock
from benchmarks.redaction.table import Row, print_ratio, print_sizes, print_table
from benchmarks.redaction.tools import CACHE, ROOT, Deface, Tool
from benchmarks.redaction.truth import Truth
from benchmarks.redaction.vidette import Vidette

EXPLAINED = """Counts are faces in single frames. leaked: by detail or by 2nd look. frontal: leaked, frontal,
24 px and more, after the tool had covered that person. found: at least 80 % of what is to be seen of the face
is covered. too much: covered share of the picture away from faces (boxes grown by 25 %). fps: frames by the
seconds of the whole process. MB: peak of the process tree. shape: frames, size, time stamps as in the input.
"""
SPEED_CLIP = "cam02"
HARD = "hard"
TOOLS = ("vidette", "opencv", "onnxrt")
VIDETTE = "Vidette"
# Changes whenever the sequences do, so that films of an older form are not used.
SEQUENCES = "hard-2"


@dataclass(frozen=True, slots=True)
class Material:
    """A film; `group` is the row of the table that it counts for, `repeats` the runs for its speed."""

    group: str
    path: Path
    truth: Truth
    repeats: int


@dataclass(frozen=True, slots=True)
class Bench:
    data: Path
    look: SecondLook
    tools: Sequence[Tool]
    outputs: Path


def materials(options: argparse.Namespace, data: Path, look: SecondLook) -> Iterator[Material]:
    def wanted(name: str) -> bool:
        return not options.only or name in options.only

    if wanted(HARD) or any(name not in (*LABELLED, *OTHERS) for name in options.only):
        for scene in hard_sequences(shared_stock(data)):
            if wanted(HARD) or wanted(scene.name):
                path, truth = make_film(scene, CACHE / SEQUENCES)
                yield Material(HARD, path, truth, 0)
    clips = (*LABELLED, SPEED_CLIP) if options.quick else (*LABELLED, *OTHERS)
    for name in filter(wanted, clips):
        clip = open_clip(data, name, look)
        yield Material(name, clip.path, clip.truth, options.repeats if name == SPEED_CLIP else 0)


def measure(bench: Bench, material: Material, rows: dict[tuple[str, str], Row]) -> None:
    """All tools in turn; an output is always the same, so only the last one is scored.

    Where speed is measured the tools run as they are, `repeats` times; else the one run is that which tells
    the covers: that costs microseconds per frame.
    """
    frames = shape_of(material.path).frames
    spent: dict[str, list[Cost]] = {tool.name: [] for tool in bench.tools}
    for _ in range(material.repeats):
        for tool in bench.tools:
            spent[tool.name].append(tool.run(material.path, target_of(bench, material, tool)))
    for tool in bench.tools:
        target = target_of(bench, material, tool)
        covers, cost = tool.watched(material.path, target)
        if not material.repeats:
            spent[tool.name].append(cost)
        found = score(material.path, material.truth, Redacted(target, covers), bench.look)
        row = rows.setdefault((material.group, tool.name), Row(material.group, tool.name))
        row.add(frames, found, spent[tool.name])
        sheet = target.with_name(f"slips-{target.stem}.png")
        write_slips({material.truth.name: (material.path, target)}, found.slips, sheet)
        say(f"  {material.truth.name}, {tool.name}: {found.by_either} of {found.faces} leaked")


def target_of(bench: Bench, material: Material, tool: Tool) -> Path:
    name = f"{material.truth.name}-{tool.name.replace(', ', '-').lower()}{material.path.suffix}"
    return bench.outputs / name


def tools(options: argparse.Namespace) -> list[Tool]:
    """Deface's slower backend gives the same boxes: the quick form leaves it out."""
    names = options.tools or (TOOLS[:2] if options.quick else TOOLS)
    return [Vidette(VIDETTE) if name == TOOLS[0] else Deface(name) for name in names]


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def run(options: argparse.Namespace, bench: Bench) -> None:
    rows: dict[tuple[str, str], Row] = {}
    for material in materials(options, bench.data, bench.look):
        say(f"{material.group}: {material.path.name}")
        measure(bench, material, rows)
    print(EXPLAINED)
    print_table(list(rows.values()))
    print()
    for row in rows.values():
        if row.material == HARD:
            print_sizes(row)
    for (group, name), row in rows.items():
        if name == VIDETTE:
            for other in (item for item in rows.values() if item.material == group and item is not row):
                print_ratio(row, other)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.redaction", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one run of each, fewer clips")
    parser.add_argument("--repeats", type=int, default=3, help="runs of the clip that speed is measured on")
    parser.add_argument("--only", nargs="*", default=[], help="hard, a sequence or clips by name")
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=[], help="ours, or deface by backend")
    parser.add_argument("--keep", type=Path, help="keep outputs, and pictures of slips, in this folder")
    options = parser.parse_args(arguments)
    options.repeats = 1 if options.quick else options.repeats
    return options


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    data = Path(os.environ.get("VIDETTE_SHARED", ROOT.parent / "shared")) / "data"
    if not (data / "video").is_dir():
        say(f"bench-redaction: there are no clips in {data / 'video'}; set VIDETTE_SHARED")
        return 1
    outputs = options.keep or Path(tempfile.mkdtemp(prefix="vidette-redaction-"))
    outputs.mkdir(parents=True, exist_ok=True)
    try:
        run(options, Bench(data, SecondLook(data), tools(options), outputs))
    finally:
        if options.keep is None:
            shutil.rmtree(outputs)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
