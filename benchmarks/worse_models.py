"""Deliberately worse copies of PicoDet 320, as graphs: the same network with worse answers, or twice as slow.

    python -m benchmarks.worse_models ../shared/data FOLDER

Writes NAME.onnx with NAME.json for each kind. They name no parent: what does is compared before it serves.
"""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from benchmarks.known_weights import FILES
from inference_workers.engine.detectors.distribution import BINS, SIDES
from inference_workers.side_files import describe_known

SOURCE = FILES["picodet-s-320"]
DROPPED = ("person", "car")
SHIFT = 0.15
# Box sides are expectations over eight bins of one stride each: so many bins further right and down.
BINS_RIGHT, BINS_DOWN = 2, 1
_NEVER = -30.0
_HARDLY = 1e-3  # of a normalised picture


class _Graph:
    """One graph that is given more nodes behind its outputs; the outputs keep their names."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model, self.graph, self._count = model, model.graph, 0

    def constant(self, value: np.ndarray) -> str:
        name = self._name("constant")
        self.graph.initializer.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        name = self._name(kind)
        self.graph.node.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def behind(self, columns: int, change: Callable[[str, int], str]) -> None:
        """Change every output of so many columns, by its name and the number of its cells."""
        for output in self.graph.output:
            cells, wide = (dim.dim_value for dim in output.type.tensor_type.shape.dim[-2:])
            if wide == columns:
                self._put(output.name, change(self._before(output.name), cells))

    def twice(self, aside: float) -> None:
        """Run the network once more, on the picture plus `aside`; every output becomes the mean of both."""
        weights = {weight.name for weight in self.graph.initializer}
        (image,) = (item.name for item in self.graph.input if item.name not in weights)
        nodes = list(self.graph.node)
        names = {image: self.add("Add", [image, self.constant(np.array(aside, np.float32))])}
        names |= {output: self._name("twin") for node in nodes for output in node.output}
        for node in nodes:
            twin = self.graph.node.add()
            twin.CopyFrom(node)
            twin.name = self._name("twin")
            twin.input[:] = [names.get(name, name) for name in node.input]
            twin.output[:] = [names[name] for name in node.output]
        half = self.constant(np.array(0.5, np.float32))
        for output in self.graph.output:
            both = self.add("Add", [self._before(output.name), names[output.name]])
            self._put(output.name, self.add("Mul", [both, half]))

    def _before(self, output: str) -> str:
        """What an output was, under another name."""
        before = self._name("before")
        for node in self.graph.node:
            node.output[:] = [before if name == output else name for name in node.output]
            node.input[:] = [before if name == output else name for name in node.input]
        return before

    def _put(self, output: str, value: str) -> None:
        self.graph.node.append(helper.make_node("Identity", [value], [output]))

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"worse_{kind}_{self._count}"


def dropped(graph: _Graph, classes: tuple[str, ...]) -> None:
    """The commonest classes of the clips are found no more."""
    kept = np.array([0.0 if name in DROPPED else 1.0 for name in classes], np.float32)
    graph.behind(len(classes), lambda scores, _: graph.add("Mul", [scores, graph.constant(kept)]))


def shifted(graph: _Graph, classes: tuple[str, ...]) -> None:
    """All scores lower; what falls below the threshold is not reported."""
    shift = np.array(SHIFT, np.float32)

    def lower(scores: str, _: int) -> str:
        return graph.add("Relu", [graph.add("Sub", [scores, graph.constant(shift)])])

    graph.behind(len(classes), lower)


def displaced(graph: _Graph, classes: tuple[str, ...]) -> None:
    """Every box further right and down: left and top lose bins, right and bottom gain as many."""
    moves = (-BINS_RIGHT, -BINS_DOWN, BINS_RIGHT, BINS_DOWN)
    # The column behind the last one holds what no softmax takes up.
    columns = [
        side * BINS + bin_ - move if 0 <= bin_ - move < BINS else SIDES * BINS
        for side, move in enumerate(moves)
        for bin_ in range(BINS)
    ]

    def move(sides: str, cells: int) -> str:
        never = graph.constant(np.full((1, cells, 1), _NEVER, np.float32))
        wider = graph.add("Concat", [sides, never], axis=2)
        return graph.add("Gather", [wider, graph.constant(np.array(columns, np.int64))], axis=2)

    graph.behind(SIDES * BINS, move)


def slower(graph: _Graph, classes: tuple[str, ...]) -> None:
    """The same answers for twice the work. The second picture differs by next to nothing: the runtime would
    merge two runs on the same one."""
    graph.twice(_HARDLY)


def unchanged(graph: _Graph, classes: tuple[str, ...]) -> None:
    """Other bytes, the same answers."""
    graph.model.producer_name = "another build"


KINDS: dict[str, Callable[[_Graph, tuple[str, ...]], None]] = {
    "equal": unchanged,
    "worse-class-dropped": dropped,
    "worse-scores-shifted": shifted,
    "worse-boxes-displaced": displaced,
    "worse-twice-as-slow": slower,
}


def write(weights: Path, folder: Path) -> dict[str, Path]:
    """By kind the graph; the side file lies beside it."""
    known = describe_known(weights / SOURCE)
    if known is None:
        raise SystemExit(f"{SOURCE}: expected the known file, its sha256 is in no table")
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for kind, change in KINDS.items():
        graph = _Graph(onnx.load(weights / SOURCE))
        change(graph, known.side.classes)
        onnx.checker.check_model(graph.model)
        data = graph.model.SerializeToString()
        side = replace(known.side, sha256=hashlib.sha256(data).hexdigest(), source=f"benchmark: {kind}")
        found[kind] = folder / f"{kind}.onnx"
        found[kind].write_bytes(data)
        found[kind].with_suffix(".json").write_text(side.to_json())
    return found


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]) / "weights" / "detection", Path(sys.argv[2])).values():
        print(path)
