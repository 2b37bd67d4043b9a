"""A clip in which nothing happens: the demo's gate with sensor noise and an empty driveway."""

from pathlib import Path

from inference_workers.demo.film import FPS, encode
from inference_workers.demo.scenes.gate import Gate

FROM_S, LENGTH_S = 29.0, 9.0


def still_clip(path: Path) -> Path:
    """Write the clip to `path`, H.264 at the demo's rate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    gate = Gate()
    encode(path, (gate.draw(FROM_S + index / FPS, index) for index in range(round(LENGTH_S * FPS))))
    return path
