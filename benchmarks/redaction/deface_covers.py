"""deface as it is, and beside it a JSON of what it covered: run by the Python of deface's own environment.

    python deface_covers.py COVERS.json <deface's arguments>

Writes one list per frame of boxes (left, top, right, bottom) as covered, in pixels.
"""

import json
import sys
from pathlib import Path
from typing import Any

from deface import deface as tool


def main() -> None:
    target = Path(sys.argv.pop(1))
    frames: list[list[list[float]]] = []
    cover = tool.anonymize_frame

    def covered(dets: Any, frame: Any, mask_scale: float, **rest: Any) -> None:
        frames.append([[*map(float, tool.scale_bb(*det[:4].astype(int), mask_scale))] for det in dets])
        cover(dets, frame, mask_scale=mask_scale, **rest)

    tool.anonymize_frame = covered
    tool.main()
    target.write_text(json.dumps(frames))


if __name__ == "__main__":
    main()
