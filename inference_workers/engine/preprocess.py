"""From pictures to the tensor that a graph wants, and back from its pixels to the picture's."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_workers.engine.frame import Image

Tensor = NDArray[np.float32]
STRIDE_PX = 32


class Colour(StrEnum):
    BGR = "bgr"
    RGB = "rgb"


class Resize(StrEnum):
    """How a picture meets the input size.

    `STRETCH`: exactly the input size, aspect lost. `LETTERBOX`: aspect kept, top left on a canvas of the
    input size. `FIT`: aspect kept, reduced (never enlarged) until it fits into the input size, padded right
    and below to multiples of 32; for graphs with free height and width.
    """

    STRETCH = "stretch"
    LETTERBOX = "letterbox"
    FIT = "fit"


@dataclass(frozen=True, slots=True)
class Preprocess:
    """tensor = (pixel * scale - mean) / std, per channel in the order of `colour`."""

    colour: Colour = Colour.BGR
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    resize: Resize = Resize.STRETCH
    pad_value: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies in its tensor: at the top left, `inner` pixels of the `tensor` size.

    `scale` is tensor pixels per picture pixel. All sizes are (width, height).
    """

    picture: tuple[int, int]
    inner: tuple[int, int]
    tensor: tuple[int, int]
    scale: tuple[float, float]

    def to_picture(self, boxes_xyxy: NDArray[np.floating]) -> NDArray[np.float32]:
        """Tensor pixels to picture pixels, clipped to the picture; shape (N, 4)."""
        boxes = boxes_xyxy / np.array([*self.scale, *self.scale])
        limits = np.array([*self.picture, *self.picture])
        return np.asarray(np.clip(boxes, 0, limits), dtype=np.float32)


def place(width: int, height: int, input_size: tuple[int, int], resize: Resize) -> Placement:
    """Plan one picture. `input_size` is (width, height) in pixels."""
    picture = (width, height)
    if resize is Resize.STRETCH:
        scale = (input_size[0] / width, input_size[1] / height)
        return Placement(picture, input_size, input_size, scale)
    ratio = min(input_size[0] / width, input_size[1] / height)
    if resize is Resize.FIT:
        ratio = min(1.0, ratio)
    inner = max(1, int(width * ratio)), max(1, int(height * ratio))
    tensor = input_size if resize is Resize.LETTERBOX else _to_stride(inner)
    return Placement(picture, inner, tensor, (ratio, ratio))


def _to_stride(size: tuple[int, int]) -> tuple[int, int]:
    return -(-size[0] // STRIDE_PX) * STRIDE_PX, -(-size[1] // STRIDE_PX) * STRIDE_PX


def to_tensor(images: Sequence[Image], places: Sequence[Placement], preprocess: Preprocess) -> Tensor:
    """Build float32 (N, 3, height, width) from BGR pictures whose places share one tensor size."""
    canvases = [
        _on_canvas(image, where, preprocess.pad_value) for image, where in zip(images, places, strict=True)
    ]
    tensor = cv2.dnn.blobFromImages(canvases, swapRB=preprocess.colour is Colour.RGB)
    return _normalise(np.asarray(tensor, dtype=np.float32), preprocess)


def _on_canvas(image: Image, where: Placement, pad_value: int) -> Image:
    if where.picture != where.inner:
        image = _resized(image, where.inner)
    if where.inner == where.tensor:
        return image
    width, height = where.tensor
    canvas = np.full((height, width, 3), pad_value, np.uint8)
    canvas[: where.inner[1], : where.inner[0]] = image
    return canvas


def _resized(image: Image, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _normalise(tensor: Tensor, preprocess: Preprocess) -> Tensor:
    """In place; the common 'as is' costs nothing."""
    factor = np.array(preprocess.scale / np.array(preprocess.std), np.float32)
    offset = np.array(np.array(preprocess.mean) / np.array(preprocess.std), np.float32)
    if (factor != 1).any():
        tensor *= factor.reshape(1, 3, 1, 1)
    if offset.any():
        tensor -= offset.reshape(1, 3, 1, 1)
    return tensor
