"""The model directory: what is wrong with a file is said, and such a file is never used."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.models import ModelCard
from inference_workers.engine.builtin_models import BUILTINS
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.preprocess import Preprocess, Resize
from inference_workers.side_files import KNOWN, describe_known
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of, worker_settings

GRAPH = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8)))
SIDE = side_of(GRAPH)


@pytest.fixture
def directory(tmp_path: Path) -> ModelDirectory:
    return ModelDirectory(worker_settings(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "models"
    found.mkdir()
    return found


def put(folder: Path, name: str = "tiny", data: bytes = GRAPH, **changes: object) -> None:
    """Write a model and its side file, whose fields are replaced (or removed with `...`)."""
    (folder / f"{name}.onnx").write_bytes(data)
    fields = {**json.loads(SIDE.to_json()), **changes}
    kept = {key: value for key, value in fields.items() if value is not ...}
    (folder / f"{name}.json").write_text(json.dumps(kept))


def card_of(directory: ModelDirectory, name: str) -> ModelCard:
    (card,) = [card for card in directory.cards() if card.name == name]
    return card


def test_a_good_model_has_a_card_without_a_problem(directory, folder) -> None:
    put(folder)
    card = card_of(directory, "tiny")
    assert card.problem == ""
    assert (card.family, card.task, card.classes) == ("detr", "detection", ("person", "car"))
    assert card.sha256 == hashlib.sha256(GRAPH).hexdigest()
    assert decode(ModelCard, encode(card)) == card


PREPROCESS = json.loads(SIDE.to_json())["preprocess"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"licence": ...}, "expected the fields licence"),
        ({"licence": "  "}, "licence: expected a text"),
        ({"family": "yolov8"}, "family: expected one of yolox"),
        ({"task": "face"}, "task: expected detection for the family detr"),
        ({"sha256": "0" * 64}, "the file has " + hashlib.sha256(GRAPH).hexdigest()),
        ({"sha256": "short"}, "sha256: expected 64 hexadecimal digits"),
        ({"classes": []}, "classes: expected a list"),
        ({"classes": ["a", "a"]}, "the same name twice"),
        ({"classes": ["a", 1]}, "classes: expected names"),
        ({"classes": ..., "classes_file": "../../etc/passwd"}, "a file name without a folder"),
        ({"classes": ..., "classes_file": "none.txt"}, "classes_file: expected a readable"),
        ({"input_size": [128, 64]}, "graph declares FLOAT [1, 3, 64, 64]"),
        ({"input_size": [64]}, "input_size: expected [width, height]"),
        ({"input_size": [64, 1e9]}, "input_size: expected [width, height]"),
        ({"preprocess": {**PREPROCESS, "colour": "hsv"}}, "preprocess.colour: expected one of bgr, rgb"),
        ({"preprocess": {**PREPROCESS, "std": [1, 0, 1]}}, "preprocess.std: expected numbers above 0"),
        ({"preprocess": {**PREPROCESS, "mean": [1, 2]}}, "preprocess.mean: expected three numbers"),
        ({"preprocess": {**PREPROCESS, "scale": True}}, "preprocess.scale: expected a number"),
        ({"preprocess": {**PREPROCESS, "pad_value": 300}}, "preprocess.pad_value: expected 0 to 255"),
        ({"preprocess": {**PREPROCESS, "resize": "fit"}}, "for resize fit, the graph declares"),
        ({"preprocess": []}, "preprocess: expected a JSON object"),
        ({"thresholds": {}}, "thresholds: expected the fields score"),
        ({"thresholds": {"score": 2}}, "thresholds.score: expected 0.0 to 1.0"),
        ({"extra": 1}, "only known fields, got 'extra'"),
    ],
)
def test_it_says_what_is_wrong_with_a_side_file(directory, folder, changes, sentence) -> None:
    put(folder, **changes)
    assert sentence in card_of(directory, "tiny").problem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "expected JSON"), ("[" * 100_000, "expected JSON"), ("[]", "expected a JSON object"),
        ("x" * 300_000, "at most 262144 bytes"),
    ],
)  # fmt: skip
def test_a_side_file_that_is_no_side_file_never_crashes_the_list(directory, folder, text, sentence) -> None:
    put(folder)
    (folder / "tiny.json").write_text(text)
    assert sentence in card_of(directory, "tiny").problem


def test_a_model_without_a_side_file_and_a_pickle_have_problems(directory, folder) -> None:
    (folder / "lonely.onnx").write_bytes(GRAPH)
    pickle = b"\x80\x04\x95mallory"
    put(folder, "mallory", pickle, sha256=hashlib.sha256(pickle).hexdigest())
    assert "lonely.json is missing" in card_of(directory, "lonely").problem
    assert "expected an ONNX file" in card_of(directory, "mallory").problem


def test_a_name_in_capitals_has_a_problem(directory, folder) -> None:
    put(folder, "Tiny Model")
    assert "expected small letters" in card_of(directory, "Tiny Model").problem


def test_class_names_may_stand_in_a_file_beside(directory, folder) -> None:
    put(folder, classes=..., classes_file="names.txt")
    (folder / "names.txt").write_text("person\n\ncar\n")
    assert card_of(directory, "tiny").classes == ("person", "car")


def test_a_changed_file_is_noticed_and_an_unchanged_one_not_read_again(
    directory, folder, monkeypatch
) -> None:
    put(folder)
    assert card_of(directory, "tiny").problem == ""
    with monkeypatch.context() as patched:
        patched.setattr(ModelDirectory, "_inspect", lambda self, path: pytest.fail(f"read {path} again"))
        assert card_of(directory, "tiny").problem == ""
    put(folder, licence="")
    assert "licence" in card_of(directory, "tiny").problem


def ref(name: str = "tiny", sha256: str = SIDE.sha256) -> ModelRef:
    return ModelRef("v1", name, "detr", sha256)


def test_the_hash_is_compared_at_every_load(directory, folder) -> None:
    put(folder)
    assert directory.load(ref()).card.sha256 == SIDE.sha256
    (folder / "tiny.onnx").write_bytes(GRAPH + b"\x00")
    with pytest.raises(EngineError, match="expected sha256") as caught:
        directory.load(ref())
    assert caught.value.code == "model_wrong_hash"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "", "a" * 200, "none"])
def test_a_name_is_never_a_path(directory, folder, name) -> None:
    with pytest.raises(EngineError):
        directory.load(ref(name))


def test_a_built_in_model_of_another_hash_is_refused(directory) -> None:
    with pytest.raises(EngineError, match="assign the version that this worker announces"):
        directory.load(ref("centerface", "0" * 64))


def test_motion_runs_elsewhere(directory) -> None:
    card = card_of(directory, "motion-mog2")
    with pytest.raises(EngineError, match="beside the camera"):
        directory.load(ref("motion-mog2", card.sha256))


def test_install_copies_both_files_and_the_model_can_be_loaded(directory, folder, tmp_path) -> None:
    source = tmp_path / "download.onnx"
    source.write_bytes(GRAPH)
    directory.install(source, SIDE, "fresh")
    assert card_of(directory, "fresh").problem == ""
    (found,) = directory.load(ref("fresh")).detector.detect([np.zeros((64, 64, 3), np.uint8)])
    assert found.labels() == ["person"]
    assert sorted(path.name for path in folder.iterdir()) == ["fresh.json", "fresh.onnx"]
    directory.install(source, SIDE, "fresh")


def test_install_never_replaces_another_model(directory, folder, tmp_path) -> None:
    put(folder, "taken")
    other = constant_graph(detr_outputs((0.1, 0.1, 0.1, 0.1, 0, 0.9)))
    source = tmp_path / "download.onnx"
    source.write_bytes(other)
    for name in ("taken", "centerface"):
        with pytest.raises(EngineError) as caught:
            directory.install(source, side_of(other), name)
        assert caught.value.code == "model_exists"


def test_install_refuses_a_model_that_cannot_analyse_a_picture(directory, tmp_path) -> None:
    data = constant_graph({"other": np.zeros((1, 2), np.float32)})
    source = tmp_path / "download.onnx"
    source.write_bytes(data)
    with pytest.raises(EngineError, match="logits and pred_boxes"):
        directory.install(source, side_of(data), "broken")
    assert not any(card.name == "broken" for card in directory.cards())


def test_a_free_size_graph_may_be_loaded_for_larger_pictures(directory, tmp_path) -> None:
    data = constant_graph(detr_outputs((0.5, 0.5, 0.5, 0.5, 0, 0.8)), ("n", 3, "h", "w"))
    source = tmp_path / "download.onnx"
    source.write_bytes(data)
    side = side_of(data, preprocess=Preprocess(resize=Resize.FIT))
    directory.install(source, side, "free")
    loaded = directory.load(ref("free", side.sha256), input_size=(1280, 1280))
    assert loaded.detector._input_size == (1280, 1280)


def test_every_built_in_model_has_a_usable_card(directory) -> None:
    cards = {card.name: card for card in directory.cards()}
    assert set(BUILTINS) == set(cards)
    for card in cards.values():
        assert (card.problem, card.builtin, len(card.sha256)) == ("", True, 64)
        assert decode(ModelCard, encode(card)) == card


def test_known_files_are_told_by_their_hash_alone(tmp_path) -> None:
    stranger = tmp_path / "yolox_nano.onnx"
    stranger.write_bytes(GRAPH)
    assert describe_known(stranger) is None
    assert len({model.name for model in KNOWN}) == len({model.side.sha256 for model in KNOWN}) == len(KNOWN)
    assert all(model.side.source.startswith("https://") for model in KNOWN)
