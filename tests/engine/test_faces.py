"""Face decoders, and the built-in face model on the public-domain portrait that scikit-image carries."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from inference_workers.contracts.lease import ModelRef
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.builtin_models import CENTERFACE_SHA256
from inference_workers.engine.errors import EngineError
from inference_workers.engine.faces import centerface, ultralight, yunet
from inference_workers.engine.model_directory import ModelDirectory
from tests.engine.onnx_graphs import worker_settings

CENTERFACE = ModelRef("v1", "centerface", "centerface", CENTERFACE_SHA256)
FACE_XYXY = np.array([[181.5, 58.2, 269.9, 177.8]])


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("data")
    return ModelDirectory(worker_settings(folder)).load(CENTERFACE).detector


def test_centerface_finds_the_face_where_it_is(detector, portrait) -> None:
    (found,) = detector.detect([portrait])
    assert found.labels() == ["face"]
    np.testing.assert_allclose(found.boxes_xyxy, FACE_XYXY, atol=0.2)
    np.testing.assert_allclose(found.scores, [0.929], atol=0.002)


def test_a_batch_gives_what_single_pictures_give(detector, portrait) -> None:
    pictures = [portrait, portrait[:, ::-1].copy(), np.zeros_like(portrait)]
    together = detector.detect(pictures)
    for picture, found in zip(pictures, together, strict=True):
        (alone,) = detector.detect([picture])
        np.testing.assert_allclose(found.boxes_xyxy, alone.boxes_xyxy, atol=0.01)
    assert [len(found) for found in together] == [1, 1, 0]


@pytest.mark.parametrize("height_px", [60, 42, 30, 24])
def test_centerface_finds_small_faces(detector, portrait, height_px) -> None:
    import cv2

    share = height_px / 119
    small = cv2.resize(portrait, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    canvas = np.full((360, 640, 3), 200, np.uint8)
    canvas[50 : 50 + small.shape[0], 100 : 100 + small.shape[1]] = small
    (found,) = detector.detect([canvas])
    truth = FACE_XYXY * share + np.array([100, 50, 100, 50])
    assert iou_xyxy(truth, found.boxes_xyxy).max() > 0.5


def test_centerface_reads_x_and_y_from_the_right_planes() -> None:
    outputs = {"537": np.zeros((1, 4, 8)), "538": np.zeros((2, 4, 8)), "539": np.zeros((2, 4, 8))}
    outputs["537"][0, 1, 6] = 0.9
    outputs["538"][:, 1, 6] = np.log(2), np.log(3)  # height, width
    outputs["539"][:, 1, 6] = 0.25, 0.5  # y, x
    found = centerface.decode(outputs, (32, 16), 0.5)
    np.testing.assert_allclose(found.boxes_xyxy, [[28 - 6, 7 - 4, 28 + 6, 7 + 4]])


def test_yunet_decodes_the_cell_of_its_stride() -> None:
    outputs = {
        f"{kind}_{stride}": np.zeros(((64 // stride) ** 2, columns), np.float32)
        for stride in (8, 16, 32)
        for kind, columns in (("cls", 1), ("obj", 1), ("bbox", 4))
    }
    outputs["cls_16"][5], outputs["obj_16"][5] = 0.81, 1.5  # clipped to 1
    outputs["bbox_16"][5] = 0.5, 0.5, np.log(1), np.log(2)
    found = yunet.decode(outputs, (64, 64), 0.5)
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-5)
    np.testing.assert_allclose(found.boxes_xyxy, [[16, 8, 32, 40]], rtol=1e-5)


def test_ultralight_leaves_the_background_out_and_tells_masks_apart() -> None:
    scores = np.array([[0.9, 0.1, 0.0], [0.1, 0.2, 0.7]])
    boxes = np.array([[0, 0, 1, 1], [0.25, 0.5, 0.5, 1.0]])
    found = ultralight.decode({"scores": scores, "boxes": boxes}, (64, 32), 0.5)
    assert found.class_ids.tolist() == [1]
    np.testing.assert_allclose(found.boxes_xyxy, [[16, 16, 32, 32]])


@pytest.mark.parametrize("decoder", [centerface.decode, yunet.decode, ultralight.decode])
def test_a_graph_of_another_family_is_refused(decoder) -> None:
    with pytest.raises(EngineError, match="expected outputs"):
        decoder({"other": np.zeros((1, 4))}, (64, 64), 0.5)
