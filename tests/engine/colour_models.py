"""A real classifier whose answer hangs on the colour of its picture, and on how the picture is fed."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from inference_workers.engine.preprocess import Colour, Preprocess
from inference_workers.engine.side_file import SideFile
from tests.engine.onnx_graphs import sealed, side_of

CLASSES = ("dark", "red", "green", "blue")
# The usual figures of networks that were trained on ImageNet, in the order red, green, blue.
FED = Preprocess(
    colour=Colour.RGB, scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)  # fmt: skip
SIDE = 32
RED, GREEN, BLUE, DARK = (40, 40, 230), (40, 200, 40), (230, 40, 40), (45, 45, 45)  # BGR
COLOURS = {"red": RED, "green": GREEN, "blue": BLUE, "dark": DARK}


def colour_graph(*, softmax: bool = False, batch: int | str = "n", tail: tuple[str, ...] = ()) -> bytes:
    """The mean of every channel as it is fed; where all of them are low the picture is dark.

    Args:
        tail: operators behind the numbers, for graphs that are wrong.
    """
    weights = 4 * np.eye(3, 4, 1, np.float32)
    bias = np.array([3, 0, 0, 0], np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["numbers"]),
    ]
    names = [*(["Softmax"] if softmax else []), *tail]
    for place, name in enumerate(names):
        before = nodes[-1].output[0]
        nodes.append(helper.make_node(name, [before], [f"after{place}"]))
    nodes[-1].output[0] = "answer"
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (batch, 3, SIDE, SIDE))],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, (batch, len(CLASSES)))],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    return sealed(graph)


def colour_side(data: bytes, **changes: object) -> SideFile:
    facts = {
        "family": "classifier-logits", "task": "classification", "classes": CLASSES,
        "input_size": (SIDE, SIDE), "preprocess": FED, "thresholds": {"score": 0.6},
        "identifies_persons": False,
    }  # fmt: skip
    return side_of(data, **(facts | changes))


def plain(colour: tuple[int, int, int], width: int = 60, height: int = 40) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)
