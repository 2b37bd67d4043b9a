"""Draws the clips, writes them as H.264, and remembers what it wrote."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from inference_workers.demo.canvas import HEIGHT_PX, WIDTH_PX, Image
from inference_workers.demo.scene import LOOP_S, Caption, Scene
from inference_workers.demo.scenes.corridor import Corridor
from inference_workers.demo.scenes.gate import Gate
from inference_workers.demo.scenes.lobby import Lobby
from inference_workers.demo.scenes.yard import Yard
from inference_workers.engine.parent import end_with_parent

FPS = 12
# The rate is bounded as in a real camera: grain would else take 10 Mbit/s.
_ENCODER = {
    "preset": "veryfast",
    "crf": "24",
    "maxrate": "1500k",
    "bufsize": "3000k",
    "threads": "1",
    "bf": "0",
}
MANIFEST = "clips.json"
SCENES: dict[str, Callable[[], Scene]] = {"lobby": Lobby, "gate": Gate, "yard": Yard, "corridor": Corridor}


def make_clips(folder: Path, workers: int = 2) -> dict[str, Any]:
    """Write the demo clips below `folder`, or leave them when they are there already.

    Returns:
        the manifest: `version`, and per clip its file, size and how to set up its camera.
    """
    folder.mkdir(parents=True, exist_ok=True)
    present = _present(folder)
    if present is not None:
        return present
    with ProcessPoolExecutor(min(workers, len(SCENES)), initializer=end_with_parent) as pool:
        clips = list(pool.map(_make_clip, [folder] * len(SCENES), SCENES))
    manifest = {"version": version(), "clips": clips}
    _write(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    return manifest


def version() -> str:
    """A hash over the code that draws: other code, other clips."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def pictures(scene: Scene, fps: int = FPS, length_s: float = LOOP_S) -> Iterator[Image]:
    """The pictures of one loop, each with its caption."""
    caption = Caption(scene.camera.title)
    for index in range(round(length_s * fps)):
        picture = scene.draw(index / fps, index)
        caption.draw(picture, index / fps)
        yield picture


def _present(folder: Path) -> dict[str, Any] | None:
    """The manifest, when it belongs to this code and all its clips have the size they were written with."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        whole = all((folder / clip["file"]).stat().st_size == clip["bytes"] for clip in manifest["clips"])
    except (OSError, ValueError, KeyError):
        return None
    return manifest if whole and manifest.get("version") == version() else None


def _make_clip(folder: Path, name: str) -> dict[str, Any]:
    scene = SCENES[name]()
    path = folder / f"demo-{name}.mp4"
    unfinished = path.with_suffix(".part")
    encode(unfinished, pictures(scene))
    os.replace(unfinished, path)  # noqa: PTH105 - atomic on purpose
    return {"file": path.name, "bytes": path.stat().st_size, "camera": asdict(scene.camera)}


def encode(path: Path, frames: Iterator[Image]) -> None:
    """H.264 in MP4 with a key picture per second, so that a player can start anywhere."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.codec_context.options = _ENCODER
        stream.codec_context.gop_size = FPS
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _write(path: Path, contents: bytes) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(contents)
    os.replace(unfinished, path)  # noqa: PTH105 - atomic on purpose
