"""RENDER: one segment with its people covered."""

from dataclasses import dataclass
from pathlib import Path

from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.checking import SecondLooks, Slip
from inference_workers.engine.films.covering import SegmentCovers
from inference_workers.engine.films.encoding import film_encoder
from inference_workers.engine.films.film import Film
from inference_workers.engine.films.reading import FilmReader
from inference_workers.engine.pictures import decode_picture
from inference_workers.engine.redaction import MOSAIC, encode_jpeg

JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one segment became.

    Attributes:
        frames: all of them; `covered` of them hold at least one cover, `mosaic` are covered as a whole.
        covered_share: mean share of the picture that is covered.
        last_pts: of the last frame, in units of the film; None when there is none.
        looked_again: frames that had a second look, `slips` what it found uncovered.
    """

    frames: int
    covered: int
    mosaic: int
    covered_share: float
    damage_s: tuple[tuple[float, float], ...] = ()
    last_pts: int | None = None
    looked_again: int = 0
    slips: tuple[Slip, ...] = ()


def render_segment(
    path: Path, film: Film, segment: int, covers: SegmentCovers, target: Path, *, looks: SecondLooks
) -> Rendered:
    """Decode, cover and encode; the same input gives the same bytes.

    Raises:
        EngineError: those of the reader.
    """
    found = film.segments[segment]
    reader = FilmReader(path, film, found.start_pts, found.end_pts)
    frames = covered = mosaic = 0
    share = 0.0
    last_pts = None
    with film_encoder(target, film) as encoder:
        for frame in reader.frames():
            redacted = covers.redact(frame.bgr(), frame.at_s, sound=frame.sound)
            encoder.add(redacted, frame.pts)
            looks.offer(redacted, frame.at_s)
            frames += 1
            mosaic += redacted.redaction == MOSAIC
            covered += bool(redacted.covered_xyxy)
            share += _share(redacted.covered_xyxy, redacted.width * redacted.height)
            last_pts = frame.pts
    mean = round(share / frames, 5) if frames else 0.0
    damage = tuple(reader.damage_s)
    return Rendered(frames, covered, mosaic, mean, damage, last_pts, looks.frames, tuple(looks.slips))


def _share(boxes: tuple[tuple[int, int, int, int], ...], pixels: int) -> float:
    """Covered share of a picture; overlaps count twice, up to all of it."""
    return min(1.0, sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) / pixels)


def render_picture(path: Path, covers: SegmentCovers, target: Path, *, looks: SecondLooks) -> Rendered:
    """The same for a picture; the result is a JPEG without any metadata of the upload."""
    image = decode_picture(path.read_bytes())
    redacted = covers.redact(image, 0.0, sound=True)
    if redacted.image.shape != image.shape:
        raise EngineError("render_failed", "the covered picture has another size than the upload")
    target.write_bytes(encode_jpeg(redacted, JPEG_QUALITY))
    looks.offer(redacted, 0.0)
    share = _share(redacted.covered_xyxy, redacted.width * redacted.height)
    mosaic = int(redacted.redaction == MOSAIC)
    covered, mean = int(bool(redacted.covered_xyxy)), round(share, 5)
    return Rendered(1, covered, mosaic, mean, (), 0, looks.frames, tuple(looks.slips))
