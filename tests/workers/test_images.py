"""One uploaded picture: checked, looked at, covered, and the original gone."""

import io
import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import redis
from PIL import Image as Pillow
from PIL import ImageFile
from skimage import data

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.lease import ModelRef, RedactionPolicy, Script, Stage
from inference_workers.contracts.names import RESULTS
from inference_workers.contracts.uploads import AnalyseImage, AnalyseImageReply
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.pictures import decode_picture
from inference_workers.objects import Objects
from inference_workers.tasks import gpu
from inference_workers.tasks.counters import Counters
from inference_workers.tasks.images import ImageAnalyser
from inference_workers.tasks.loaded import LoadedModels
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings

PORTRAIT = data.astronaut()


def encoded(image: np.ndarray, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its few bytes do not hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    bomb = chunk(b"IDAT", zlib.compress(b"\x00" * 10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + bomb + chunk(b"IEND", b"")


class Case:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "objects with space"
        self.objects = Objects(self.folder.as_uri())
        self.directory = ModelDirectory(worker_settings(folder))
        self.models = LoadedModels(self.directory)
        self.analyser = ImageAnalyser(self.models, self.objects, Counters())
        self.cards = {card.name: card for card in self.directory.cards()}

    def ref(self, name: str) -> ModelRef:
        card = self.cards[name]
        return ModelRef(f"{name}-1", name, card.family, card.sha256)

    def work(self, picture: bytes, **changes: object) -> AnalyseImage:
        self.objects.put("uploads/work-1", picture)
        work = AnalyseImage(
            "work-1", 1, "uploads/work-1", "results/work-1.jpg", {Stage.FACES: self.ref("centerface")},
            Script.LATIN, RedactionPolicy(), "vidette:test:image", time.time() + 60,
        )  # fmt: skip
        return replace(work, **changes)  # type: ignore[arg-type]

    def picture(self) -> np.ndarray:
        image = cv2.imdecode(
            np.frombuffer(self.objects.get("results/work-1.jpg"), np.uint8), cv2.IMREAD_COLOR
        )
        assert image is not None
        return image

    def faces(self, image: np.ndarray) -> int:
        (found,) = self.models.get(self.ref("centerface")).detector.detect([image])
        return len(found)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("images"))


def test_a_face_is_found_and_covered(case) -> None:
    reply = case.analyser.analyse(case.work(encoded(PORTRAIT, quality=95)))
    assert (reply.error, reply.redaction, reply.width, reply.height) == (None, "image", 512, 512)
    assert [found.label for found in reply.found] == ["face"]
    assert reply.served == {"faces": case.ref("centerface").sha256}
    assert case.faces(PORTRAIT[:, :, ::-1].copy()) == 1
    assert case.faces(case.picture()) == 0
    background = np.abs(case.picture()[300:, 300:].astype(int) - PORTRAIT[300:, 300:, ::-1])
    assert background.mean() < 6
    assert decode(AnalyseImageReply, encode(reply)) == reply


def test_without_a_face_model_the_whole_picture_is_a_mosaic(case) -> None:
    reply = case.analyser.analyse(case.work(encoded(PORTRAIT), models={}))
    assert (reply.error, reply.redaction, reply.found) == (None, "mosaic", ())
    assert case.faces(case.picture()) == 0


@pytest.mark.parametrize("target", ["person", "head"])
def test_a_policy_for_persons_without_a_detector_of_persons_is_a_mosaic(case, target) -> None:
    policy = RedactionPolicy(targets=("face", target))
    assert case.analyser.analyse(case.work(encoded(PORTRAIT), redaction=policy)).redaction == "mosaic"


def persons_found(folder: Path, score: float) -> tuple[Case, dict[str, ModelRef]]:
    """A detector that always sees a person in the lower right quarter."""
    case = Case(folder)
    graph = constant_graph(detr_outputs((0.75, 0.75, 0.3, 0.3, 0, score)))
    (folder / "p.onnx").write_bytes(graph)
    case.directory.install(folder / "p.onnx", side_of(graph), "persons")
    persons = ModelRef("v", "persons", "detr", side_of(graph).sha256)
    return case, {Stage.FACES: case.ref("centerface"), Stage.DETECT: persons}


def changes(case: Case) -> np.ndarray:
    """By how much each pixel of the answer differs from the portrait."""
    return np.abs(case.picture().astype(int) - PORTRAIT[:, :, ::-1]).mean(axis=2)


def test_persons_are_covered_whole_when_the_policy_says_so(tmp_path) -> None:
    case, models = persons_found(tmp_path, 0.9)
    policy = RedactionPolicy(targets=("face", "person"))
    reply = case.analyser.analyse(case.work(encoded(PORTRAIT), models=models, redaction=policy))
    assert sorted(found.label for found in reply.found) == ["face", "person"]
    changed = changes(case)
    assert changed[330:440, 330:440].mean() > 3 * changed[:60, :60].mean()


def test_a_sure_person_has_a_head_whose_face_nobody_found(tmp_path) -> None:
    """As in the live pictures; the policy asks for faces alone, and where the person stands none is found."""
    case, models = persons_found(tmp_path, 0.9)
    reply = case.analyser.analyse(case.work(encoded(PORTRAIT), models=models))
    changed = changes(case)
    head, feet = changed[315:360, 320:440].mean(), changed[480:, 320:440].mean()
    assert reply.redaction == "image"
    assert head > 20 * feet


def test_text_is_read_with_the_script_of_the_work(case) -> None:
    picture = np.full((160, 640, 3), 235, np.uint8)
    cv2.putText(picture, "GATE 42", (60, 100), cv2.FONT_HERSHEY_SIMPLEX, 2, (20, 20, 20), 4)
    models = {Stage.FACES: case.ref("centerface"), Stage.TEXT: case.ref("pp-ocr")}
    reply = case.analyser.analyse(case.work(encoded(picture, "PNG"), models=models))
    assert [(found.label, found.text, found.script) for found in reply.found] == [
        ("text", "GATE 42", Script.LATIN)
    ]


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (b"", "image_unsupported"),
        (b"<svg onload=alert(1)>", "image_unsupported"),
        (b"GIF89a" + b"\x00" * 100, "image_unsupported"),
        (encoded(PORTRAIT, "BMP"), "image_unsupported"),
        (encoded(PORTRAIT)[:9000], "image_truncated"),
        (encoded(PORTRAIT, "PNG")[:9000], "image_truncated"),
        (encoded(PORTRAIT, "WEBP")[:9000], "image_truncated"),
        (png_of(40_000, 40_000), "image_too_large"),
        (png_of(9_000, 9_000), "image_too_large"),
        (encoded(PORTRAIT[:8, :8], "PNG"), "image_too_small"),
    ],
    ids=range(10),
)
def test_a_hostile_picture_is_an_error_with_a_stable_code(case, picture, code, monkeypatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # as a library may leave it
    reply = case.analyser.analyse(case.work(picture))
    assert reply.error_code == code
    assert reply.error
    assert reply.found == ()


def test_a_truncated_webp_or_jpeg_is_never_half_a_picture() -> None:
    whole = encoded(PORTRAIT, "WEBP")
    for kept in (50, len(whole) // 2, len(whole) - 30):
        with pytest.raises(EngineError):
            decode_picture(whole[:kept])


def test_a_picture_is_turned_upright() -> None:
    sideways = Pillow.fromarray(PORTRAIT[:100, :300])
    exif = sideways.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    sideways.save(buffer, "JPEG", exif=exif)
    assert decode_picture(buffer.getvalue()).shape == (300, 100, 3)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("I;16", "PNG")],
)
def test_every_colour_mode_becomes_bgr(mode, kind) -> None:
    if mode == "I;16":
        picture = Pillow.fromarray(PORTRAIT[:, :, 0].astype(np.uint16) * 256)
    else:
        picture = Pillow.fromarray(PORTRAIT).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    image = decode_picture(buffer.getvalue())
    assert (image.shape, image.dtype) == ((512, 512, 3), np.uint8)
    grey = PORTRAIT.mean(axis=2)
    assert np.corrcoef(image.mean(axis=2).ravel(), grey.ravel())[0, 1] > 0.6


