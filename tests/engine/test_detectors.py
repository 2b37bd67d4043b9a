"""Decoders: known outputs give known boxes, and broken outputs give errors in words."""

import numpy as np
import pytest

from inference_workers.engine.backends import BackendOptions, TensorSpec
from inference_workers.engine.detectors import detr, distribution, fastestdet, yolox
from inference_workers.engine.detectors.base import OnnxDetector, Thresholds
from inference_workers.engine.detectors.candidates import MAX_CANDIDATES, Candidates, above, best_class, merge
from inference_workers.engine.detectors.hog import HogPeople
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import build_detector
from inference_workers.engine.preprocess import Preprocess, Resize
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of

GREY = np.full((128, 256, 3), 127, np.uint8)
OPTIONS = BackendOptions()


class FakeBackend:
    """Answers what it is told, per picture; remembers the batches it was given."""

    def __init__(self, outputs, batch: int | None = 1, providers=("CUDAExecutionProvider",)) -> None:
        self.input = TensorSpec("images", (batch, 3, None, None))
        self.outputs, self.providers = (), providers
        self._outputs, self.batches = outputs, []

    def run(self, tensor: np.ndarray) -> dict[str, np.ndarray]:
        self.batches.append(tensor.shape)
        return {name: np.repeat(value, len(tensor), axis=0) for name, value in self._outputs.items()}


def detector(outputs, decoder=detr.decode, *, batch=1, resize=Resize.STRETCH, nms=None) -> OnnxDetector:
    return OnnxDetector(
        FakeBackend(outputs, batch), decoder, preprocess=Preprocess(resize=resize), input_size=(64, 64),
        thresholds=Thresholds(0.5, nms), classes=("person", "car"),
    )  # fmt: skip


def test_yolox_adds_the_cell_and_takes_the_exponent_of_the_size() -> None:
    output = np.zeros((64 + 16 + 4, 7), np.float32)
    output[8 * 2 + 3] = [0.5, 0.25, np.log(2), np.log(4), 0.9, 0.1, 0.8]  # stride 8, column 3, row 2
    found = yolox.decode({"output": output}, (64, 64), 0.5)
    assert found.class_ids.tolist() == [1]
    np.testing.assert_allclose(found.scores, [0.72], rtol=1e-5)
    np.testing.assert_allclose(found.boxes_xyxy, [[28 - 8, 18 - 16, 28 + 8, 18 + 16]], rtol=1e-5)


def test_yolox_refuses_another_count_of_cells() -> None:
    with pytest.raises(EngineError, match="expected 84 cells, the graph answered 83"):
        yolox.decode({"output": np.zeros((83, 7), np.float32)}, (64, 64), 0.5)


def test_a_distribution_is_read_as_its_mean_bin() -> None:
    scores, sides = np.zeros((64, 2), np.float32), np.full((64, 32), -30, np.float32)
    scores[9] = [0.2, 0.9]  # column 1, row 1
    sides[9].reshape(4, 8)[[0, 1, 2, 3], [1, 2, 3, 4]] = 30
    others = {"b": np.zeros((16, 32), np.float32), "a": np.zeros((16, 2), np.float32)}
    found = distribution.decode({**others, "x": sides, "y": scores}, (64, 64), 0.5)
    np.testing.assert_allclose(found.boxes_xyxy, [[12 - 8, 12 - 16, 12 + 24, 12 + 32]], atol=1e-3)
    assert found.class_ids.tolist() == [1]


def test_a_distribution_without_its_scores_is_refused() -> None:
    with pytest.raises(EngineError, match="as many outputs"):
        distribution.decode({"x": np.zeros((64, 32), np.float32)}, (64, 64), 0.5)


def test_fastestdet_weighs_objectness_and_class() -> None:
    output = np.zeros((7, 4, 4), np.float32)
    output[:, 2, 1] = [0.8, 0.0, 0.0, 0.0, 0.0, 0.1, 0.9]
    found = fastestdet.decode({"o": output}, (64, 64), 0.5)
    np.testing.assert_allclose(found.scores, [0.8**0.6 * 0.9**0.4], rtol=1e-5)
    np.testing.assert_allclose(found.boxes_xyxy, [[0, 16, 32, 48]], atol=1e-4)


@pytest.mark.parametrize(
    "names", [("logits", "pred_boxes"), ("pred_logits", "pred_boxes"), ("labels", "dets")]
)
def test_detr_heads_with_logits(names) -> None:
    made = detr_outputs((0.5, 0.5, 0.5, 0.25, 1, 0.9), (0.1, 0.1, 0.1, 0.1, 0, 0.2))
    found = detr.decode({names[0]: made["logits"][0], names[1]: made["pred_boxes"][0]}, (64, 32), 0.5)
    np.testing.assert_allclose(found.boxes_xyxy, [[16, 12, 48, 20]], rtol=1e-5)
    assert found.class_ids.tolist() == [1]


