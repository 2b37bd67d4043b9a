"""Pictures to tensors and boxes back."""

import numpy as np
import pytest

from inference_workers.engine.preprocess import Colour, Preprocess, Resize, place, to_tensor

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.mark.parametrize(
    ("size", "input_size", "resize", "inner", "tensor"),
    [
        ((1280, 720), (640, 640), Resize.FIT, (640, 360), (640, 384)),
        ((360, 480), (640, 640), Resize.FIT, (360, 480), (384, 480)),
        ((427, 640), (416, 416), Resize.STRETCH, (416, 416), (416, 416)),
        ((1280, 720), (416, 416), Resize.LETTERBOX, (416, 234), (416, 416)),
        ((100, 50), (416, 416), Resize.LETTERBOX, (416, 208), (416, 416)),
        ((5000, 2), (320, 320), Resize.FIT, (320, 1), (320, 32)),
    ],
)
def test_it_places_a_picture(size, input_size, resize, inner, tensor) -> None:
    where = place(*size, input_size, resize)
    assert (where.inner, where.tensor) == (inner, tensor)


@pytest.mark.parametrize("resize", [*Resize])
def test_boxes_come_back_to_where_they_were(resize: Resize) -> None:
    where = place(1280, 720, (416, 416), resize)
    box = np.array([[100.0, 50.0, 300.0, 700.0]])
    in_tensor = box * np.array([*where.scale, *where.scale])
    np.testing.assert_allclose(where.to_picture(in_tensor), box, rtol=1e-5)


def test_boxes_are_clipped_to_the_picture() -> None:
    where = place(100, 50, (64, 64), Resize.LETTERBOX)
    assert where.to_picture(np.array([[-9.0, -9.0, 999.0, 999.0]])).tolist() == [[0, 0, 100, 50]]


def test_values_are_scaled_shifted_and_ordered_as_asked() -> None:
    preprocess = Preprocess(Colour.RGB, 1 / 255, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), Resize.LETTERBOX)
    tensor = to_tensor([PICTURE], [place(6, 4, (6, 4), Resize.LETTERBOX)], preprocess)
    expected = (PICTURE[:, :, ::-1] / 255 - (0.5, 0.4, 0.3)) / (0.2, 0.3, 0.4)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor[0], expected.transpose(2, 0, 1), atol=1e-5)


def test_the_canvas_around_a_picture_has_the_padding_value() -> None:
    preprocess = Preprocess(resize=Resize.LETTERBOX, pad_value=114)
    tensor = to_tensor([PICTURE], [place(6, 4, (8, 8), Resize.LETTERBOX)], preprocess)
    assert (tensor[0, :, 5:, :] == 114).all()
    assert tensor.shape == (1, 3, 8, 8)


def test_pictures_of_one_size_share_a_tensor() -> None:
    places = [place(6, 4, (32, 32), Resize.FIT)] * 2
    tensor = to_tensor([PICTURE, PICTURE[::-1]], places, Preprocess(resize=Resize.FIT))
    assert tensor.shape == (2, 3, 32, 32)
    np.testing.assert_array_equal(tensor[0, :, :4, :6], PICTURE.transpose(2, 0, 1))
