"""A film through all steps: same size, same stamps, every face covered, the same bytes every time."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from skimage import data

from inference_workers.contracts import redactions as keys
from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.contracts.redactions import Audio, EditKind, RedactionEdit, RedactionKind
from inference_workers.engine.errors import EngineError
from tests.engine.film_parts import FPS, HEIGHT, WIDTH, Case, detail_left, face_left, frames_of, write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "walk.mp4")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Case:
    case = Case(tmp_path_factory.mktemp("job"), film)
    case.all()
    return case


def result(case: Case, revision: int = 0) -> Path:
    return case.folder.path(keys.result_key("job-1", revision, ".mp4"))


def test_size_count_and_stamps_are_those_of_the_upload(case, film) -> None:
    before, after = frames_of(film), frames_of(result(case))
    assert [at for at, _ in before] == [at for at, _ in after]
    assert {image.shape for _, image in after} == {(HEIGHT, WIDTH, 3)}


def test_the_face_is_covered_in_every_frame_and_the_rest_is_left(case, film) -> None:
    before, after = frames_of(film), frames_of(result(case))
    assert min(detail_left(image, i) for i, (_, image) in enumerate(before)) > 0.8
    assert max(detail_left(image, i) for i, (_, image) in enumerate(after)) < 0.35
    ground = [np.abs(a[1][100:].astype(int) - b[1][100:]).mean() for a, b in zip(before, after, strict=True)]
    assert max(ground) < 6


def test_it_looks_at_a_part_of_the_frames(case) -> None:
    frames = case.report()["frames"]
    assert (frames["announced"], frames["decoded"], frames["missing"]) == (40, 40, 0)
    assert frames["looked_at"] == pytest.approx(20, abs=2)
    assert frames["with_covers"] == 40


def test_one_walk_is_one_track_over_all_segments(case) -> None:
    assert len(case.tracks()["segments"]) == 3
    (track,) = case.tracks()["tracks"]
    assert (track["id"], track["kind"], track["state"], track["uncertain"]) == (
        "face-1",
        "face",
        "covered",
        False,
    )
    assert track["from_s"] == 0
    assert track["until_s"] > 3.5


def test_a_second_run_gives_the_same_bytes(tmp_path, case, film) -> None:
    assert Case(tmp_path, film).all().read_bytes() == result(case).read_bytes()


def test_a_face_that_is_found_late_is_covered_from_its_first_frame(tmp_path, film) -> None:
    blind = frozenset(face_left(i) for i in range(7))
    case = Case(tmp_path, film, blind)
    shown = frames_of(case.all())
    assert max(detail_left(image, i) for i, (_, image) in enumerate(shown)) < 0.35
    (track,) = case.tracks()["tracks"]
    assert [point[-1] for point in track["points"][:3]] == ["f", "f", "f"]


def test_a_detector_that_blinks_uncovers_nobody(tmp_path, film) -> None:
    case = Case(tmp_path, film, frozenset(face_left(i) for i in range(10, 22)))
    shown = frames_of(case.all())
    assert max(detail_left(image, i) for i, (_, image) in enumerate(shown)) < 0.35
    assert len(case.tracks()["tracks"]) == 1


def test_dropping_a_track_and_undoing_it_renders_nothing_twice(tmp_path, film) -> None:
    case = Case(tmp_path, film)
    first = case.all().read_bytes()
    edit = RedactionEdit("e1", EditKind.DROP, track_id="face-1")
    shown = frames_of(case.folder.path(case.finish(1, (edit,)).output_key))
    assert min(detail_left(image, i) for i, (_, image) in enumerate(shown)) > 0.8
    assert case.report(1)["not_covered"] == [{"id": "face-1", "state": "dropped"}]
    segments = sorted(case.folder.path("redactions/job-1/segments").iterdir())
    stamps = [path.stat().st_mtime_ns for path in segments]
    assert case.folder.path(case.finish(2).output_key).read_bytes() == first
    assert [path.stat().st_mtime_ns for path in segments] == stamps


def test_a_drawn_region_follows_and_changes_only_its_segments(tmp_path, film) -> None:
    case = Case(tmp_path, film, frozenset(range(WIDTH)))
    case.analyse()
    plain = case.step(RedactionKind.STITCH).covers
    left, right = face_left(15) / WIDTH, (face_left(15) + 32) / WIDTH
    box = (left, 40 / HEIGHT, right, 72 / HEIGHT)
    edit = RedactionEdit("e1", EditKind.ADD, at_s=1.5, box_xyxy=box, from_s=1.3, until_s=1.9)
    followed = case.step(RedactionKind.FOLLOW, edits=(edit,)).followed
    assert followed is not None
    assert (followed.from_s, followed.until_s) == (pytest.approx(1.3, abs=0.11), pytest.approx(1.9, abs=0.11))
    reply = case.finish(1, (edit,))
    edited = case.step(RedactionKind.STITCH, revision=1, edits=(edit,)).covers
    changed = [i for i, name in enumerate(edited) if name != plain[i]]
    assert changed == [1]
    shown = frames_of(case.folder.path(reply.output_key))
    assert max(detail_left(shown[i][1], i) for i in range(13, 19)) < 0.35
    assert detail_left(shown[30][1], 30) > 0.8


def test_an_edit_of_a_track_that_is_not_there_is_refused(case) -> None:
    edit = RedactionEdit("e1", EditKind.DROP, track_id="face-9")
    with pytest.raises(EngineError, match="expected a track of this film"):
        case.step(RedactionKind.STITCH, revision=9, edits=(edit,))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("odd.mp4", {"size": (193, 129)}),
        ("uneven.mp4", {"stamps": [i * 1024 + (i % 3) * 200 for i in range(12)]}),
        ("matroska.mkv", {"time_base": Fraction(1, 1000)}),
        ("late.mp4", {"stamps": [5120 + i * 1024 for i in range(12)]}),
        ("one.mp4", {"frames": 1}),
    ],
)
def test_odd_films_keep_their_form(tmp_path, name, changes) -> None:
    source = write_film(tmp_path / name, **({"frames": 12} | changes))
    before, after = frames_of(source), frames_of(Case(tmp_path / "job", source).all())
    assert [at for at, _ in before] == [at for at, _ in after]
    assert before[0][1].shape == after[0][1].shape


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_the_rotation_is_kept(tmp_path, rotation_deg) -> None:
    source = write_film(tmp_path / "turned.mp4", 5, rotation_deg=rotation_deg)
    case = Case(tmp_path / "job", source)
    shown = case.all()
    assert case.report()["file"]["rotation_deg"] == rotation_deg
    with av.open(str(source)) as before, av.open(str(shown)) as after:
        turns = [next(found.decode(video=0)).rotation for found in (before, after)]
    assert turns[0] == turns[1] != 0


@pytest.mark.parametrize(("audio", "codecs"), [(Audio.DROP, []), (Audio.KEEP, ["aac"])])
def test_the_sound_goes_unless_it_is_to_be_kept(tmp_path, audio, codecs) -> None:
    source = write_film(tmp_path / "talk.mp4", 20, sound=True)
    case = Case(tmp_path / "job", source, audio=audio)
    with av.open(str(case.all())) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == codecs
        seconds = sum(float(p.duration * p.time_base) for p in container.demux(audio=0)) if codecs else 0
    assert case.report()["sound_kept"] == codecs
    assert not codecs or seconds == pytest.approx(20 / FPS, abs=0.2)


def test_a_mask_is_painted_in_every_frame(tmp_path, film) -> None:
    corner = ((0.8, 0.8), (1.0, 0.8), (1.0, 1.0), (0.8, 1.0))
    shown = frames_of(Case(tmp_path, film, masks=(corner,)).all())
    assert max(image[110:120, 165:180].std() for _, image in shown) < 3


def test_a_picture_takes_the_same_steps(tmp_path) -> None:
    image = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    source = tmp_path / "picture"
    source.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    case = Case(tmp_path / "job", source)
    case.analyse()
    reply = case.finish()
    assert reply.output_key.endswith("/result.jpg")
    shown = cv2.imread(str(case.folder.path(reply.output_key)))
    assert shown is not None
    assert shown.shape == image.shape


def test_a_policy_without_a_model_is_refused(tmp_path, film) -> None:
    from inference_workers.engine.films.looking import require_models

    policy = RedactionPolicy(targets=("face", "person"))
    job = Case(tmp_path, film, policy=policy).job
    with pytest.raises(EngineError, match="to cover person a model is needed"):
        require_models(job, policy.targets)
