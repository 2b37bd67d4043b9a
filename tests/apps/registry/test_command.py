"""`manage.py models`: the data plane's command in a process of its own, changes on record."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditRecord
from apps.registry import services
from apps.registry.models import ModelVersion, StageAssignment

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path, settings) -> Path:
    settings.MODEL_DIR = tmp_path
    return tmp_path


def _run(*words: str) -> str:
    out = StringIO()
    call_command("models", *words, stdout=out)
    return out.getvalue()


def test_it_lists_what_is_built_in_and_what_is_broken(folder):
    (folder / "mine.onnx").write_bytes(b"no graph")
    listed = _run("list")
    assert "centerface: face" in listed
    assert "mine: cannot be used" in listed


def test_a_refusal_is_a_sentence_and_no_record(folder, tmp_path):
    stranger = tmp_path / "stranger.bin"
    stranger.write_bytes(b"???")
    with pytest.raises(CommandError, match="side file"):
        _run("add", str(stranger))
    with pytest.raises(CommandError, match="expected one of"):
        _run("pull", "skynet")
    assert not AuditRecord.objects.filter(object_type="model_directory").exists()


@pytest.mark.parametrize("name", ["missing", "../mine", "/etc/passwd"])
def test_it_removes_models_only(folder, name):
    with pytest.raises(CommandError, match="no such file"):
        _run("remove", name)


def test_it_removes_a_model_unless_it_serves(folder):
    (folder / "mine.onnx").write_bytes(b"x")
    version = ModelVersion.objects.create(name="mine", family="yolox", task="detection", sha256="ab" * 32)
    assigned = StageAssignment.objects.create(stage="detect", version=version)
    with pytest.raises(CommandError, match="assigned"):
        _run("remove", "mine")
    assigned.delete()
    assert services.version_removable("mine")
    _run("remove", "mine")
    assert not (folder / "mine.onnx").exists()
    assert AuditRecord.objects.get(action="model.remove").object_id == "mine"
