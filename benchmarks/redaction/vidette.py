"""Vidette's own tool: the command as a person runs it, with the models that come with it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.redaction.films import shape_of
from benchmarks.redaction.run import Cost, timed
from benchmarks.redaction.tools import Cover, Covers, read_covers
from inference_workers.contracts import redactions as keys
from inference_workers.engine.boxes import clip_xyxy, grow_xyxy
from inference_workers.engine.films.covering import SegmentCovers, covers_from
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.engine.redaction import MIN_GROW
from inference_workers.redact import FileOptions, redact_file


@dataclass(frozen=True, slots=True)
class Vidette:
    """`data_dir` (`VIDETTE_DATA_DIR`) may hold more models; None: those that come with it."""

    name: str = "Vidette"
    data_dir: Path | None = None

    def run(self, source: Path, target: Path) -> Cost:
        command = [sys.executable, "-m", "inference_workers.redact", str(source), str(target)]
        with TemporaryDirectory() as empty:
            folder = str(self.data_dir or empty)
            return timed([*command, "--progress", "none"], {"VIDETTE_DATA_DIR": folder})

    def watched(self, source: Path, target: Path) -> tuple[Covers, Cost]:
        with TemporaryDirectory() as scratch:
            written = Path(scratch) / "covers.json"
            command = [sys.executable, "-m", __name__, str(source), str(target), str(written)]
            cost = timed(command, {"VIDETTE_DATA_DIR": str(self.data_dir or scratch)})
            return read_covers(written, round_=False), cost


def main(source: Path, target: Path, written: Path) -> None:
    """Redact a film as the command does, and write down what it covered."""
    options = FileOptions(work_folder=written.with_name("work"), keep_work=True)
    redact_file(source, target, options)
    frames = covers_in(written.with_name("work"), source, options)
    written.write_text(json.dumps([[cover.box_xyxy for cover in frame] for frame in frames]))


def covers_in(work: Path, source: Path, options: FileOptions) -> Covers:
    """What a work folder says is covered in each frame, grown as it is when it is painted."""
    (job,) = (path.name for path in (work / keys.job_prefix("")).iterdir())
    folder = WorkFolder(work)
    paths = sorted(folder.path(keys.covers_key(job, 0, "x")).parent.glob("*.json"))
    documents = [folder.read_json(str(path.relative_to(work))) for path in paths]
    segments = [covers_from(document, options.redaction) for document in documents]
    shape = shape_of(source)
    return tuple(
        tuple(cover for segment in segments for cover in _at(segment, at_s, shape.size_wh))
        for at_s in shape.stamps_s
    )


def _at(segment: SegmentCovers, at_s: float, size_wh: tuple[int, int]) -> list[Cover]:
    boxes = segment.boxes_at(at_s, *size_wh)
    grown = clip_xyxy(grow_xyxy(boxes, max(segment.policy.grow, MIN_GROW)), *size_wh)
    return [Cover((x1, y1, x2, y2), False) for x1, y1, x2, y2 in grown.tolist()]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
