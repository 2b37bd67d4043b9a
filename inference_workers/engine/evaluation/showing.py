"""Pictures that a result shows: they leave the data plane with their faces covered."""

from collections.abc import Sequence

import numpy as np

from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.films.looking import FACE, Looker
from inference_workers.engine.frame import Image
from inference_workers.engine.redaction import encode_jpeg, mosaic_image, redact_image

JPEG_QUALITY = 82
MAX_WIDTH_PX = 960


def shown_jpeg(image: Image, faces: Sequence[Detector]) -> bytes:
    """A JPEG in which faces are covered; without a model that finds them it is a mosaic as a whole."""
    if not faces:
        return encode_jpeg(mosaic_image(image), JPEG_QUALITY, MAX_WIDTH_PX)
    boxes = Looker(tuple(faces)).look(FACE, image)[:, :4]
    height, width = image.shape[:2]
    inside = np.clip(boxes, 0, [width, height, width, height])
    whole = inside[(inside[:, 2:] - inside[:, :2] >= 1).all(axis=1)]
    return encode_jpeg(redact_image(image, whole, RedactionPolicy()), JPEG_QUALITY, MAX_WIDTH_PX)
