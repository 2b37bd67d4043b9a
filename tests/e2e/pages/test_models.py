"""A model owner uploads a file in the browser, watches the checks, and reads why another one was refused."""

import json
import os
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.pages.test_look import AXE, PHONE

SHOTS = os.environ.get("VIDETTE_SHOTS")


@pytest.fixture
def worker(tmp_path, redis, settings, monkeypatch):
    """A worker in this process that checks what the web process has taken in."""
    from apps.core.crypto import signing_public_keys
    from apps.registry import checking
    from tests.apps.registry.worker import Worker

    made = Worker(tmp_path / "data", settings.OBJECT_STORE_URL, signing_public_keys())
    monkeypatch.setattr(checking, "gpu_send", made.take)
    return made


def _work(worker, redis):
    from apps.registry import checking
    from inference_workers.contracts.names import HEARTBEATS

    redis.hset(HEARTBEATS, "gpu", json.dumps({"at": time.time()}))
    checking.models_send()
    worker.work()
    redis.delete(HEARTBEATS)


def _upload(page, folder: Path, name: str, data: bytes) -> None:
    from tests.apps.registry.worker import side_text

    model, side = folder / f"{name}.onnx", folder / f"{name}.json"
    model.write_bytes(data)
    side.write_text(side_text(data))
    page.goto("/models/upload/")
    page.set_input_files("#file", model)
    page.set_input_files("#side", side)
    page.fill("#training_data", "two gates <b>spring</b>")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def test_upload_check_serve_and_refuse(visit, erin, worker, redis, tmp_path):
    from apps.registry.models import ModelVersion
    from tests.engine import hostile_models as hostile

    seen = visit(erin, "/models/upload/")
    page = seen.page
    _upload(page, tmp_path, "gates", hostile.good())
    expect(page.get_by_text("It waits for a worker.")).to_be_visible()
    _work(worker, redis)
    expect(page.get_by_text("Answers test pictures with finite numbers")).to_be_visible(timeout=15_000)
    page.reload()
    expect(page.get_by_text("It can serve.")).to_be_visible()
    expect(page.get_by_text("two gates <b>spring</b>")).to_be_visible()
    _shoot(seen, "model", ModelVersion.objects.get(name="gates"))
    _upload(page, tmp_path, "broken", hostile.nan_for_white_only())
    _work(worker, redis)
    expect(page.get_by_text("It was refused and can serve nothing.")).to_be_visible(timeout=15_000)
    broken = ModelVersion.objects.get(name="broken")
    assert _wide(visit, erin, broken) == []
    assert _serious(seen, broken) == []
    _shoot(seen, "refused", broken)


def _paths(version) -> list[str]:
    from apps.registry.models import ModelFamily

    family = ModelFamily.objects.get(name="detr-2")
    return [
        f"/models/{version.pk}/", "/models/families/", f"/models/families/{family.pk}/", "/models/upload/",
        "/models/",
    ]  # fmt: skip


def _wide(visit, user, version) -> list[tuple[str, int]]:
    seen = visit(user, "/models/", viewport=PHONE, locale="ru-RU")
    found = []
    for path in _paths(version):
        seen.open(path)
        if seen.overflow_px() > 0:
            found.append((path, seen.overflow_px()))
        _shoot(seen, "phone" + path.replace("/", "-")[:12], None)
    return found


def _serious(seen, version) -> list[tuple[str, str]]:
    found = []
    for path in _paths(version):
        seen.open(path)
        seen.page.evaluate(AXE.read_text())
        result = seen.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        found += [
            (path, rule["id"], rule["nodes"][0]["html"][:160])
            for rule in result["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
    return found


def _shoot(seen, name: str, version) -> None:
    """Pictures for whoever changes these pages: VIDETTE_SHOTS=folder."""
    if SHOTS is None:
        return
    if version is not None:
        seen.open(f"/models/{version.pk}/")
    seen.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
