"""Classifiers: the right class for the right pixels, and what is not what it says is refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.model_checks import CheckModel, CheckName, CheckOutcome
from inference_workers.contracts.model_files import ONNX
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.classifiers import OnnxClassifier
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_checks.steps import Evidence, run
from inference_workers.engine.model_directory import ModelDirectory, build_classifier, build_detector
from inference_workers.engine.preprocess import Colour, Preprocess
from inference_workers.engine.side_file import parse_side_file
from tests.engine.colour_models import CLASSES, COLOURS, FED, colour_graph, colour_side, plain
from tests.engine.onnx_graphs import constant_graph, worker_settings

C = CheckName


def classifier(**changes: object) -> OnnxClassifier:
    data = colour_graph()
    return build_classifier(data, "colours", colour_side(data, **changes), BackendOptions())


def named(model: OnnxClassifier, *colours: str) -> list[str]:
    return [answer.label for answer in model.classify([plain(COLOURS[name]) for name in colours])]


def test_it_names_what_the_pixels_show():
    assert named(classifier(), "red", "blue", "dark", "green") == ["red", "blue", "dark", "green"]
    assert classifier().classify([]) == []
    (answer,) = classifier().classify([plain(COLOURS["red"])])
    assert 0.9 < answer.score <= 1.0


def test_another_order_of_channels_names_another_colour():
    swapped = classifier(preprocess=replace(FED, colour=Colour.BGR, mean=FED.mean[::-1], std=FED.std[::-1]))
    assert named(swapped, "red", "blue") == ["blue", "red"]


def test_another_normalisation_names_another_colour():
    raw = classifier(preprocess=Preprocess(colour=Colour.RGB))
    assert named(raw, "dark") != ["dark"]


def test_below_the_threshold_it_names_nothing():
    (sure,) = classifier().classify([plain(COLOURS["red"])])
    (unsure,) = classifier(thresholds={"score": 1.0}).classify([plain(COLOURS["red"])])
    assert (unsure.label, unsure.score) == ("", sure.score)


def test_probabilities_and_logits_of_the_same_numbers_say_the_same():
    data = colour_graph(softmax=True)
    side = colour_side(data, family="classifier-probabilities")
    model = build_classifier(data, "colours", side, BackendOptions())
    pictures = [plain(colour) for colour in COLOURS.values()]
    for one, other in zip(model.classify(pictures), classifier().classify(pictures), strict=True):
        assert one.label == other.label
        assert one.score == pytest.approx(other.score, abs=1e-5)


def test_a_detector_is_no_classifier_and_the_other_way_round():
    data = colour_graph()
    with pytest.raises(EngineError, match="expected a detector, its family is classifier-logits"):
        build_detector(data, "colours", colour_side(data), BackendOptions())


@pytest.mark.parametrize(
    ("stated", "refused"),
    [
        ({"identifies_persons": True}, "identifies_persons: expected false, because who somebody is"),
        ({"identifies_persons": None}, "identifies_persons: expected false, because who somebody is"),
        ({"thresholds": {"score": 0.5, "nms": 0.5}}, "thresholds: expected only known fields"),
        ({"task": "detection"}, "task: expected classification for the family classifier-logits"),
    ],
)
def test_what_a_side_file_must_state(stated, refused):
    side = colour_side(colour_graph())
    facts = json.loads(side.to_json()) | stated
    with pytest.raises(EngineError, match=refused):
        parse_side_file(json.dumps(facts).encode(), "colours.json")
    assert parse_side_file(side.to_json().encode(), "colours.json") == side


def test_only_classifiers_speak_of_persons():
    detector = colour_side(colour_graph(), family="detr", task="detection")
    with pytest.raises(EngineError, match="the field in classifiers only"):
        parse_side_file(detector.to_json().encode(), "x.json")


def test_it_is_installed_loaded_by_its_hash_and_listed(tmp_path):
    data = colour_graph()
    (tmp_path / "source").write_bytes(data)
    directory = ModelDirectory(worker_settings(tmp_path))
    directory.install(tmp_path / "source", colour_side(data), "colours")
    card = next(card for card in directory.cards() if card.name == "colours")
    assert (card.task, card.classes, card.problem) == ("classification", CLASSES, "")
    ref = ModelRef("v", "colours", card.family, card.sha256)
    assert named(directory.load(ref).classifier, "blue") == ["blue"]
    with pytest.raises(EngineError, match="sha256"):
        directory.load(replace(ref, sha256="0" * 64))


# --- the check of an upload


def looked(tmp_path, data: bytes, **side_facts: object) -> dict[CheckName, tuple[CheckOutcome, str]]:
    side = colour_side(data, **side_facts)
    job = CheckModel(
        "v1", 1, "colours", "models/v1/artifact", side.sha256, len(data), ONNX, side.to_json(), "MIT", 0.0
    )
    (tmp_path / "artifact").write_bytes(data)
    lines = run(Evidence(job, tmp_path / "artifact"), lambda _check: None)
    return {line.check: (line.outcome, line.detail) for line in lines}


@pytest.mark.parametrize("batch", ["n", 1])
def test_a_sound_classifier_passes_every_line(tmp_path, batch):
    lines = looked(tmp_path, colour_graph(batch=batch))
    assert {outcome for outcome, _ in lines.values()} == {CheckOutcome.PASSED}, lines
    assert lines[C.OUTPUTS][1] == "a number for each of 4 classes, meant as logits"


@pytest.mark.parametrize(
    ("data", "facts", "check", "words"),
    [
        (colour_graph(tail=("Log",)), {}, C.INFERENCE, "NaN or infinity"),
        (colour_graph(softmax=True), {}, C.OUTPUTS, "state the family classifier-probabilities"),
        (colour_graph(), {"family": "classifier-probabilities"}, C.INFERENCE, "the family classifier-logits"),
        (colour_graph(), {"classes": CLASSES[:3]}, C.INFERENCE, r"expected one output of shape \(1, 3\)"),
        (colour_graph(), {"input_size": (64, 64)}, C.INPUT, "expected an input of float32"),
        (
            constant_graph({name: np.zeros((1, 4), np.float32) for name in "ab"}, (1, 3, 32, 32)),
            {}, C.INFERENCE, "expected one output",
        ),
    ],
)  # fmt: skip
def test_what_is_not_what_it_says_is_refused_in_words(tmp_path, data, facts, check, words):
    outcome, detail = looked(tmp_path, data, **facts)[check]
    assert outcome is CheckOutcome.FAILED
    assert re.search(words, detail), detail