def test_detr_heads_that_are_already_postprocessed() -> None:
    outputs = {
        "labels": np.array([1, 0]), "scores": np.array([0.9, 0.1]),
        "boxes": np.array([[1, 2, 30, 40], [0, 0, 1, 1.0]]),
    }  # fmt: skip
    found = detr.decode(outputs, (64, 64), 0.5)
    assert found.boxes_xyxy.tolist() == [[1, 2, 30, 40]]


def test_detr_names_the_outputs_that_it_expects() -> None:
    with pytest.raises(EngineError, match="logits and pred_boxes"):
        detr.decode({"foo": np.zeros((1, 2))}, (64, 64), 0.5)


def test_a_real_graph_with_a_detr_head_is_loaded_and_read() -> None:
    data = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8)))
    (found,) = build_detector(data, "tiny", side_of(data), OPTIONS).detect([GREY])
    np.testing.assert_allclose(found.boxes_xyxy, [[64, 32, 192, 96]], rtol=1e-4)
    assert found.labels() == ["person"]


def test_overlapping_boxes_of_one_class_are_merged_and_of_two_are_not() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10.0]])
    found = merge(Candidates(boxes, np.array([0.6, 0.9, 0.5]), np.array([0, 0, 1])), 0.5)
    assert found.scores.tolist() == [0.9, 0.5]
    assert found.class_ids.tolist() == [0, 1]


def test_a_picture_of_noise_is_bounded() -> None:
    noise = np.random.default_rng(1).random((5000, 80))
    assert len(above(noise, 0.1)[2]) == MAX_CANDIDATES
    assert min(above(noise, 0.1)[2]) > 0.9
    assert len(best_class(noise, 0.1)[2]) == MAX_CANDIDATES


def test_nan_from_the_graph_is_an_error_in_words() -> None:
    outputs = detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8))
    outputs["pred_boxes"][0, 0, 0] = np.nan
    with pytest.raises(EngineError, match="NaN or infinity") as caught:
        detector(outputs).detect([GREY])
    assert caught.value.code == "output_not_finite"


def test_a_class_that_the_side_file_does_not_name_is_an_error() -> None:
    outputs = {"labels": np.array([[7]]), "scores": np.array([[0.9]]), "boxes": np.array([[[0, 0, 9, 9.0]]])}
    with pytest.raises(EngineError, match="below 2, the graph answered 7"):
        detector(outputs).detect([GREY])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8), np.zeros((10, 10, 4), np.uint8), np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)  # fmt: skip
def test_it_refuses_what_is_no_picture(image) -> None:
    with pytest.raises(EngineError, match="expected uint8"):
        detector(detr_outputs()).detect([image])


def test_one_tensor_per_size_where_the_graph_takes_batches() -> None:
    made = detector(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.9)), batch=None, resize=Resize.FIT)
    small = np.zeros((64, 64, 3), np.uint8)
    found = made.detect([GREY, small, GREY])
    assert made._backend.batches == [(2, 3, 32, 64), (1, 3, 64, 64)]
    assert [len(each) for each in found] == [1, 1, 1]
    np.testing.assert_allclose(found[1].boxes_xyxy, [[16, 16, 48, 48]], rtol=1e-5)


def test_one_picture_at_a_time_where_it_does_not() -> None:
    made = detector(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.9)))
    made.detect([GREY, GREY])
    assert made._backend.batches == [(1, 3, 64, 64)] * 2


def test_one_picture_at_a_time_on_a_cpu() -> None:
    backend = FakeBackend(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.9)), None, ("CPUExecutionProvider",))
    made = OnnxDetector(
        backend, detr.decode, preprocess=Preprocess(resize=Resize.STRETCH), input_size=(64, 64),
        thresholds=Thresholds(0.5, None), classes=("person", "car"),
    )  # fmt: skip
    assert [len(each) for each in made.detect([GREY, GREY])] == [1, 1]
    assert made._backend.batches == [(1, 3, 64, 64)] * 2


def test_boxes_outside_of_the_picture_are_dropped() -> None:
    found = detector(detr_outputs((2.0, 2.0, 0.1, 0.1, 0, 0.9), (0.0, 0.5, 0.5, 0.5, 1, 0.9))).detect([GREY])[
        0
    ]
    np.testing.assert_allclose(found.boxes_xyxy, [[0, 32, 64, 96]], rtol=1e-5)


def test_hog_answers_nothing_for_grey_and_for_a_tiny_picture() -> None:
    found = HogPeople().detect([GREY, np.zeros((20, 20, 3), np.uint8)])
    assert [len(each) for each in found] == [0, 0]
