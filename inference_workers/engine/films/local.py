"""Redacting one file on this machine: the same steps as on the workers, several at a time, resumable."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference_workers.contracts import redactions as keys
from inference_workers.contracts.redactions import (
    FilmFacts,
    RedactionJob,
    RedactionKind,
    RedactionReply,
    RedactionStep,
)
from inference_workers.engine.films.folder import WorkFolder, canonical

Runner = Callable[[RedactionStep], RedactionReply]
Progress = Callable[[str, int, int], None]
STEP_LIMIT_S = 3600.0
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True, slots=True)
class LocalJob:
    """One file to redact.

    Attributes:
        run: does a step in `folder`; called from several threads.
        workers: steps at a time.
        progress: told (phase, frames done, frames in all).
    """

    job: RedactionJob
    folder: WorkFolder
    run: Runner
    workers: int = 2
    progress: Progress = field(default=lambda phase, done, total: None)

    def redact(self) -> RedactionReply:
        """Every step that has not been done yet; the reply of the last one. Raises EngineError."""
        film = self._probe()
        count = len(film.segment_frames)
        with ThreadPoolExecutor(self.workers) as pool:
            analyses = [self._step(RedactionKind.ANALYSE, segment=i) for i in range(count)]
            self._all("analyse", pool, analyses, film)
            stitched = self._do(self._step(RedactionKind.STITCH))
            renders = [
                self._step(RedactionKind.RENDER, segment=i, covers=(name,))
                for i, name in enumerate(stitched.covers)
            ]
            self._all("render", pool, renders, film)
        return self._do(self._step(RedactionKind.MUX, covers=stitched.covers))

    def _probe(self) -> FilmFacts:
        reply = self._do(self._step(RedactionKind.PROBE))
        assert reply.film is not None  # noqa: S101 - a reply to PROBE has it
        return reply.film

    def _step(self, kind: RedactionKind, segment: int = 0, covers: tuple[str, ...] = ()) -> RedactionStep:
        return RedactionStep(self.job, kind, 1, time.time() + STEP_LIMIT_S, segment, 0, covers)

    def _do(self, step: RedactionStep) -> RedactionReply:
        return self.run(step)

    def _all(self, phase: str, pool: Executor, steps: Sequence[RedactionStep], film: FilmFacts) -> None:
        total = sum(film.segment_frames)
        waiting: dict[Future[RedactionReply], int] = {}
        done = 0
        for step in steps:
            frames = film.segment_frames[step.segment]
            if self._is_done(step):
                done += frames
            else:
                waiting[pool.submit(self._do, step)] = frames
        self.progress(phase, done, total)
        try:
            for future in as_completed(waiting):
                future.result()
                done += waiting[future]
                self.progress(phase, done, total)
        finally:
            for future in waiting:
                future.cancel()

    def _is_done(self, step: RedactionStep) -> bool:
        job_id = step.job.job_id
        if step.kind is RedactionKind.ANALYSE:
            return self.folder.has(keys.looks_key(job_id, step.segment))
        # Written after the segment itself.
        return self.folder.has(keys.rendered_key(job_id, step.segment, step.covers[0]))


def job_name(path: Path, job: RedactionJob, release: str) -> str:
    """The same for the same upload, models and options: what was begun is gone on with."""
    found = path.stat()
    facts: dict[str, Any] = {"size": found.st_size, "at": found.st_mtime_ns, "release": release}
    digest = hashlib.sha256(canonical(facts) + repr(job).encode())
    return digest.hexdigest()[:24]


def place_input(folder: WorkFolder, job_id: str, path: Path) -> None:
    """The upload itself is not copied: a link to it stands in the work folder."""
    place = folder.path(keys.input_key(job_id))
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        return
    place.symlink_to(path.resolve())


def take_result(source: Path, target: Path) -> None:
    """Move the result to where it was asked for; as a whole or not at all."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def is_picture(path: Path) -> bool:
    """By its first bytes, whatever its name says."""
    with path.open("rb") as file:
        head = file.read(16)
    return head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
