"""The demo footage: faces that the detector finds, text shaped rightly, clips that play, made once."""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from inference_workers import settings as worker_settings
from inference_workers.contracts.environment import Environment
from inference_workers.contracts.lease import ModelRef, Script, ZoneKind
from inference_workers.demo import film
from inference_workers.demo.canvas import HEIGHT_PX, WIDTH_PX
from inference_workers.demo.lettering import NEEDS_SHAPING, lettering, missing_scripts
from inference_workers.demo.scene import LOOP_S
from inference_workers.engine.detectors import Detector
from inference_workers.engine.model_directory import ModelDirectory
from tests.services import wait_until

MOMENTS_WITH_FACES = {"lobby": (5.0, 10.0, 16.0, 30.0), "corridor": (9.0, 11.0, 32.0), "yard": (16.0,)}


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    variables = {
        "REDIS_URL": "redis://unused",
        "VIDETTE_LEASE_KEY": "unused",
        "VIDETTE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
    }
    directory = ModelDirectory(worker_settings.read(Environment(variables)))
    card = next(card for card in directory.cards() if card.name == "centerface")
    detector = directory.load(ModelRef("v", card.name, card.family, card.sha256)).detector
    assert detector is not None
    return detector


@pytest.mark.parametrize("name", MOMENTS_WITH_FACES)
def test_the_face_detector_finds_the_faces(name: str, faces: Detector) -> None:
    scene = film.SCENES[name]()
    for at_s in MOMENTS_WITH_FACES[name]:
        found = faces.detect([scene.draw(at_s, 0)])[0]
        assert (np.asarray(found.scores) > 0.45).any(), f"no face at {at_s} s"


@pytest.mark.parametrize("name", film.SCENES)
def test_a_loop_has_no_jump_at_its_end(name: str) -> None:
    scene = film.SCENES[name]()
    last, first = scene.draw(LOOP_S - 1 / film.FPS, 0), scene.draw(0.0, 0)
    assert last.shape == first.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert np.abs(last.astype(int) - first).mean() < 6


@pytest.mark.parametrize("name", film.SCENES)
def test_zones_lie_in_the_picture_and_have_their_script(name: str) -> None:
    for zone in film.SCENES[name]().camera.zones:
        assert all(0 <= share <= 1 for point in zone.polygon for share in point), zone.name
        assert (zone.script is not None) == (zone.kind is ZoneKind.READ_TEXT), zone.name


def test_the_gate_reads_every_writing_system() -> None:
    assert missing_scripts(tuple(Script)) == {}
    scripts = {zone.script for zone in film.SCENES["gate"]().camera.zones if zone.script}
    assert scripts == set(Script)


def test_arabic_is_joined_and_runs_from_right_to_left() -> None:
    """Joined letters take less room than the same letters apart, and the first letter stands on the right."""
    assert Script.ARABIC in NEEDS_SHAPING
    joined = lettering("مخرج", Script.ARABIC, 60, (255, 255, 255)).size_wh[0]
    apart = sum(lettering(letter, Script.ARABIC, 60, (255, 255, 255)).size_wh[0] for letter in "مخرج")
    assert joined < 0.92 * apart
    low = 1 - lettering("אייי", Script.HEBREW, 60, (255, 255, 255)).keep[..., 0]
    ink = low[-low.shape[0] // 3 :].sum(axis=0)
    half = len(ink) // 2
    assert ink[half:].sum() > 5 * ink[:half].sum(), "only the first letter, alef, reaches down: on the right"


def test_clips_are_h264_labelled_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "pictures", lambda scene: islice(_all_pictures(scene), film.FPS))
    monkeypatch.setattr(film, "SCENES", {"yard": film.SCENES["yard"]})
    film.encode(tmp_path / "demo-yard.mp4", film.pictures(film.SCENES["yard"]()))
    with av.open(str(tmp_path / "demo-yard.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
    assert len(frames) == film.FPS
    badge = frames[0].to_ndarray(format="bgr24")[10:34, 14:18].reshape(-1, 3).mean(axis=0)
    assert np.abs(badge - (60, 200, 250)).max() < 25, "the DEMO badge is on the picture"


_all_pictures = film.pictures


def test_a_second_start_leaves_whole_clips_alone_and_replaces_cut_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(folder: Path, name: str) -> dict[str, object]:
        made.append(name)
        (folder / f"demo-{name}.mp4").write_bytes(b"x" * 10)
        return {"file": f"demo-{name}.mp4", "bytes": 10, "camera": {}}

    class Here:
        def __init__(self, max_workers: int, initializer: object = None) -> None:
            self.map = map

        def __enter__(self) -> "Here":
            return self

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(film, "_make_clip", make)
    monkeypatch.setattr(film, "ProcessPoolExecutor", Here)
    film.make_clips(tmp_path)
    film.make_clips(tmp_path)
    assert made == list(film.SCENES)
    (tmp_path / "demo-gate.mp4").write_bytes(b"cut")
    film.make_clips(tmp_path)
    assert len(made) == 2 * len(film.SCENES)
    manifest = json.loads((tmp_path / film.MANIFEST).read_text())
    assert manifest["version"] == film.version()


def test_a_killed_drawing_leaves_no_helper_behind(tmp_path: Path) -> None:
    drawing = subprocess.Popen([sys.executable, "-m", "inference_workers.demo", str(tmp_path)])
    helpers: list[psutil.Process] = []

    def has_begun() -> bool:
        helpers[:] = psutil.Process(drawing.pid).children()
        return bool(helpers) and all(helper.cpu_times().user > 0.2 for helper in helpers)

    try:
        wait_until(has_begun, timeout_s=40, what="helpers that draw")
    finally:
        drawing.kill()
        drawing.wait()
    gone, alive = psutil.wait_procs(helpers, timeout=5)
    assert (len(gone), alive) == (len(helpers), [])
