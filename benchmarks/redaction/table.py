"""The one table: what each tool let slip, found, covered too much, and took."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.redaction.run import Cost
from benchmarks.redaction.score import Score
from benchmarks.redaction.truth import SIZE_CLASSES

HEADINGS = (
    "material", "tool", "faces", "leaked", "detail", "2nd look", "frontal", "found", "covered", "too much",
    "fps", "CPU s", "MB", "shape",
)  # fmt: skip
WIDTHS = (12, 18, 6, 7, 7, 9, 8, 7, 8, 9, 7, 7, 6, 6)


@dataclass(slots=True)
class Row:
    """One tool on one material. A film's cost is the median over its runs; those of several films add up."""

    material: str
    tool: str
    frames: int = 0
    score: Score = field(default_factory=Score)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, frames: int, score: Score, costs: Sequence[Cost]) -> None:
        self.frames += frames
        self.score.add(score)
        self.wall_s += statistics.median(cost.wall_s for cost in costs)
        self.cpu_s += statistics.median(cost.cpu_s for cost in costs)
        self.peak_mb = max(self.peak_mb, *(cost.peak_mb for cost in costs))

    @property
    def fps(self) -> float:
        return self.frames / max(self.wall_s, 1e-9)

    def cells(self) -> list[str]:
        score, frames = self.score, max(self.score.frames, 1)
        known = score.covers_known
        return [
            self.material, self.tool, str(score.faces), str(score.by_either), str(score.by_detail),
            str(score.by_second_look), str(score.frontal_after_found) if known else "-",
            f"{score.found / max(score.faces, 1):.1%}" if known else "-",
            f"{score.covered_share / frames:.2%}" if known else "-",
            f"{score.too_much_share / frames:.2%}" if known else "-",
            f"{self.fps:.1f}", f"{self.cpu_s:.1f}", f"{self.peak_mb:.0f}",
            "same" if score.same_shape else "other",
        ]  # fmt: skip


def print_table(rows: Sequence[Row]) -> None:
    print(_line(HEADINGS))
    for row in rows:
        print(_line(row.cells()), flush=True)


def print_sizes(row: Row) -> None:
    """Recall and leaks per size class of one tool's hard sequences."""
    score = row.score
    parts = []
    for bound in SIZE_CLASSES:
        faces = score.faces_by_size[bound]
        found = f"{score.found_by_size[bound] / max(faces, 1):.1%}" if score.covers_known else "-"
        parts.append(f"from {bound} px: {found} found, {score.leaked_by_size[bound]} of {faces} leaked")
    print(f"{row.material}, {row.tool}: " + "; ".join(parts))


def print_ratio(ours: Row, theirs: Row) -> None:
    leaked, before = ours.score.by_either, theirs.score.by_either
    times = f"{before / leaked:.1f} times fewer" if leaked else "none of ours"
    print(
        f"{ours.material}: {leaked} leaked against {before} of {theirs.tool}: {times}; "
        f"{ours.fps / theirs.fps:.2f} times its frames per second"
    )


def _line(cells: Sequence[str]) -> str:
    pairs = zip(cells, WIDTHS, strict=True)
    return "".join(
        text.ljust(width) if place < 2 else text.rjust(width) for place, (text, width) in enumerate(pairs)
    )
