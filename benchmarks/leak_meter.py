"""How good the leak meter is: bare faces that it finds, and alarms on pictures without one.

    python -m benchmarks.leak_meter ../shared/data

Found: every labelled face of the shared pictures is left uncovered, pictures as viewers get them (960 px at
most, JPEG 80). False alarms: the same pictures with every labelled face covered, and clips of roads and car
parks in which no face is large enough to be seen; what is found off the covers there is a false alarm, or a
face that nobody labelled.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.detectors import open_known
from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.boxes import iou_xyxy
from inference_workers.engine.builtin_models import BUILTINS
from inference_workers.engine.frame import Image
from inference_workers.engine.redaction import encode_jpeg, redact_image
from inference_workers.engine.second_look import (
    BOLD_SCORE,
    MIN_SCORE,
    AgreeingLooker,
    CascadeLooker,
    Looker,
    ModelLooker,
    find_leaks,
)

EMPTY_CLIPS = ("cam03", "cam04", "cam06")
FRAMES_PER_CLIP = 40
MAX_WIDTH = 960
SIZES = ((12, 24), (24, 48), (48, 10_000))
FOUND_IOU = 0.3
NOBODY = np.zeros((0, 4))
Case = tuple[Image, np.ndarray]


def jpeg(image: Image, covered: np.ndarray = NOBODY) -> Case:
    """A picture as a viewer gets it, and its covers in pixels of that."""
    redacted = redact_image(image, covered, RedactionPolicy())
    data = np.frombuffer(encode_jpeg(redacted, 80, MAX_WIDTH), np.uint8)
    small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    scale = small.shape[1] / image.shape[1]
    return small, np.array(redacted.covered_xyxy, np.float64).reshape(-1, 4) * scale


def labelled(data: Path) -> Iterator[tuple[Image, np.ndarray]]:
    """Pictures and their labelled faces (N, 4), whoever labelled them."""
    truth = json.loads((data / "images/faces/faces.json").read_text())
    for entry in truth["images"]:
        boxes = [row["bbox"] for row in truth["annotations"] if row["image_id"] == entry["id"]]
        image = cv2.imread(str(data / "images/faces" / entry["file_name"]))
        if image is None or not boxes:
            continue
        xywh = np.array(boxes, np.float64)
        faces = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        limits = [image.shape[1], image.shape[0]] * 2
        yield np.asarray(image, np.uint8), np.clip(faces, 0, limits)


def frames(path: Path) -> Iterator[Image]:
    film = cv2.VideoCapture(str(path))
    step = max(1, int(film.get(cv2.CAP_PROP_FRAME_COUNT)) // FRAMES_PER_CLIP)
    for number in range(FRAMES_PER_CLIP):
        film.set(cv2.CAP_PROP_POS_FRAMES, number * step)
        done, image = film.read()
        if done:
            yield np.asarray(image, np.uint8)


def found(leaks: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which faces (N,) overlap one of the finds."""
    if not len(leaks):
        return np.zeros(len(faces), bool)
    return np.asarray(iou_xyxy(faces, leaks).max(axis=1) >= FOUND_IOU)


def leaks_in(case: Case, lookers: Sequence[Looker]) -> np.ndarray:
    image, covers = case
    boxes = [leak.box_xyxy for leak in find_leaks(image, covers, lookers) if not leak.on_cover]
    return np.array(boxes, np.float64).reshape(-1, 4)


def meters(data: Path) -> dict[str, tuple[Looker, ...]]:
    """Who looks again, as the worker chooses it for what is installed."""
    centerface = BUILTINS["centerface"].open(None, BackendOptions(), (1920, 1920))  # type: ignore[arg-type]
    yunet = open_known(data / "weights/face/yunet_n_dynamic.onnx", size=1920)
    ultralight = open_known(data / "weights/face/ultralight_rfb_640.onnx")
    least, bold = MIN_SCORE["centerface"], BOLD_SCORE["centerface"]
    return {
        "Ultra-Light after both": (ModelLooker(ultralight, "ultralight", MIN_SCORE["ultralight"]),),
        "YuNet alone": (
            ModelLooker(yunet, "yunet", MIN_SCORE["yunet"]),
            ModelLooker(yunet, "yunet", MIN_SCORE["yunet"], 1.5),
            AgreeingLooker(ModelLooker(yunet, "yunet", BOLD_SCORE["yunet"]), CascadeLooker()),
        ),
        "YuNet after CenterFace": (ModelLooker(yunet, "yunet", MIN_SCORE["yunet"]),),
        "CenterFace after YuNet": (ModelLooker(centerface, "centerface", MIN_SCORE["centerface"]),),  # type: ignore[arg-type]
        "CenterFace alone": (
            ModelLooker(centerface, "centerface", least),  # type: ignore[arg-type]
            ModelLooker(centerface, "centerface", least, 1.5),  # type: ignore[arg-type]
            AgreeingLooker(ModelLooker(centerface, "centerface", bold), CascadeLooker()),  # type: ignore[arg-type]
        ),
    }


def report_found(data: Path, lookers: Sequence[Looker]) -> str:
    sides, hits = [], []
    for image, faces in labelled(data):
        small, _ = jpeg(image)
        scaled = faces * (small.shape[1] / image.shape[1])
        sides += (scaled[:, 2:] - scaled[:, :2]).min(axis=1).tolist()
        hits += found(leaks_in((small, NOBODY), lookers), scaled).tolist()
    cells = []
    for low, high in SIZES:
        of_size = [hit for side, hit in zip(sides, hits, strict=True) if low <= side < high]
        cells.append(f"{low}+ px {sum(of_size)}/{len(of_size)}")
    return ", ".join(cells)


def report_false(cases: Sequence[Case], lookers: Sequence[Looker]) -> str:
    alarms = [len(leaks_in(case, lookers)) for case in cases]
    return f"{sum(count > 0 for count in alarms)} of {len(cases)} pictures ({sum(alarms)} finds)"


def main(data: Path) -> None:
    covered = [jpeg(image, faces) for image, faces in labelled(data)]
    clips = [path for name in EMPTY_CLIPS for path in sorted((data / "video").glob(f"{name}_*"))]
    empty = [jpeg(image) for path in clips for image in frames(path)]
    for name, lookers in meters(data).items():
        print(f"{name}: found {report_found(data, lookers)}")
        print(f"  alarms on covered pictures: {report_false(covered, lookers)}")
        print(f"  alarms on roads and car parks: {report_false(empty, lookers)}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
