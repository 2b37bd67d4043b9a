"""From a file to a blurred picture and an event, with the real Celery worker and the real CenterFace."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
from skimage.data import astronaut

from inference_workers.contracts.lease import ModelRef, Source, SourceKind, Stage
from inference_workers.contracts.live import unpack
from inference_workers.contracts.names import live_latest, watch_key
from inference_workers.contracts.results import CameraState
from inference_workers.engine.model_directory import ModelDirectory
from tests.workers.stream_parts import Plane, make_lease, running_streams, wait_for

ROOT = Path(__file__).parents[2]
FACE_XYXY = (181, 58, 270, 178)  # of the picture, found by hand


def write_portrait(path: Path) -> np.ndarray:
    """Four seconds of one portrait with a little noise; returns the picture."""
    image = np.ascontiguousarray(astronaut()[:, :, ::-1])
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        for number in range(40):
            noisy = cv2.add(image, np.full_like(image, number % 3))
            target.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, "bgr24")))
        target.mux(stream.encode())
    return image


@contextmanager
def celery_worker(plane: Plane, redis_url: str, folder: Path) -> Iterator[None]:
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "VIDETTE_DATA_DIR": str(folder),
        "VIDETTE_SHM_DIR": str(plane.settings.shm_dir),
        "VIDETTE_MODEL_DIR": str(plane.settings.model_dir),
        "OBJECT_STORE_URL": plane.settings.object_store_url,
        "VIDETTE_LEASE_KEY": plane.settings.lease_key,
    }
    command = [sys.executable, "-m", "celery", "-A", "inference_workers.celery_app", "worker", "-Q", "gpu"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--pool", "solo"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def face_model(plane: Plane) -> ModelRef:
    card = next(card for card in ModelDirectory(plane.settings).cards() if card.name == "centerface")
    return ModelRef("faces-1", card.name, card.family, card.sha256)


def detail(picture: np.ndarray) -> float:
    """How much fine structure the face's place shows (variance of the Laplacian)."""
    left, top, right, bottom = FACE_XYXY
    grey = cv2.cvtColor(picture[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def test_a_face_in_a_file_is_covered_in_every_live_picture(redis_url: str, tmp_path: Path) -> None:
    original = write_portrait(tmp_path / "portrait.mp4")
    with running_streams(redis_url, tmp_path) as plane, celery_worker(plane, redis_url, tmp_path):
        model = face_model(plane)
        plane.client.set(watch_key("cam-a"), 1, ex=100)
        plane.issue(
            make_lease(
                source=Source(SourceKind.FILE, "portrait.mp4"),
                stages=(Stage.VIEW, Stage.FACES),
                models={"faces": model},
            )
        )
        plane.wait_state(CameraState.STREAMING, 15)

        def is_shown() -> bool:
            message = plane.client.get(live_latest("cam-a"))
            return message is not None and unpack(message)[0].redaction == "tracks"

        wait_for(is_shown, 40, lambda: (tmp_path / "worker.log").read_text()[-3000:])
        pictures: dict[int, np.ndarray] = {}
        while len(pictures) < 30:
            header, jpeg = unpack(plane.client.get(live_latest("cam-a")))
            pictures[header.seq] = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            time.sleep(0.03)
        assert max(detail(picture) for picture in pictures.values()) < detail(original) / 3
        wait_for(lambda: plane.status().served.get("faces") == model.sha256, 8, lambda: str(plane.status()))
        account = plane.account()
        assert account.balances()
        assert account.analysed > 5
