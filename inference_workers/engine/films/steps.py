"""The steps of a job, each from files to files of one work folder. Stateless: everything else is told."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from inference_workers.contracts import redactions as keys
from inference_workers.contracts.redactions import (
    Audio,
    RedactionKind,
    RedactionReply,
    RedactionStep,
    TimeRange,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.analysing import SegmentAnalyser, SegmentLooks
from inference_workers.engine.films.checking import SecondLooks, moments_of
from inference_workers.engine.films.covering import covers_from, covers_hash, covers_of
from inference_workers.engine.films.editing import edited
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.folder import WorkFolder, sha256_of
from inference_workers.engine.films.looking import Looker
from inference_workers.engine.films.muxing import copy_picture, join_segments
from inference_workers.engine.films.probing import probe
from inference_workers.engine.films.regions import follow_region
from inference_workers.engine.films.rendering import Rendered, render_picture, render_segment
from inference_workers.engine.films.reporting import (
    report_document,
    summary_of,
    tracks_document,
    unreadable_ranges,
)
from inference_workers.engine.films.stills import analyse_picture
from inference_workers.engine.films.stitching import stitch
from inference_workers.engine.second_look import Looker as SecondLooker


@dataclass(frozen=True, slots=True)
class Steps:
    """Does steps in a work folder.

    Attributes:
        folder: holds the upload below `input_key` and everything that earlier steps wrote.
        looker: gives the models of a job; called for ANALYSE only.
        second: gives those who look again at what was rendered; called for RENDER only.
    """

    folder: WorkFolder
    looker: Callable[[RedactionStep], Looker]
    second: Callable[[RedactionStep], Sequence[SecondLooker]]

    def run(self, step: RedactionStep) -> RedactionReply:
        """Do one step. Raises EngineError."""
        started_at = time.perf_counter()
        reply = _RUN[step.kind](self, step)
        return replace(reply, duration_ms=round((time.perf_counter() - started_at) * 1000, 1))

    def _film(self, step: RedactionStep) -> Film:
        return self.folder.read(Film, keys.film_key(step.job.job_id))

    def probe(self, step: RedactionStep) -> RedactionReply:
        film = probe(self.folder.path(keys.input_key(step.job.job_id)))
        key = keys.film_key(step.job.job_id)
        self.folder.write(key, film)
        return replace(self._reply(step, key), film=film.facts)

    def analyse(self, step: RedactionStep) -> RedactionReply:
        film = self._film(step)
        _require_segment(film, step)
        path = self.folder.path(keys.input_key(step.job.job_id))
        looker = self.looker(step)
        if film.facts.media == "image":
            looks: SegmentLooks = analyse_picture(path, looker)
        else:
            looks = SegmentAnalyser(path, film, step.segment, looker).run()
        key = keys.looks_key(step.job.job_id, step.segment)
        self.folder.write(key, looks.as_json())
        return replace(self._reply(step, key), frames=looks.frames)

    def stitch(self, step: RedactionStep) -> RedactionReply:
        job_id, film = step.job.job_id, self._film(step)
        count = len(film.segments)
        stitched = stitch(self.folder.read_json(keys.looks_key(job_id, i)) for i in range(count))
        tracks = edited(
            stitched.tracks,
            step.edits,
            lambda edit_id: self.folder.read_json(keys.follow_key(job_id, edit_id)),
        )
        hashes = []
        for segment in range(count):
            document = covers_of(film, segment, tracks, step.job.options).as_json()
            hashes.append(covers_hash(document))
            key = keys.covers_key(job_id, segment, hashes[-1])
            if not self.folder.has(key):
                self.folder.write(key, document)
        key = keys.tracks_key(job_id, step.revision)
        self.folder.write(key, tracks_document(film, tracks, stitched.cuts, stitched.segments))
        return replace(self._reply(step, key), covers=tuple(hashes))

    def render(self, step: RedactionStep) -> RedactionReply:
        job_id, film = step.job.job_id, self._film(step)
        _require_segment(film, step)
        (covers,) = step.covers
        document = self.folder.read_json(keys.covers_key(job_id, step.segment, covers))
        what = covers_from(document, step.job.options)
        path = self.folder.path(keys.input_key(job_id))
        key = keys.segment_key(job_id, step.segment, covers)
        looks = SecondLooks(moments_of(film, step.segment), partial(self.second, step), what.masks)
        with self.folder.new_file(key) as target:
            if film.facts.media == "image":
                rendered = render_picture(path, what, target, looks=looks)
            else:
                rendered = render_segment(path, film, step.segment, what, target, looks=looks)
        self.folder.write(keys.rendered_key(job_id, step.segment, covers), rendered)
        return replace(self._reply(step, key), frames=rendered.frames, covers=(covers,))

    def mux(self, step: RedactionStep) -> RedactionReply:
        job_id, film = step.job.job_id, self._film(step)
        if len(step.covers) != len(film.segments):
            raise EngineError(
                "step_invalid", f"expected {len(film.segments)} segments, got {len(step.covers)} hashes"
            )
        names = list(enumerate(step.covers))
        parts = [self.folder.path(keys.segment_key(job_id, i, name)) for i, name in names]
        rendered = [self.folder.read(Rendered, keys.rendered_key(job_id, i, name)) for i, name in names]
        key = keys.result_key(job_id, step.revision, film.facts.result_suffix)
        sound: tuple[str, ...] = ()
        with self.folder.new_file(key) as target:
            if film.facts.media == "image":
                copy_picture(parts[0], target)
            else:
                kept = step.job.options.audio is Audio.KEEP
                upload = self.folder.path(keys.input_key(job_id)) if kept else None
                sound = join_segments(film, parts, target, sound_of=upload)
        tracks = self.folder.read_json(keys.tracks_key(job_id, step.revision))
        report = report_document(step.job, film, tracks, rendered, sound)
        self.folder.write(keys.report_key(job_id, step.revision), report)
        unreadable = unreadable_ranges(film, rendered)
        return replace(
            self._reply(step, key), summary=summary_of(report, unreadable), frames=report["frames"]["decoded"]
        )

    def follow(self, step: RedactionStep) -> RedactionReply:
        (edit,) = step.edits
        path = self.folder.path(keys.input_key(step.job.job_id))
        document = follow_region(path, self._film(step), edit)
        key = keys.follow_key(step.job.job_id, edit.edit_id)
        self.folder.write(key, document)
        points = document["points"]
        return replace(self._reply(step, key), followed=TimeRange(points[0][0], points[-1][0]))

    def _reply(self, step: RedactionStep, key: str) -> RedactionReply:
        path = self.folder.path(key)
        return RedactionReply(
            step.job.job_id,
            step.kind,
            step.attempt,
            step.segment,
            step.revision,
            output_key=key,
            output_sha256=sha256_of(path),
            output_bytes=path.stat().st_size,
        )


def _require_segment(film: Film, step: RedactionStep) -> None:
    if not 0 <= step.segment < len(film.segments):
        raise EngineError(
            "step_invalid", f"expected a segment below {len(film.segments)}, got {step.segment}"
        )


_RUN: dict[RedactionKind, Callable[[Steps, RedactionStep], RedactionReply]] = {
    RedactionKind.PROBE: Steps.probe,
    RedactionKind.ANALYSE: Steps.analyse,
    RedactionKind.STITCH: Steps.stitch,
    RedactionKind.RENDER: Steps.render,
    RedactionKind.MUX: Steps.mux,
    RedactionKind.FOLLOW: Steps.follow,
}
