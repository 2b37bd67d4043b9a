"""`manage.py models`: the data plane's command in a process of its own, changes on record."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditRecord
from apps.registry import checking, services
from apps.registry.models import ModelVersion, StageAssignment
from apps.registry.statements import statement_holds
from tests.engine import hostile_models as hostile
from tests.engine.onnx_graphs import side_of

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
    with pytest.raises(CommandError, match="expected an ONNX file, this is other bytes"):
        _run("add", str(stranger))
    stranger.write_bytes(hostile.good())
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
    with pytest.raises(CommandError, match="two persons"):
        _run("remove", "mine")
    assigned.delete()
    with pytest.raises(CommandError, match="two persons"):
        _run("remove", "mine")
    ModelVersion.objects.create(name="yolox-nano", family="yolox", task="detection", sha256="cd" * 32)
    assert services.version_removable("mine")
    _run("remove", "mine")
    assert not (folder / "mine.onnx").exists()
    assert AuditRecord.objects.get(action="model.remove").object_id == "mine"


@pytest.mark.parametrize("status", ["ready", "gated"])
def test_what_was_removed_is_not_installed_again(folder, status):
    """An uploaded version lies in the object store as well; one that waits for its gate, too."""
    (folder / "mine.onnx").write_bytes(b"x")
    ModelVersion.objects.create(name="yolox-nano", family="yolox", task="detection", sha256="cd" * 32)
    uploaded = ModelVersion.objects.create(
        name="mine", family="yolox", task="detection", sha256="ab" * 32, object_key="models/x/artifact",
        signature="key:value", status=status,
    )  # fmt: skip
    _run("remove", "mine")
    services.models_announced([])
    uploaded.refresh_from_db()
    assert (uploaded.status, uploaded.present) == ("retired", False)
    assert not checking._due().exists()


def _brought(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "brought" / "mine.onnx"
    path.parent.mkdir()
    path.write_bytes(data)
    path.with_suffix(".json").write_text(side_of(data).to_json())
    return path


def test_what_is_added_is_checked_inside_of_walls_registered_and_signed(folder, tmp_path):
    said = _run("add", str(_brought(tmp_path, hostile.good())))
    version = ModelVersion.objects.get(name="mine")
    assert "15 checks passed, signed" in said
    assert (version.status, version.present, len(version.checks)) == ("ready", True, 15)
    assert "system call filter" in version.check_facts["sandbox"]
    assert statement_holds(version)
    assert "mine: detection" in _run("list")
    before = version.statement
    assert _run("sign") == "mine: signed\n"
    version.refresh_from_db()
    assert (version.statement != before, statement_holds(version)) == (True, True)
    assert (folder / "mine.statement").is_file()


def test_a_hostile_file_is_refused_in_words_and_leaves_nothing(folder, tmp_path):
    data = hostile.EXTERNAL["in_function"](hostile.external_tensor("/etc/passwd"))
    with pytest.raises(CommandError, match="lies in another file"):
        _run("add", str(_brought(tmp_path, data)))
    assert (list(folder.glob("*.onnx")), ModelVersion.objects.count()) == ([], 0)


def test_a_sparse_file_of_ten_gigabytes_is_refused_unread(folder, tmp_path):
    path = _brought(tmp_path, hostile.good())
    with path.open("r+b") as file:
        file.truncate(10 * 1024**3)
    with pytest.raises(CommandError, match="expected at most 1073741824 bytes, it has 10737418240"):
        _run("add", str(path))
    path.unlink()
    assert list(folder.glob("*.onnx")) == []


def test_the_public_key_is_said(folder):
    assert len(_run("key").strip()) == 64
