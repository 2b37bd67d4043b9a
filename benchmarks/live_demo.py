"""The whole product over real clips: events per clip, boxes, faces that show in live pictures, accounts.

    python -m benchmarks.live_demo ../shared/data [--pictures=200] [--soak=SECONDS] [--keep=FOLDER]

Starts `manage.py up --demo` with every clip and every known model, watches one camera after the other over
the websocket as an operator does, and looks at each picture that arrived with YuNet (score 0.6, at 1x) once
the watching is over. Then the installation goes on for `--soak` seconds with nobody watching, and every
camera's account has to balance. `--keep` writes a picture of each clip with its boxes, and all with finds,
the finds marked. Ends with an error when an account does not balance or a camera sent no picture.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import Seen, watch
from benchmarks.installation import Installation
from benchmarks.live_privacy import LARGE_PX, finds_of, open_yunet
from inference_workers.engine.frame import Image

CLIP_SUFFIXES = {".mp4", ".avi"}
OPERATORS = {"Harbour office": "alice", "Depot": "dana"}
PATIENCE_S = 90.0
SETTLE_S = 20.0


def main(arguments: Sequence[str]) -> int:
    data = Path(next(a for a in arguments if not a.startswith("-")))
    options = dict(a[2:].split("=", 1) for a in arguments if a.startswith("--"))
    clips = sorted(path for path in (data / "video").iterdir() if path.suffix in CLIP_SUFFIXES)
    models = [path for kind in ("detection", "face") for path in (data / "weights" / kind).glob("*.onnx")]
    keep = Path(options["keep"]) if "keep" in options else None
    with (
        tempfile.TemporaryDirectory(prefix="vidette-demo-") as folder,
        Installation(Path(folder), clips, models) as installation,
    ):
        installation.wait_for_model("yolox")
        time.sleep(SETTLE_S)
        cameras = [line.split("\t") for line in installation.inside("cameras").splitlines()]
        seen = {}
        for camera_id, site, _name in cameras:
            seen[camera_id] = watch(
                installation, OPERATORS[site], camera_id, seconds=PATIENCE_S,
                pictures=int(options.get("pictures", 200)),
            )  # fmt: skip
        time.sleep(float(options.get("soak", 0)))
        events = _events(installation)
        accounts = [line.split("\t") for line in installation.inside("accounts").splitlines()]
    yunet = open_yunet(data)
    print(f"{'clip':<34} pictures mosaics finds (large)  p95 s  events")
    for camera_id, _site, name in cameras:
        print(_line(name, seen[camera_id], events.get(camera_id, Counter()), yunet, keep), flush=True)
    off = [row for row in accounts if row[1] != "1"]
    totals = [sum(int(row[i]) for row in accounts) for i in range(2, 7)]
    print("accounts: {} captured = {} analysed + {} skipped + {} lost + {} in flight".format(*totals))
    print(f"{len(accounts) - len(off)} of {len(accounts)} accounts balance")
    return int(bool(off) or not all(seen.values()))


def _events(installation: Installation) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for line in installation.inside("events").splitlines():
        camera_id, label, number = line.split("\t")
        found.setdefault(camera_id, Counter())[label] = int(number)
    return found


def _line(
    name: str, seen: Sequence[Seen], events: Counter[str], yunet: cv2.FaceDetectorYN, keep: Path | None
) -> str:
    mosaics = sum(header.redaction == "mosaic" for _at, header, _jpeg in seen)
    leaking = large = 0
    for number, (_at, _header, jpeg) in enumerate(seen):
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        finds = finds_of(yunet, image) if image is not None else []
        leaking += bool(len(finds))
        large += any(min(find[2], find[3]) >= LARGE_PX for find in finds)
        if keep is not None and image is not None and len(finds):
            _keep_finds(keep / f"{name}-{number:03}.jpg", image, finds)
    if keep is not None and seen:
        _keep_boxes(keep / f"{name}.jpg", max(seen, key=lambda item: len(item[1].boxes)))
    delays = [at - header.grabbed_at for at, header, _jpeg in seen]
    p95 = float(np.quantile(delays, 0.95)) if delays else float("nan")
    told = ", ".join(f"{label} {number}" for label, number in events.most_common(5)) or "none"
    return f"{name:<34} {len(seen):>8} {mosaics:>7} {leaking:>5} ({large})  {p95:>9.2f}  {told}"


def _keep_finds(path: Path, image: Image, finds: Sequence[Sequence[float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = image.copy()
    for find in finds:
        left, top, width, height = (round(float(side)) for side in find[:4])
        cv2.rectangle(marked, (left - 4, top - 4), (left + width + 4, top + height + 4), (0, 0, 255), 1)
    cv2.imwrite(str(path), marked)


def _keep_boxes(path: Path, item: Seen) -> None:
    _at, header, jpeg = item
    path.parent.mkdir(parents=True, exist_ok=True)
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return
    height, width = image.shape[:2]
    for box in header.boxes:
        left, top, right, bottom = (
            round(side * size) for side, size in zip(box.box_xyxy, (width, height) * 2, strict=True)
        )
        cv2.rectangle(image, (left, top), (right, bottom), (0, 255, 0), 2)
        cv2.putText(image, f"{box.label} {box.score:.2f}", (left, top - 4), 0, 0.5, (0, 255, 0), 1)
    cv2.imwrite(str(path), image)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
