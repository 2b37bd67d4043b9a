"""How sure the first criterion is: faces that were only encoded again against faces that were covered.

    python -m benchmarks.redaction.calibrate ../shared/data

Every tenth frame of the hard sequences, written as the sequences are, is encoded again with H.264 in several
qualities: once as it is, and once with every face covered, in each style of ours and as deface covers. Prints
the share of faces above the threshold per size class.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.redaction import detail
from benchmarks.redaction.films import Writer, read_film
from benchmarks.redaction.scene import paint
from benchmarks.redaction.sequences import hard_sequences
from benchmarks.redaction.stock import shared_stock
from benchmarks.redaction.truth import SIZE_CLASSES, Face, Truth
from inference_workers.contracts.lease import RedactionPolicy, RedactionStyle
from inference_workers.engine.frame import Image
from inference_workers.engine.redaction import redact_image

# Of the sequences, and of what comes out: imageio's default (deface) is 25.
SOURCE_CRF, QUALITIES = 16, (20, 25, 30)
EVERY = 10
Cover = Callable[[Image, Sequence[Face]], Image]
# (as it is, quality) or (a cover's name, quality) -> size class -> detail left of each face.
Left = dict[tuple[str, int], dict[int, list[float]]]


def as_it_is(image: Image, _faces: Sequence[Face]) -> Image:
    return image


def lower_half(image: Image, faces: Sequence[Face]) -> Image:
    """A cover that has slipped: the upper half of each face shows."""
    image = image.copy()
    for left, top, right, bottom in (face.box_xyxy for face in faces):
        rows = slice(max(round((top + bottom) / 2), 0), max(round(bottom), 0))
        image[rows, max(round(left), 0) : max(round(right), 0)] = 48
    return image


def ours(style: RedactionStyle) -> Cover:
    def cover(image: Image, faces: Sequence[Face]) -> Image:
        height, width = image.shape[:2]
        boxes = np.array([face.box_xyxy for face in faces]).reshape(-1, 4)
        inside = np.clip(boxes, 0, [width, height, width, height])
        whole = (inside[:, 2:] - inside[:, :2] >= 1).all(axis=1)
        return redact_image(image, inside[whole], RedactionPolicy(style=style)).image

    return cover


def as_deface(image: Image, faces: Sequence[Face]) -> Image:
    """deface's default: a box blur of half the grown box, inside the ellipse of the grown box."""
    image = image.copy()
    height, width = image.shape[:2]
    for left, top, right, bottom in (face.box_xyxy for face in faces):
        across, down = 0.3 * (right - left), 0.3 * (bottom - top)
        x1, y1 = max(0, round(left - across)), max(0, round(top - down))
        x2, y2 = min(width - 1, round(right + across)), min(height - 1, round(bottom + down))
        patch = image[y1:y2, x1:x2]
        if min(patch.shape[:2]) < 2:
            continue
        blurred = cv2.blur(patch, (max(1, (x2 - x1) // 2), max(1, (y2 - y1) // 2)))
        mask = np.zeros(patch.shape[:2], np.uint8)
        half = ((x2 - x1) // 2, (y2 - y1) // 2)
        cv2.ellipse(mask, half, half, 0, 0, 360, 1, -1)
        patch[mask > 0] = blurred[mask > 0]
    return image


COVERS: dict[str, Cover] = {
    "as it is": as_it_is,
    "upper half shows": lower_half,
    "mosaic": ours(RedactionStyle.MOSAIC),
    "blur": ours(RedactionStyle.BLUR),
    "solid": ours(RedactionStyle.SOLID),
    "deface's blur": as_deface,
}


def sampled(data: Path) -> Iterator[tuple[Truth, list[Image]]]:
    for scene in hard_sequences(shared_stock(data)):
        painted = [paint(scene, number) for number in range(0, scene.length, EVERY)]
        labels = np.stack([frame.labels for frame in painted])
        truth = Truth(scene.name, scene.size_wh, tuple(frame.faces for frame in painted), labels)
        yield truth, [frame.image for frame in painted]


def encoded(images: Sequence[Image], crf: int) -> list[Image]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with Writer(path, (images[0].shape[1], images[0].shape[0]), crf) as writer:
            for image in images:
                writer.add(image)
        return list(read_film(path))


def measure(data: Path) -> Left:
    left: Left = defaultdict(lambda: defaultdict(list))
    for truth, images in sampled(data):
        source = encoded(images, SOURCE_CRF)
        for name, cover in COVERS.items():
            covered = [cover(image, faces) for image, faces in zip(source, truth.frames, strict=True)]
            for crf in QUALITIES:
                for number, after in enumerate(encoded(covered, crf)):
                    pair = detail.pair_of(source[number], after)
                    for face in truth.frames[number]:
                        if face.counts:
                            found = detail.detail_left(pair, truth, number, face)
                            left[name, crf][face.size_class].append(found)
    return left


def main(data: Path) -> None:
    left = measure(data)
    print(f"Faces above {detail.LEAKED_ABOVE}, in percent; in brackets 1st, 99th, 99.9th percentile of all")
    print("cover, CRF".ljust(24) + "".join(f"{f'from {bound} px':>26}" for bound in SIZE_CLASSES))
    for (name, crf), by_size in left.items():
        cells = (cell(by_size.get(bound, []), detail.LEAKED_ABOVE[bound]) for bound in SIZE_CLASSES)
        print(f"{f'{name}, {crf}':24}" + "".join(f"{text:>26}" for text in cells))


def cell(values: list[float], threshold: float) -> str:
    if not values:
        return "-"
    found = np.array(values)
    low, high, highest = np.percentile(found, (1, 99, 99.9))
    return f"{100 * (found > threshold).mean():5.1f} of {len(found)} ({low:.2f} {high:.2f} {highest:.2f})"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
