"""Decoding pictures that strangers upload."""

import io
import warnings

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile, ImageOps, UnidentifiedImageError

from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Image

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 64_000_000
MIN_SIDE_PX = 16
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
_SIXTEEN_BIT = {"I", "I;16", "I;16B", "I;16L", "I;16N"}


def decode_picture(data: bytes) -> Image:
    """uint8 BGR (height, width, 3), turned upright as its EXIF says; the first picture of an animation.

    Raises:
        EngineError: `image_unsupported`, `image_too_large`, `image_too_small`, `image_truncated`.
    """
    with warnings.catch_warnings():
        # Pillow warns from 89 megapixels on; our own limit is lower and is an error.
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        picture = _open(data)
        _check_size(*picture.size)
        return _to_bgr(_load(picture))


def _open(data: bytes) -> Pillow.Image:
    try:
        return Pillow.open(io.BytesIO(data), formats=FORMATS)
    except Pillow.DecompressionBombError as error:
        raise _too_large("more") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        if data.startswith(_BEGINNINGS):
            raise _truncated() from error
        raise EngineError(
            "image_unsupported", f"expected a picture in {', '.join(FORMATS)}, got something else"
        ) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large(f"{width}x{height}")
    if min(width, height) < MIN_SIDE_PX:
        raise EngineError(
            "image_too_small", f"expected at least {MIN_SIDE_PX} pixels per side, got {width}x{height}"
        )


def _too_large(got: str) -> EngineError:
    limit = MAX_PIXELS // 1_000_000
    return EngineError("image_too_large", f"expected at most {limit} megapixels, got {got}")


def _truncated() -> EngineError:
    return EngineError("image_truncated", "expected a whole picture, its data ends early or is damaged")


def _load(picture: Pillow.Image) -> Pillow.Image:
    # A switch of the whole process that other libraries turn on: half a picture must stay an error here.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise _truncated() from error
    return ImageOps.exif_transpose(picture)


def _to_bgr(picture: Pillow.Image) -> Image:
    if picture.mode in _SIXTEEN_BIT:
        grey = (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = _on_white(picture.convert("RGBA"))
    return np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])


def _on_white(picture: Pillow.Image) -> Pillow.Image:
    """Hidden pixels must not come back as content: what is analysed is what a viewer would see."""
    paper = Pillow.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return paper
