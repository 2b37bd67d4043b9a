"""Redact one file at the terminal.

    python -m inference_workers.redact IN OUT [--target face] [--style mosaic] [--audio drop] …

The finished parts stay in a work folder beside OUT until the result is there: started again after a kill, it
goes on where it was. Exit codes: 0 done, 3 done but parts of the file could not be read, 1 it cannot be done
(the reason is on standard error), 2 wrong arguments, 130 interrupted.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from inference_workers.contracts import redactions as keys
from inference_workers.contracts.environment import Environment, SettingError
from inference_workers.contracts.lease import RedactionPolicy, RedactionStyle
from inference_workers.contracts.redactions import (
    Audio,
    RedactionJob,
    RedactionOptions,
    RedactionReply,
    RedactionStep,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.folder import WorkFolder
from inference_workers.engine.films.local import LocalJob, is_picture, place_input, take_result
from inference_workers.engine.films.process import FilmProcess
from inference_workers.settings import WorkerSettings, read

RESULT_SUFFIXES = {"video": (".mp4", ".mov", ".m4v"), "image": (".jpg", ".jpeg")}
PARTIAL = 3

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How to redact a file.

    Attributes:
        models: names of face models; empty: the best of each family that this machine has.
        workers: steps at a time; 0: one per core, four at most.
        work_folder: where finished parts wait; None: beside the result.
        keep_work: leave the work folder in place when the result is there.
    """

    redaction: RedactionOptions = field(default_factory=RedactionOptions)
    models: tuple[str, ...] = ()
    workers: int = 0
    work_folder: Path | None = None
    keep_work: bool = False


def redact_file(
    in_path: Path, out_path: Path, options: FileOptions | None = None, told: Told | None = None
) -> dict[str, Any]:
    """Redact a picture or film; everything that was finished before is taken over.

    Args:
        told: called with (phase, frames done, frames in all).

    Returns:
        the coverage report.

    Raises:
        EngineError: in words, with a stable code.
    """
    options = options or FileOptions()
    if not in_path.is_file():
        raise EngineError("file_missing", f"{in_path}: expected a file")
    _require_suffix(in_path, out_path)
    folder = WorkFolder(options.work_folder or out_path.with_name(f"{out_path.name}.redaction"))
    try:
        job, reply = _run(in_path, folder, options, told or (lambda phase, done, total: None))
    except EngineError:
        _forget_if_empty(folder.root)
        raise
    report: dict[str, Any] = folder.read_json(keys.report_key(job.job_id, 0))
    take_result(folder.path(reply.output_key), out_path)
    if not options.keep_work:
        shutil.rmtree(folder.root)
    return report


def _run(
    in_path: Path, folder: WorkFolder, options: FileOptions, told: Told
) -> tuple[RedactionJob, RedactionReply]:
    count = options.workers or min(4, os.cpu_count() or 1)
    with ExitStack() as stack:
        free: SimpleQueue[FilmProcess] = SimpleQueue()
        for _ in range(count):
            process = FilmProcess(folder.root.absolute(), nice=0)
            stack.callback(process.close)
            process.start()
            free.put(process)
        # Deferred: the children load their engine meanwhile.
        from inference_workers.engine.films.choosing import choose_job

        job = choose_job(in_path, options.redaction, options.models, terminal_settings())
        place_input(folder, job.job_id, in_path)

        def run(step: RedactionStep) -> RedactionReply:
            process = free.get()
            try:
                reply = process.run(step)
            finally:
                free.put(process)
            if reply.error_code is not None:
                raise EngineError(reply.error_code, reply.error or "", transient=reply.transient)
            return reply

        return job, LocalJob(job, folder, run, count, told).redact()


def _forget_if_empty(root: Path) -> None:
    """A folder of a file that could not even be begun helps nobody; finished parts stay."""
    if not any(path.is_file() and not path.is_symlink() for path in root.rglob("*")):
        shutil.rmtree(root, ignore_errors=True)


def _require_suffix(in_path: Path, out_path: Path) -> None:
    kind = "image" if is_picture(in_path) else "video"
    if out_path.suffix.lower() not in RESULT_SUFFIXES[kind]:
        raise EngineError(
            "result_name", f"{out_path.name}: expected a name ending in {' or '.join(RESULT_SUFFIXES[kind])}"
        )


def terminal_settings(variables: Mapping[str, str] = os.environ) -> WorkerSettings:
    """Settings for a command that talks to no other process."""
    unused = {"REDIS_URL": "unix:///nowhere", "VIDETTE_LEASE_KEY": "unused"}
    return read(Environment(unused | dict(variables)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="redact", description="Cover people in a picture or film.")
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("target", type=Path, metavar="OUT", help=".mp4 for a film, .jpg for a picture")
    parser.add_argument("--cover", action="append", choices=("face", "head", "person", "text"), default=[])
    parser.add_argument("--style", choices=[style.value for style in RedactionStyle], default="mosaic")
    parser.add_argument("--audio", choices=[audio.value for audio in Audio], default="drop")
    parser.add_argument("--model", action="append", default=[], help="a face model; default: all good ones")
    parser.add_argument("--workers", type=int, default=0, help="steps at a time; default: one per core")
    parser.add_argument("--work", type=Path, help="folder for finished parts; default: beside OUT")
    parser.add_argument("--report", type=Path, help="where to write the coverage report (JSON)")
    parser.add_argument("--progress", choices=("bar", "json", "none"), default="bar")
    return parser


def options_of(arguments: argparse.Namespace) -> FileOptions:
    """Options from the words of the command line."""
    policy = RedactionPolicy(
        targets=tuple(arguments.cover or ("face",)), style=RedactionStyle(arguments.style)
    )
    redaction = RedactionOptions(policy, Audio(arguments.audio))
    return FileOptions(redaction, tuple(arguments.model), max(0, arguments.workers), arguments.work)


def _told(how: str, stack: ExitStack) -> Told:
    if how == "json":
        return _tell_json
    if how == "none":
        return lambda phase, done, total: None
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
    tasks = {"analyse": bar.add_task("looking"), "render": bar.add_task("covering")}
    return lambda phase, done, total: bar.update(tasks[phase], completed=done, total=total)


def _tell_json(phase: str, done: int, total: int) -> None:
    sys.stdout.write(json.dumps({"phase": phase, "done": done, "total": total}) + "\n")
    sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(words)
    try:
        with ExitStack() as stack:
            told = _told(arguments.progress, stack)
            report = redact_file(arguments.source, arguments.target, options_of(arguments), told)
    except (EngineError, SettingError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; start it again to go on\n")
        return 130
    if arguments.report is not None:
        arguments.report.write_text(json.dumps(report, indent=2) + "\n")
    sys.stderr.write(_sentence(report))
    return PARTIAL if report["partial"] else 0


def _sentence(report: Mapping[str, Any]) -> str:
    frames, tracks = report["frames"], report["tracks"]
    words = f"{frames['decoded']} frames, {len(tracks)} tracks, {frames['with_covers']} frames with covers"
    if report["partial"]:
        words += "; parts of the file could not be read, see the report"
    return f"{words}\n"


if __name__ == "__main__":
    sys.exit(main())
