"""The model directory from the command line.

    python -m inference_workers.models list
    python -m inference_workers.models add PATH [--side-file FILE] [--name NAME]
    python -m inference_workers.models pull NAME [--from BASE_URL]

`add` takes a file, or a folder of which every known file is installed. One JSON object per line on standard
output (`--json`), else a sentence; what went wrong goes to standard error and the exit status is 1.
`manage.py models` runs this in a process of its own, because the control plane loads no engine.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from inference_workers.contracts.environment import SettingError
from inference_workers.contracts.models import ModelCard
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.side_file import read_side_file
from inference_workers.models_pull import pull
from inference_workers.settings import settings
from inference_workers.side_files import describe_known


def add_file(directory: ModelDirectory, path: Path, side_path: Path | None, name: str | None) -> ModelCard:
    """Install one file: with the side file that is given or lies beside it, else with what we know of it.

    Raises:
        EngineError: `side_file` when nobody says how to feed the file, and those of `install`.
    """
    if not path.is_file():
        raise EngineError("model_missing", f"{path}: expected a file")
    side_path = side_path or path.with_suffix(".json")
    known = describe_known(path)
    if side_path.is_file():
        return directory.install(path, read_side_file(side_path), name or path.stem)
    if known is None:
        raise EngineError(
            "side_file",
            f"{path.name}: its bytes are not known, so it needs a side file that says how to feed it; "
            f"expected {side_path.name} beside it (docs/recipes/add-a-detector.md)",
        )
    return directory.install(path, known.side, name or known.name)


def add_folder(directory: ModelDirectory, folder: Path) -> list[ModelCard]:
    """Install every file below `folder` whose bytes are known; the others are left alone."""
    cards = []
    for path in sorted(folder.rglob("*.onnx")):
        known = describe_known(path)
        if known is not None:
            cards.append(directory.install(path, known.side, known.name))
    return cards


def _cards(arguments: argparse.Namespace, directory: ModelDirectory) -> Iterator[ModelCard]:
    if arguments.command == "list":
        yield from directory.cards()
    elif arguments.command == "pull":
        yield pull(arguments.name.replace("_", "-"), directory, arguments.base)
    elif arguments.path.is_dir():
        yield from add_folder(directory, arguments.path)
    else:
        yield add_file(directory, arguments.path, arguments.side_file, arguments.name)


def _sentence(card: ModelCard) -> str:
    if card.problem:
        return f"{card.name}: cannot be used: {card.problem}"
    return f"{card.name}: {card.task}, {card.family}, {card.licence}, sha256 {card.sha256[:12]}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="models", description="The models of this machine.")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what is installed, and what is wrong with it")
    add = commands.add_parser("add", help="install a file, or every known file of a folder")
    add.add_argument("path", type=Path)
    add.add_argument("--side-file", type=Path)
    add.add_argument("--name")
    fetch = commands.add_parser("pull", help="fetch a known model from its upstream address")
    fetch.add_argument("name")
    fetch.add_argument("--from", dest="base", action="append", default=[], help="a mirror: BASE/NAME.onnx")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(words)
    try:
        for card in _cards(arguments, ModelDirectory(settings())):
            line = json.dumps(dataclasses.asdict(card)) if arguments.json else _sentence(card)
            sys.stdout.write(f"{line}\n")
    except (EngineError, SettingError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
