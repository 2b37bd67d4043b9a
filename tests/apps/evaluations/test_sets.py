"""Labelled sets: what is read, what is refused in words, and how long the pictures stay."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.core.clock import now
from apps.core.errors import Invalid, NotFound
from apps.core.objects import object_get
from apps.evaluations.formats import Where, read_set
from apps.evaluations.models import Evaluation, LabelledSet, SetVersion
from apps.evaluations.sets import must_pass_set
from apps.retention.services.sweeper import retention_sweep
from inference_workers.contracts.evaluations import manifest_key, picture_key, shown_key
from tests.apps.evaluations.parts import JPEG, yolo_folder

COCO = {
    "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 50, "light": "night"}],
    "annotations": [
        {"image_id": 7, "category_id": 3, "bbox": [10, 10, 50, 20], "area": 600, "iscrowd": 0},
        {"image_id": 7, "category_id": 3, "bbox": [90, 40, 50, 50], "iscrowd": 1},
    ],
    "categories": [{"id": 3, "name": "person"}],
}


def coco_folder(folder, **changes):
    folder.mkdir(exist_ok=True)
    (folder / "a.jpg").write_bytes(JPEG)
    (folder / "labels.json").write_text(json.dumps(COCO | changes))
    return folder


@pytest.mark.database_neutral
def test_coco_is_read_with_crowds_areas_and_slices(tmp_path):
    read = read_set(Where(coco_folder(tmp_path / "set"), camera="Gate"))
    (picture,) = read.labelled.pictures
    assert (picture.width, picture.height, picture.light, picture.camera) == (100, 50, "night", "Gate")
    first, crowd = picture.boxes
    assert first.box_xyxy == (0.1, 0.2, 0.6, 0.6)
    assert first.area == pytest.approx(600 / 5000)
    assert (crowd.crowd, crowd.box_xyxy) == (True, (0.9, 0.8, 1.0, 1.0))


@pytest.mark.database_neutral
def test_a_folder_of_text_files_is_read(tmp_path):
    read = read_set(Where(yolo_folder(tmp_path / "set")))
    assert (read.form, len(read.labelled.pictures), read.labelled.classes) == ("yolo", 3, ("person", "car"))
    assert read.labelled.pictures[0].boxes[0].box_xyxy == pytest.approx((0.4, 0.3, 0.6, 0.7))


@pytest.mark.database_neutral
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"images": [{"id": 1, "file_name": "../../etc/passwd", "width": 1, "height": 1}]},
            "within the folder",
        ),
        (
            {"images": [{"id": 1, "file_name": "labels.json", "width": 1, "height": 1}]},
            "expected one of .jpg",
        ),
        ({"images": [{"id": 1, "file_name": "a.jpg", "width": "9", "height": 1}]}, "width and height"),
        ({"images": "x"}, "list of objects"),
        ({"annotations": []}, "no picture has a labelled object"),
        (
            {"annotations": [{"image_id": 7, "category_id": 9, "bbox": [0, 0, 1, 1]}]},
            "not among the categories",
        ),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": [0, 0, 0, 9]}]}, "empty or lies outside"),
        ({"annotations": [{"image_id": [7], "category_id": 3, "bbox": [0, 0, 1, 1]}]}, "image_id: expected"),
        (
            {"annotations": [{"image_id": 7, "category_id": {}, "bbox": [0, 0, 1, 1]}]},
            "category_id: expected",
        ),
        (
            {"categories": [{"id": 3, "name": "person"}, {"id": 3, "name": "car"}]},
            "“categories” with different",
        ),
        ({"categories": [{"id": 3, "name": "person"}, {"name": "car"}]}, "id: expected a number, got None"),
        ({"annotations": [{"image_id": 7, "category_id": 3, "bbox": ["x", 0, 1, 1]}]}, "expected 4 numbers"),
        (
            {"annotations": [{"image_id": 7, "category_id": 3, "bbox": [10**400, 0, 1, 1]}]},
            "expected 4 numbers",
        ),
        ({"categories": [{"id": 3, "name": ""}]}, "classes with names"),
    ],
)
def test_labels_that_make_no_sense_are_refused_in_words(tmp_path, changes, words):
    with pytest.raises(Invalid, match=words):
        read_set(Where(coco_folder(tmp_path / "set", **changes)))


@pytest.mark.database_neutral
def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = coco_folder(tmp_path / "set")
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(Invalid, match="within the folder"):
        read_set(Where(folder))


@pytest.mark.database_neutral
def test_a_text_file_that_is_missing_or_wrong_is_named(tmp_path):
    folder = yolo_folder(tmp_path / "set")
    (folder / "1.txt").write_text("9 0.5 0.5 0.1 0.1\n")
    with pytest.raises(Invalid, match=r"1\.txt, line 1"):
        read_set(Where(folder))
    (folder / "1.txt").unlink()
    with pytest.raises(Invalid, match=r"1\.jpg: expected 1\.txt"):
        read_set(Where(folder))


@pytest.mark.database_neutral
def test_a_table_beside_the_text_files_tells_time_camera_and_source(tmp_path):
    folder, source = yolo_folder(tmp_path / "set"), "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11"
    (folder / "pictures.csv").write_text(
        "\ufefffile,taken_at,camera,light,source\n"
        f"0.jpg,2026-05-03T14:00:00+02:00,Lobby,night,{source}\n2.jpg,,,,\n",
        encoding="utf-8",
    )
    first, second, third = read_set(Where(folder, camera="Gate")).labelled.pictures
    assert (first.taken_at, first.camera, first.light, first.source) == (
        1777809600.0,
        "Lobby",
        "night",
        source,
    )
    assert (second.taken_at, second.camera, third.taken_at, third.camera) == (0.0, "Gate", 0.0, "Gate")


@pytest.mark.database_neutral
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("file,taken_at\n9.jpg,2026-05-03T12:00:00Z\n", "9.jpg: expected a picture of the folder"),
        ("file,when\n0.jpg,2026-05-03\n", "expected the columns file, taken_at"),
        ("taken_at\n2026-05-03\n", "of which file is needed"),
        ("file,taken_at\n0.jpg\n", "line 2: expected 2 columns"),
        ("file,taken_at\n0.jpg,2026-05-03,more\n", "line 2: expected 2 columns"),
        ("file,light\n0.jpg,day\n0.jpg,night\n", "line 3: 0.jpg is there twice"),
        ("file,taken_at\n0.jpg,yesterday\n", "taken_at: expected 2026-05-03T12:00:00Z"),
        ("file,source\n0.jpg,../../x\n", "source: expected the id"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_in_words(tmp_path, table, words):
    folder = yolo_folder(tmp_path / "set")
    (folder / "pictures.csv").write_text(table)
    with pytest.raises(Invalid, match=words):
        read_set(Where(folder))


@pytest.mark.database_neutral
def test_names_tell_the_time_where_labels_do_not(tmp_path):
    folder = yolo_folder(tmp_path / "set")
    for ending in (".jpg", ".txt"):
        (folder / f"0{ending}").rename(folder / f"cam7_20260503-120000{ending}")
    (folder / "pictures.csv").write_text("file,taken_at\n1.jpg,2026-05-04T12:00:00Z\n")
    pictures = read_set(Where(folder, time_in_name="cam7_%Y%m%d-%H%M%S")).labelled.pictures
    assert {picture.name: picture.taken_at for picture in pictures} == {
        "1.jpg": 1777896000.0,
        "2.jpg": 0.0,
        "cam7_20260503-120000.jpg": 1777809600.0,
    }


@pytest.mark.database_neutral
@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("%Y%m%d%H%M%S", r"fits the names, as 0\.jpg"),
        ("[%Y%m%d%H%M%S%", r"fits the names, as 0\.jpg"),
        ("%Y%m%d", "%H is missing"),
        ("%Y%m%d-%H%M", "%S is missing"),
    ],
)
def test_a_pattern_that_fits_no_name_or_tells_no_second_is_refused(tmp_path, pattern, words):
    with pytest.raises(Invalid, match=words):
        read_set(Where(yolo_folder(tmp_path / "set"), time_in_name=pattern))


@pytest.mark.django_db(transaction=True)
def test_the_command_imports_and_the_check_decides(tmp_path, worker, capsys):
    names = tmp_path / "must.txt"
    names.write_text("0.jpg\n")
    folder = yolo_folder(tmp_path / "set")
    call_command("datasets", "add", "Yard", str(folder), must_pass=names)
    assert "3 of 3 pictures name neither their source nor a camera of this house" in capsys.readouterr().out
    version = SetVersion.objects.get()
    assert (version.state, len(version.must_pass)) == ("checking", 1)
    (step,) = worker.sent
    assert step.labelled.sha256 == version.sha256
    set_id = str(version.labelled_set_id)
    assert object_get(manifest_key(set_id, version.sha256))
    assert object_get(picture_key(set_id, version.must_pass[0])).startswith(JPEG)
    worker.answer(step, summary={"light:day": 2.0}, words={"problem000": "2.jpg: expected a whole picture"})
    version.refresh_from_db()
    assert (version.state, version.problems) == ("refused", ["2.jpg: expected a whole picture"])
    call_command("datasets", "list")
    assert "expected a whole picture" in capsys.readouterr().out
    with pytest.raises(CommandError, match="already"):
        call_command("datasets", "add", "Yard", str(folder))


@pytest.mark.django_db(transaction=True)
def test_must_pass_is_set_on_record_and_for_known_pictures_alone(erin, labelled):
    data = json.loads(object_get(manifest_key(str(labelled.labelled_set_id), labelled.sha256)))
    sha256 = data["pictures"][0]["sha256"]
    must_pass_set(acting_user=erin, version=labelled, sha256=sha256, must_pass=True)
    assert SetVersion.objects.get().must_pass == [sha256]
    must_pass_set(acting_user=erin, version=labelled, sha256=sha256, must_pass=False)
    assert SetVersion.objects.get().must_pass == []
    with pytest.raises(Invalid):
        must_pass_set(acting_user=erin, version=labelled, sha256="00" * 32, must_pass=True)


@pytest.mark.django_db(transaction=True)
def test_pictures_go_on_their_day_and_what_others_use_stays(labelled, tmp_path, worker, versions):
    from apps.core.objects import object_put

    folder = yolo_folder(tmp_path / "set")
    (folder / "2.txt").write_text("0 0.4 0.4 0.1 0.1\n")
    (folder / "0.jpg").unlink()
    call_command("datasets", "add", "Yard", str(folder))
    second = SetVersion.objects.exclude(pk=labelled.pk).get()
    job = Evaluation.objects.create(
        kind="compare", state="done", set_version=labelled, candidate=versions[0], base=versions[1]
    )
    object_put(shown_key(str(job.pk), "000"), JPEG)
    SetVersion.objects.filter(pk=labelled.pk).update(keep_until=now() - timedelta(days=1))
    retention_sweep()
    set_id = str(labelled.labelled_set_id)
    assert list(SetVersion.objects.all()) == [second]
    with pytest.raises(NotFound):
        object_get(manifest_key(set_id, labelled.sha256))
    with pytest.raises(NotFound):
        object_get(shown_key(str(job.pk), "000"))
    kept = json.loads(object_get(manifest_key(set_id, second.sha256)))["pictures"]
    assert all(object_get(picture_key(set_id, picture["sha256"])) for picture in kept)
    job.refresh_from_db()
    assert job.set_version is None
    Evaluation.objects.filter(kind="check").update(state="done")
    SetVersion.objects.update(keep_until=now() - timedelta(days=1))
    retention_sweep()
    assert not LabelledSet.objects.exists()
