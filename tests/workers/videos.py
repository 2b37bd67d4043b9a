"""Small videos that tests make: a box that walks over a noisy grey picture."""

from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS = 320, 240, 10


def picture(number: int, *, noise: bool = True, moving: bool = True) -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    if noise:
        image += np.random.default_rng(number).integers(0, 4, image.shape, dtype=np.uint8)
    if moving:
        left = number * 6 % (WIDTH - 60)
        image[80:180, left : left + 60] = (30, 200, 240)
    return image


def write_video(path: Path, seconds: float, **container: object) -> Path:
    """H.264 at 10 fps in whatever container the name or `format` says."""
    with av.open(str(path), "w", **container) as target:
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10"}
        stream = target.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(int(seconds * FPS)):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "bgr24")))
        target.mux(stream.encode())
    return path
