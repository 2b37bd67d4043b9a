"""Durable redaction of one uploaded picture or film, cut into short steps that may be repeated at any time.

The control plane's ledger decides which step runs when; a worker keeps nothing between two steps. The order:

    PROBE → ANALYSE of every segment → STITCH → RENDER of every segment → MUX
    an edit that adds a region: FOLLOW → STITCH (next revision) → RENDER where covers changed → MUX

Every step reads objects and writes objects below `redactions/<job_id>/` under a name that follows from its
input, so a step that runs twice writes the same bytes to the same place. A rendered segment is named by the
hash of what covers it (`RedactionReply.covers` of STITCH): a segment whose hash was rendered already need not
be rendered again, not after an edit and not after its undo.

A picture is a film of one segment and takes the same steps. Times are seconds since the first frame of the
film; boxes and polygons are normalised 0..1 of the decoded picture (before any rotation that the container
asks the player for; see `FilmFacts.rotation_deg`).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from inference_workers.contracts.lease import ModelRef, RedactionPolicy

BoxXyxy = tuple[float, float, float, float]


class RedactionKind(StrEnum):
    """The kinds of steps."""

    PROBE = "probe"
    ANALYSE = "analyse"
    STITCH = "stitch"
    RENDER = "render"
    MUX = "mux"
    FOLLOW = "follow"


class Audio(StrEnum):
    """What becomes of the sound: a voice is personal data too."""

    DROP = "drop"
    KEEP = "keep"


class EditKind(StrEnum):
    """`ADD` covers a drawn region and lets it follow; `DROP` removes the cover of one track (a false find);
    `KEEP` leaves one track uncovered on purpose while everybody else stays covered."""

    ADD = "add"
    DROP = "drop"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class RedactionOptions:
    """`policy.targets`: "face", "head", "person", "text". `masks` are painted solid in every frame."""

    policy: RedactionPolicy = field(default_factory=RedactionPolicy)
    audio: Audio = Audio.DROP
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RedactionJob:
    """What every step of a job is told; the same in all of them.

    `face_models`: all of them look, and what any of them finds is covered; at least one is needed.
    `person_model` is needed for "head" and "person", `text_model` for "text".
    """

    job_id: str
    face_models: tuple[ModelRef, ...]
    person_model: ModelRef | None = None
    text_model: ModelRef | None = None
    options: RedactionOptions = field(default_factory=RedactionOptions)


@dataclass(frozen=True, slots=True)
class RedactionEdit:
    """One edit. `edit_id` is letters, digits and dashes and names the followed region.

    `track_id` for DROP and KEEP, as in the JSON of tracks. `box_xyxy` and `at_s` for ADD: drawn on the frame
    at `at_s`, followed at most from `from_s` to `until_s` (None: as far as it can be followed).
    """

    edit_id: str
    kind: EditKind
    track_id: str | None = None
    at_s: float | None = None
    box_xyxy: BoxXyxy | None = None
    from_s: float | None = None
    until_s: float | None = None


@dataclass(frozen=True, slots=True)
class RedactionStep:
    """The message of task `gpu.redact`.

    Attributes:
        segment: index for ANALYSE and RENDER, 0 otherwise.
        revision: 0 for the first result, one more with every edit or undo; names what STITCH and MUX write.
        covers: RENDER: the hash of this segment; MUX: the hashes of all segments in order; else empty.
        edits: STITCH: every edit that counts (those undone left out), in order; FOLLOW: the one to follow.
        deadline_at: POSIX seconds; after it the worker gives the step up.
    """

    job: RedactionJob
    kind: RedactionKind
    attempt: int
    deadline_at: float
    segment: int = 0
    revision: int = 0
    covers: tuple[str, ...] = ()
    edits: tuple[RedactionEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A part of a film, in seconds since its first frame."""

    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a file is, as PROBE found it.

    Attributes:
        media: "video" or "image".
        width, height: of the decoded picture, before `rotation_deg` (0, 90, 180, 270, clockwise on display).
        frames: frames that the file announces; the report tells how many could be decoded.
        segment_frames: frames per segment (announced), in order; its length is the number of segments.
        audio: names of the codecs of the sound tracks.
        result_suffix: ".mp4", ".jpg" or ".png".
    """

    media: str
    container: str
    codec: str
    width: int
    height: int
    rotation_deg: int
    frames: int
    duration_s: float
    fps: float
    audio: tuple[str, ...]
    segment_frames: tuple[int, ...]
    result_suffix: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RedactionSummary:
    """The figures of a result in short; the whole is in the report's JSON.

    `partial`: parts of the file could not be decoded; they are missing, or shown as a mosaic. `looked_again`
    frames of the result had a second look, `leaky` of them show a face that nothing covers, the first of them
    at `leaks_at_s`.
    """

    tracks: int
    frames: int
    frames_looked_at: int
    frames_covered: int
    frames_mosaic: int
    uncertain_tracks: int
    partial: bool
    unreadable: tuple[TimeRange, ...] = ()
    looked_again: int = 0
    leaky: int = 0
    leaks_at_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RedactionReply:
    """The outcome of one step, on the results stream.

    Key: (job_id, kind, segment, revision, covers of the step). The first success counts; a second one says
    the same. `error_code` is stable, `error` the sentence, both None when the step was done. `transient`:
    the same step may succeed later (`worker_busy`: at once elsewhere, here in a few seconds).

    Attributes:
        output_key, output_sha256, output_bytes: what was written last; MUX: the result itself.
        film: PROBE.
        covers: STITCH: one hash per segment in order. RENDER: the hash that was rendered.
        summary: MUX.
        frames: frames that ANALYSE or RENDER went through.
        followed: FOLLOW: from when to when the region could be followed.
    """

    job_id: str
    kind: RedactionKind
    attempt: int
    segment: int = 0
    revision: int = 0
    output_key: str = ""
    output_sha256: str = ""
    output_bytes: int = 0
    film: FilmFacts | None = None
    covers: tuple[str, ...] = ()
    summary: RedactionSummary | None = None
    frames: int = 0
    followed: TimeRange | None = None
    duration_ms: float = 0.0
    error_code: str | None = None
    error: str | None = None
    transient: bool = False


def job_prefix(job_id: str) -> str:
    """Every object of a job lies below; deleting them all forgets the job."""
    return f"redactions/{job_id}"


def input_key(job_id: str) -> str:
    """The upload, unredacted; written by the control plane, read by workers only."""
    return f"{job_prefix(job_id)}/input"


def film_key(job_id: str) -> str:
    """What PROBE found, segments included (JSON of the data plane)."""
    return f"{job_prefix(job_id)}/film.json"


def looks_key(job_id: str, segment: int) -> str:
    """What ANALYSE found in one segment."""
    return f"{job_prefix(job_id)}/looks/{segment:05d}.json"


def follow_key(job_id: str, edit_id: str) -> str:
    """Where a drawn region went."""
    return f"{job_prefix(job_id)}/follow/{edit_id}.json"


def tracks_key(job_id: str, revision: int) -> str:
    """The JSON of tracks after the edits of a revision (written by STITCH; docs/redaction.md)."""
    return f"{job_prefix(job_id)}/revisions/{revision:04d}/tracks.json"


def covers_key(job_id: str, segment: int, covers: str) -> str:
    """What covers one segment; named by its hash."""
    return f"{job_prefix(job_id)}/covers/{segment:05d}-{covers}.json"


def segment_key(job_id: str, segment: int, covers: str) -> str:
    """One rendered segment (redacted)."""
    return f"{job_prefix(job_id)}/segments/{segment:05d}-{covers}"


def rendered_key(job_id: str, segment: int, covers: str) -> str:
    """What RENDER counted in one segment."""
    return f"{job_prefix(job_id)}/segments/{segment:05d}-{covers}.json"


def result_key(job_id: str, revision: int, suffix: str) -> str:
    """The redacted result; `suffix` from `FilmFacts.result_suffix`."""
    return f"{job_prefix(job_id)}/revisions/{revision:04d}/result{suffix}"


def report_key(job_id: str, revision: int) -> str:
    """The coverage report (written by MUX)."""
    return f"{job_prefix(job_id)}/revisions/{revision:04d}/report.json"


RUNNING_TTL_S = 15


def running_key(job_id: str, kind: RedactionKind, segment: int, attempt: int) -> str:
    """Redis key that a worker sets with RUNNING_TTL_S and renews every few seconds during a step.

    The ledger's lease of a step is short and goes on while this key exists: a worker that was killed is
    noticed within seconds, however long the step is.
    """
    return f"vidette:redaction:{job_id}:{kind.value}:{segment}:{attempt}"
