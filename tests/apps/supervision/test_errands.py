"""What is done once beside the running processes: every command must be one that its program takes."""

from pathlib import Path

from django.core.management import load_command_class

from apps.core.supervision.errands import errands
from apps.core.supervision.plan import Installation
from apps.core.supervision.prepare import Wishes


def _installation(folder: Path) -> Installation:
    return Installation(folder, folder, 1, "", "", "", "", folder / "models")


def test_weights_beside_the_clips_are_installed_as_a_folder(tmp_path: Path) -> None:
    weights = tmp_path / "weights" / "detection"
    weights.mkdir(parents=True)
    for name in ("first.onnx", "second.onnx"):
        (weights / name).touch()
    (waiting,) = errands(_installation(tmp_path), Wishes(demo=tmp_path / "video"))
    program, *words = waiting[0]
    parsed = (
        load_command_class("apps.registry", program).create_parser("manage.py", program).parse_args(words)
    )
    assert (parsed.command, parsed.path) == ("add", str(tmp_path / "weights"))


def test_without_any_model_a_detector_is_fetched(tmp_path: Path) -> None:
    (waiting,) = errands(_installation(tmp_path), Wishes())
    program, *words = waiting[0]
    parsed = (
        load_command_class("apps.registry", program).create_parser("manage.py", program).parse_args(words)
    )
    assert parsed.command == "pull"


def test_with_a_model_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.onnx").touch()
    assert errands(_installation(tmp_path), Wishes()) == []
