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
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from inference_workers.contracts.codec import encode
from inference_workers.contracts.environment import SettingError
from inference_workers.contracts.model_checks import CheckModel, CheckOutcome, CheckReply
from inference_workers.contracts.model_files import ONNX, SAFETENSORS, START_BYTES, recognise
from inference_workers.contracts.models import ModelCard
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_checks.process import CheckLimits, check_file
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.onnx_files import MAX_MODEL_BYTES
from inference_workers.engine.side_file import SideFile, read_side_file
from inference_workers.models_pull import pull
from inference_workers.settings import settings
from inference_workers.side_files import describe_known


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """`check` is None for files whose bytes this release knows and for what was there before."""

    card: ModelCard
    check: CheckReply | None = None


def add_file(directory: ModelDirectory, path: Path, side_path: Path | None, name: str | None) -> Added:
    """Install one file: with the side file that is given or lies beside it, else with what we know of it.

    Raises:
        EngineError: `side_file` when nobody says how to feed the file, and those of `install`.
    """
    refuse_at_the_door(path)
    side_path = side_path or path.with_suffix(".json")
    known = describe_known(path)
    if side_path.is_file():
        return _checked(directory, path, read_side_file(side_path), name or path.stem)
    if known is None:
        raise EngineError(
            "side_file",
            f"{path.name}: its bytes are not known, so it needs a side file that says how to feed it; "
            f"expected {side_path.name} beside it (docs/recipes/add-a-detector.md)",
        )
    return Added(directory.install(path, known.side, name or known.name))


def refuse_at_the_door(path: Path) -> None:
    """By size and first bytes, before anything of a large or strange file is read."""
    if not path.is_file():
        raise EngineError("model_missing", f"{path}: expected a file")
    if path.stat().st_size > MAX_MODEL_BYTES:
        raise EngineError(
            "model_too_large",
            f"{path.name}: expected at most {MAX_MODEL_BYTES} bytes, it has {path.stat().st_size}",
        )
    with path.open("rb") as file:
        found = recognise(file.read(START_BYTES))
    if found.artifact == SAFETENSORS:
        raise EngineError(
            "model_format",
            f"{path.name}: safetensors hold weights without a graph, which no stage can use; upload the file "
            "on the page Models to keep it as a training artefact",
        )
    if found.artifact != ONNX:
        raise EngineError("model_format", f"{path.name}: expected an ONNX file, this is {found.looks_like}")


def _checked(directory: ModelDirectory, path: Path, side: SideFile, name: str) -> Added:
    """A stranger's file is looked into inside of the walls first, as an upload is."""
    job = CheckModel(
        "", 1, name, "", side.sha256, path.stat().st_size, ONNX, side.to_json(), "",
        time.time() + CheckLimits().wall_s,
    )  # fmt: skip
    reply = check_file(path.resolve(), job)
    failed = [line for line in reply.lines if line.outcome is not CheckOutcome.PASSED]
    if failed:
        raise EngineError("model_refused", f"{path.name}: {failed[0].check}: {failed[0].detail}")
    return Added(directory.install(path, side, name), reply)


def add_folder(directory: ModelDirectory, folder: Path) -> list[Added]:
    """Install every file below `folder` whose bytes are known; the others are left alone."""
    added = []
    for path in sorted(folder.rglob("*.onnx")):
        known = describe_known(path) if path.stat().st_size <= MAX_MODEL_BYTES else None
        if known is not None:
            added.append(Added(directory.install(path, known.side, known.name)))
    return added


def _cards(arguments: argparse.Namespace, directory: ModelDirectory) -> Iterator[Added]:
    if arguments.command == "list":
        yield from map(Added, directory.cards())
    elif arguments.command == "pull":
        yield Added(pull(arguments.name.replace("_", "-"), directory, arguments.base))
    elif arguments.path.is_dir():
        yield from add_folder(directory, arguments.path)
    else:
        yield add_file(directory, arguments.path, arguments.side_file, arguments.name)


def _sentence(card: ModelCard) -> str:
    if card.problem:
        return f"{card.name}: cannot be used: {card.problem}"
    return f"{card.name}: {card.task}, {card.family}, {card.licence}, sha256 {card.sha256[:12]}"


def _facts(added: Added) -> dict[str, Any]:
    check = {} if added.check is None else {"check": json.loads(encode(added.check))}
    return dataclasses.asdict(added.card) | check


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
        for added in _cards(arguments, ModelDirectory(settings())):
            line = json.dumps(_facts(added)) if arguments.json else _sentence(added.card)
            sys.stdout.write(f"{line}\n")
    except (EngineError, SettingError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
