"""MLflow: what the product asks of it, and the real one in a Python of its own, made once per checkout."""

import hashlib
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditRecord
from apps.registry import mlflow
from apps.registry.models import ModelVersion
from tests.engine import hostile_models as hostile
from tests.engine.onnx_graphs import side_of

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements" / "mlflow.txt"


@pytest.fixture
def folder(tmp_path, settings) -> Path:
    settings.MODEL_DIR = tmp_path / "models"
    path = tmp_path / "gates.onnx"
    path.write_bytes(hostile.good())
    path.with_suffix(".json").write_text(side_of(hostile.good()).to_json())
    _run("add", str(path))
    return settings.MODEL_DIR


def _run(*words: str) -> str:
    out = StringIO()
    call_command("models", *words, stdout=out)
    return out.getvalue()


def test_an_export_says_the_whole_card(folder, monkeypatch):
    asked: list[dict[str, object]] = []

    def run(python, told):
        asked.append(told)
        return {"model": told["model"], "version": "1", "run_id": "r"}

    monkeypatch.setattr(mlflow, "_run", run)
    said = _run("mlflow-export", "gates", "--uri", "file:///x", "--python", "python")
    assert said == "gates: detr-2 version 1, run r\n"
    assert [Path(name).name for name in asked[0]["files"]] == [
        "gates.onnx", "gates.json", "gates.statement",
    ]  # fmt: skip
    assert asked[0]["tags"]["vidette.sha256"] == ModelVersion.objects.get(name="gates").sha256
    assert asked[0]["params"]["threshold_score"] == 0.5
    assert AuditRecord.objects.filter(action="model.export").count() == 1


def test_what_mlflow_hands_over_goes_through_the_checks(folder, monkeypatch, tmp_path):
    def run(python, told):
        target = Path(told["folder"]) / "fetched.onnx"
        data = hostile.EXTERNAL["in_attribute"](hostile.external_tensor("/etc/passwd"))
        target.write_bytes(data)
        target.with_suffix(".json").write_text(side_of(data).to_json())
        return {"file": str(target)}

    monkeypatch.setattr(mlflow, "_run", run)
    words = ("--model", "m", "--version", "1", "--uri", "file:///x", "--python", "python")
    with pytest.raises(CommandError, match="lies in another file"):
        _run("mlflow-import", "theirs", *words)
    assert not (folder / "theirs.onnx").exists()


def test_a_python_without_mlflow_is_said(folder):
    with pytest.raises(CommandError, match="No module named 'mlflow'"):
        _run("mlflow-export", "gates", "--uri", "file:///x", "--python", sys.executable)
    with pytest.raises(CommandError, match="expected a Python with"):
        _run("mlflow-export", "gates", "--uri", "file:///x", "--python", "/nowhere/python")
    with pytest.raises(CommandError, match="expected an installed version"):
        _run("mlflow-export", "none", "--uri", "file:///x", "--python", sys.executable)


@pytest.fixture
def python_with_mlflow() -> Path:
    made = ROOT / "var" / f"test-mlflow-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python = made / "bin" / "python"
    ready = made / "ready"
    if not ready.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(made)], check=True)
        install = [uv, "pip", "install", "-q", "--python", str(python), "--require-hashes", "-r", str(LOCK)]
        subprocess.run(install, check=True, cwd=ROOT)
        ready.touch()
    return python


@pytest.mark.timeout(300)
@pytest.mark.database_neutral
def test_there_and_back_with_the_real_mlflow(folder, tmp_path, python_with_mlflow):
    place = ("--uri", (tmp_path / "store").as_uri(), "--python", str(python_with_mlflow))
    assert "detr-2 version 1" in _run("mlflow-export", "gates", *place)
    said = _run("mlflow-import", "gates-again", "--model", "detr-2", "--version", "1", *place)
    assert "15 checks passed, signed" in said
    first, again = (ModelVersion.objects.get(name=name) for name in ("gates", "gates-again"))
    assert (again.sha256, json.loads(again.side_file)) == (first.sha256, json.loads(first.side_file))
