"""What a step of a redaction needs from the object store, and what it leaves there.

The scratch folder of a machine holds copies below the names of their objects. The upload lies there
unredacted, so a job's folder goes when its result is there, and after `KEEP_S` without a step in any case.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_workers.contracts import redactions as keys
from inference_workers.contracts.redactions import (
    Audio,
    EditKind,
    RedactionKind,
    RedactionReply,
    RedactionStep,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.folder import WorkFolder, sha256_of
from inference_workers.objects import Objects

KEEP_S = 1800.0
MAX_INPUT_BYTES = 512 * 1024**3
# Room that must stay free on the disk besides the upload.
RESERVE_BYTES = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class StepFiles:
    """Safe in several threads: a file is there as a whole or not at all, and its content follows its name."""

    objects: Objects
    folder: WorkFolder

    def fetch(self, step: RedactionStep) -> None:
        """Bring everything that the step reads.

        Raises:
            EngineError: `object_missing`, `object_store_unreachable`, `disk_full`.
        """
        self.folder.path(keys.job_prefix(step.job.job_id)).mkdir(parents=True, exist_ok=True)
        self._touch(step)
        if step.kind is not RedactionKind.PROBE:
            self._bring(keys.film_key(step.job.job_id))
        for key in self._read_by(step):
            self._bring(key)

    def leave(self, step: RedactionStep) -> None:
        """Store what the step wrote; what says that it is done comes last."""
        for key in self._written_by(step):
            if not self.objects.exists(key):
                self.objects.put_file(key, self.folder.path(key))

    def is_done(self, step: RedactionStep) -> bool:
        """True when an earlier attempt left everything, and only its answer was lost."""
        if step.kind not in (RedactionKind.ANALYSE, RedactionKind.RENDER):
            return False
        *_, last = self._written_by(step)
        return self.objects.exists(last)

    def answer_again(self, step: RedactionStep) -> RedactionReply:
        """The reply of a step that an earlier attempt did."""
        key = next(iter(self._written_by(step)))
        *_, last = self._written_by(step)
        self._bring(last)
        self._bring(key)
        path = self.folder.path(key)
        return RedactionReply(
            step.job.job_id, step.kind, step.attempt, step.segment, step.revision,
            output_key=key, output_sha256=sha256_of(path), output_bytes=path.stat().st_size,
            covers=step.covers, frames=int(self.folder.read_json(last)["frames"]),
        )  # fmt: skip

    def forget(self, job_id: str) -> None:
        """Remove a job's copies from this machine."""
        shutil.rmtree(self.folder.path(keys.job_prefix(job_id)), ignore_errors=True)

    def sweep(self, now: float) -> list[str]:
        """Remove the copies of jobs without a step for long; answers their names."""
        root = self.folder.path("redactions")
        old = [path for path in root.glob("*") if path.is_dir() and path.stat().st_mtime < now - KEEP_S]
        for path in old:
            self.forget(path.name)
        return [path.name for path in old]

    def _touch(self, step: RedactionStep) -> None:
        marker = self.folder.path(keys.job_prefix(step.job.job_id))
        marker.touch(exist_ok=True)

    def _bring(self, key: str) -> None:
        if self.folder.has(key):
            return
        size = self.objects.size(key)
        if size > MAX_INPUT_BYTES:
            raise EngineError("object_too_large", f"{key}: {size} bytes are more than a file may have")
        self.folder.path(key).parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder.root).free < size + RESERVE_BYTES:
            raise EngineError(
                "disk_full",
                f"the file needs {size // 2**20} MiB on the worker's disk, there is less; free some",
                transient=True,
            )
        with self.folder.new_file(key) as path:
            self.objects.get_file(key, path)

    def _read_by(self, step: RedactionStep) -> Iterator[str]:
        job_id, kind = step.job.job_id, step.kind
        if kind in (RedactionKind.PROBE, RedactionKind.ANALYSE, RedactionKind.RENDER, RedactionKind.FOLLOW):
            yield keys.input_key(job_id)
        if kind is RedactionKind.RENDER:
            yield from (keys.covers_key(job_id, step.segment, name) for name in step.covers)
        elif kind is RedactionKind.STITCH:
            yield from (keys.looks_key(job_id, i) for i in range(self._segments(job_id)))
            added = (edit for edit in step.edits if edit.kind is EditKind.ADD)
            yield from (keys.follow_key(job_id, edit.edit_id) for edit in added)
        elif kind is RedactionKind.MUX:
            yield keys.tracks_key(job_id, step.revision)
            yield from _segment_keys(job_id, step.covers)
            if step.job.options.audio is Audio.KEEP:
                yield keys.input_key(job_id)

    def _written_by(self, step: RedactionStep) -> Iterator[str]:
        job_id, kind = step.job.job_id, step.kind
        if kind is RedactionKind.PROBE:
            yield keys.film_key(job_id)
        elif kind is RedactionKind.ANALYSE:
            yield keys.looks_key(job_id, step.segment)
        elif kind is RedactionKind.STITCH:
            yield from self._written_covers(job_id)
            yield keys.tracks_key(job_id, step.revision)
        elif kind is RedactionKind.RENDER:
            yield keys.segment_key(job_id, step.segment, step.covers[0])
            yield keys.rendered_key(job_id, step.segment, step.covers[0])
        elif kind is RedactionKind.MUX:
            suffix = self._film(job_id).facts.result_suffix
            yield keys.result_key(job_id, step.revision, suffix)
            yield keys.report_key(job_id, step.revision)
        else:
            yield keys.follow_key(job_id, step.edits[0].edit_id)

    def _written_covers(self, job_id: str) -> Iterator[str]:
        prefix = f"{keys.job_prefix(job_id)}/covers"
        names: Iterable[Path] = sorted(self.folder.path(prefix).glob("[0-9]*.json"))
        yield from (f"{prefix}/{path.name}" for path in names)

    def _film(self, job_id: str) -> Film:
        return self.folder.read(Film, keys.film_key(job_id))

    def _segments(self, job_id: str) -> int:
        return len(self._film(job_id).segments)


def _segment_keys(job_id: str, covers: Iterable[str]) -> Iterator[str]:
    for segment, name in enumerate(covers):
        yield keys.segment_key(job_id, segment, name)
        yield keys.rendered_key(job_id, segment, name)


def scratch_folder(data_dir: Path) -> WorkFolder:
    """Where the machine keeps copies of what it works on; made anew, readable for this user alone."""
    root = data_dir / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    return WorkFolder(root)
