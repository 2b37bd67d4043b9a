"""A short film with a face that walks: for tests that need something to cover."""

import io

import av
import numpy as np
from skimage import data
from skimage.transform import resize

WIDTH, HEIGHT, FPS = 480, 270, 10
FACE = data.astronaut()[0:200, 120:320]


def walking_face(seconds: float = 3.0) -> bytes:
    """MP4 with H.264; the face is about 70 px wide."""
    face = (resize(FACE, (130, 130), anti_aliasing=True) * 255).astype(np.uint8)
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(int(seconds * FPS)):
            picture = np.full((HEIGHT, WIDTH, 3), (70, 90, 110), np.uint8)
            left = 20 + number * 8 % (WIDTH - 150)
            picture[60:190, left : left + 130] = face
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return target.getvalue()
