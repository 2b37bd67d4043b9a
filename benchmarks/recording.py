"""What a recorded picture costs: `python -m benchmarks.recording`.

Drawn 1280x720 pictures of a moving scene with one covered face, made ready and encoded as the recorder does;
processor time of one core, medians of ten seconds of five pictures each.
"""

import statistics
import time

import numpy as np

from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.engine.frame import Frame, Image
from inference_workers.engine.redaction import redact
from inference_workers.engine.segments import VideoWriter, prepare

PICTURES = 50
FPS = 5.0
MAX_WIDTH = 960


def scene(number: int) -> Image:
    """Soft ground with a textured block that moves."""
    across = np.linspace(40, 200, 1280, dtype=np.float32)
    image = np.repeat(np.repeat(across[None, :, None], 720, axis=0), 3, axis=2).astype(np.uint8)
    noise = np.random.default_rng(7).integers(0, 255, (240, 120, 3), dtype=np.uint8)
    left = 40 + 20 * (number % 50)
    image[200:440, left : left + 120] = noise
    return image


def main() -> None:
    ready_ms, encode_ms, writer, size = [], [], None, 0
    for number in range(PICTURES):
        frame = Frame(scene(number), "benchmark", "e", number, number / FPS)
        shown = redact(frame, np.array([[60.0, 210.0, 120.0, 280.0]]), RedactionPolicy())
        start = time.process_time()
        picture = prepare(shown, MAX_WIDTH)
        ready_ms.append((time.process_time() - start) * 1000)
        writer = writer or VideoWriter(picture.size, FPS)
        start = time.process_time()
        writer.add(picture.frame, picture.at)
        encode_ms.append((time.process_time() - start) * 1000)
    size = len(writer.close()) if writer else 0
    ready, encode = statistics.median(ready_ms), statistics.median(encode_ms)
    print(f"made ready {ready:.1f} ms, encoded {encode:.1f} ms per picture")
    share = (ready + encode) * FPS / 10
    print(f"{share:.1f} % of a core at {FPS:g} pictures per second; {size // 1000} kB in ten seconds")


if __name__ == "__main__":
    main()