def test_hidden_pixels_do_not_come_back() -> None:
    hidden = np.dstack([PORTRAIT, np.zeros(PORTRAIT.shape[:2], np.uint8)])
    assert (decode_picture(encoded(hidden, "PNG")) == 255).all()


def test_a_missing_upload_and_a_strange_key_are_errors(case) -> None:
    work = case.work(encoded(PORTRAIT))
    assert case.analyser.analyse(replace(work, input_key="uploads/none")).error_code == "object_missing"
    for key in ("../../etc/passwd", "/etc/passwd", "uploads/../x", "uploads", "uploads/a\nb", ""):
        assert case.analyser.analyse(replace(work, input_key=key)).error_code == "object_key"


def test_work_after_its_deadline_is_not_done(case) -> None:
    assert (
        case.analyser.analyse(case.work(encoded(PORTRAIT), deadline_at=1.0)).error_code == "deadline_passed"
    )


class Here:
    """A runtime with a real Redis and the module's analyser."""

    def __init__(self, case: Case, url: str) -> None:
        self.redis = redis.Redis.from_url(url)
        self.images = case.analyser
        self.counters = Counters()
        self.busy_since: dict[int, float] = {}


@pytest.fixture
def here(case, redis_url, monkeypatch):
    made = Here(case, redis_url)
    monkeypatch.setattr(gpu, "runtime", lambda: made)
    yield made
    made.redis.close()


def replies(here: Here) -> list[AnalyseImageReply]:
    return [decode(AnalyseImageReply, text) for text in here.redis.lrange("vidette:test:image", 0, -1)]


def is_stored(case: Case, key: str) -> bool:
    return (case.folder / key).is_file()


def test_the_task_reports_twice_and_deletes_the_upload(case, here) -> None:
    gpu.analyse_image(encode(case.work(encoded(PORTRAIT))))
    (reply,) = replies(here)
    assert 0 < here.redis.ttl("vidette:test:image") <= 30
    ((_, entry),) = here.redis.xrange(RESULTS)
    assert entry[b"type"] == b"AnalyseImageReply"
    assert decode(AnalyseImageReply, entry[b"data"]) == reply
    assert not is_stored(case, "uploads/work-1")


def test_an_upload_that_can_never_be_done_is_deleted_too(case, here) -> None:
    gpu.analyse_image(encode(case.work(b"mallory")))
    assert replies(here)[0].error_code == "image_unsupported"
    assert not is_stored(case, "uploads/work-1")


def test_an_upload_that_may_be_done_later_is_kept(case, here) -> None:
    wrong = replace(case.ref("centerface"), sha256="0" * 64)
    gpu.analyse_image(encode(case.work(encoded(PORTRAIT), models={Stage.FACES: wrong})))
    assert replies(here)[0].error_code == "model_wrong_hash"
    assert is_stored(case, "uploads/work-1")


def test_a_picture_that_killed_its_worker_twice_is_given_up(case, here) -> None:
    work = case.work(encoded(PORTRAIT))
    here.redis.set("vidette:image-starts:work-1:1", 2)
    gpu.analyse_image(encode(work))
    assert replies(here)[0].error_code == "worker_lost"
