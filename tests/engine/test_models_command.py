"""`python -m inference_workers.models`: what a person with a file in their hands does."""

import json
from pathlib import Path

import pytest

from inference_workers import models, side_files
from inference_workers.side_files import KnownModel
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings

GRAPH = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8)))


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(models, "settings", lambda: worker_settings(tmp_path / "data"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "brought.onnx"
    path.write_bytes(GRAPH)
    return path


@pytest.fixture
def known(monkeypatch) -> None:
    side = side_of(GRAPH)
    monkeypatch.setitem(side_files._BY_SHA256, side.sha256, KnownModel("well-known", len(GRAPH), side))


def test_an_unknown_file_needs_a_side_file(file, capsys) -> None:
    assert models.main(["add", str(file)]) == 1
    assert "expected brought.json beside it" in capsys.readouterr().err


def test_a_file_with_a_side_file_is_installed_under_its_own_name(file, capsys) -> None:
    file.with_suffix(".json").write_text(side_of(GRAPH).to_json())
    assert models.main(["add", str(file)]) == 0
    assert models.main(["--json", "list"]) == 0
    cards = [json.loads(line) for line in capsys.readouterr().out.splitlines()[1:]]
    assert "brought" in [card["name"] for card in cards]


def test_a_known_file_needs_nothing(file, known, capsys) -> None:
    assert models.main(["add", str(file)]) == 0
    assert "well-known: detection, detr, Apache-2.0" in capsys.readouterr().out


def test_a_folder_gives_its_known_files_and_leaves_the_others(file, known, capsys) -> None:
    (file.parent / "stranger.onnx").write_bytes(b"mallory")
    assert models.main(["add", str(file.parent)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_what_cannot_be_pulled_is_said(capsys) -> None:
    assert models.main(["pull", "../mallory"]) == 1
    assert "expected one of yolox-nano" in capsys.readouterr().err
    assert models.main(["pull", "yolox_nano", "--from", "file:///etc"]) == 1
    assert "expected an http or https address" in capsys.readouterr().err


def test_a_missing_file_is_said(tmp_path, capsys) -> None:
    assert models.main(["add", str(tmp_path / "none.onnx")]) == 1
    assert "expected a file" in capsys.readouterr().err
