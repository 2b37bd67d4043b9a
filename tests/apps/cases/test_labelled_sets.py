"""An erasure reaches labelled sets: a new version without the person, and models that learned are named."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.audit.selectors import chain_verify
from apps.cases.certificates import certificate_pdf, reach_of
from apps.cases.services import erasure_approve, erasure_execute, erasure_preview, items_add
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.objects import object_get, object_put
from apps.detections.models import Event
from apps.evaluations.erasing import names
from apps.evaluations.formats import Where, read_set
from apps.evaluations.manifests import manifest_read
from apps.evaluations.models import Evaluation, SetVersion
from apps.evaluations.results import pictures_shown
from apps.evaluations.sets import set_add
from apps.retention.erasure import Ground
from inference_workers.contracts.evaluations import manifest_key, picture_key, portion_key, shown_key
from tests.apps.evaluations.parts import JPEG, version_add, yolo_folder

pytestmark = pytest.mark.django_db
BOXES = [{"image_id": number, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25} for number in range(5)]


def _folder(folder, images):
    """A set in COCO's form: one picture and one box for each of `images`."""
    folder.mkdir(parents=True)
    for number in range(len(images)):
        (folder / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
    labels = {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "width": 10, "height": 10, **more}
            for number, more in enumerate(images)
        ],
        "annotations": BOXES[: len(images)],
        "categories": [{"id": 1, "name": "person"}],
    }
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def _sha256(number):
    return hashlib.sha256(JPEG + bytes([number])).hexdigest()


@pytest.fixture
def asked(case, bob, camera, seen):
    """A request for erasure with one event of two hours ago."""
    made, event = case("erasure"), seen(camera, 2)
    Event.objects.filter(pk=event.pk).update(ended=True)
    items_add(acting_user=bob, case=made, chosen=[("event", str(event.pk))], purpose="x")
    return made, event


@pytest.fixture
def yard(asked, camera, tmp_path, worker):
    """Pictures: of the moment, of the event itself, an hour later, of it by another camera, of no time."""
    _made, event = asked
    moment = event.first_seen_at.isoformat()
    images = [
        {"camera": camera.name, "date_captured": moment},
        {"source": str(event.pk)},
        {"camera": str(camera.pk), "date_captured": (event.last_seen_at + timedelta(hours=1)).isoformat()},
        {"camera": "elsewhere", "date_captured": moment},
        {"camera": camera.name},
    ]
    must = tmp_path / "must.txt"
    must.write_text("0.jpg\n3.jpg\n")
    call_command("datasets", "add", "Yard", str(_folder(tmp_path / "set", images)), must_pass=must)
    Evaluation.objects.update(state="done")
    SetVersion.objects.update(state="ready", slices={f"camera:{camera.name}": 2, "camera:elsewhere": 1})
    return SetVersion.objects.get()


def _execute(made, bob, frank, capture):
    erasure = erasure_preview(acting_user=bob, case=made)
    erasure_approve(acting_user=frank, erasure=erasure, version=1)
    with capture(execute=True):
        return erasure_execute(acting_user=frank, erasure=erasure, version=2)


def test_a_new_version_has_what_is_left_and_the_old_one_has_nothing(
    asked,
    yard,
    camera,
    versions,
    bob,
    frank,
    django_capture_on_commit_callbacks,
):
    set_id = str(yard.labelled_set_id)
    job = Evaluation.objects.create(
        kind="compare", state="done", set_version=yard, summary={"shown": 1.0},
        candidate=versions[0], base=versions[1],
    )  # fmt: skip
    kept_by_job = [shown_key(str(job.pk), "000"), portion_key(str(job.pk), 0)]
    for key in kept_by_job:
        object_put(key, JPEG)
    erasure = _execute(asked[0], bob, frank, django_capture_on_commit_callbacks)
    assert erasure.counts["erase"]["labelled_sets"] == 2
    yard.refresh_from_db()
    left = [_sha256(number) for number in (2, 3, 4)]
    gone = sorted(_sha256(number) for number in (0, 1))
    assert (yard.state, yard.must_pass) == ("erased", [])
    assert yard.went == {"pictures": 2, "sha256": hashlib.sha256("\n".join(gone).encode()).hexdigest()}
    made = yard.replaced_by
    assert [picture.sha256 for picture in manifest_read(set_id, made.sha256).pictures] == left
    assert (made.number, made.state, made.pictures, made.placed) == (2, "ready", 3, 1)
    assert (made.must_pass, made.keep_until) == ([_sha256(3)], yard.keep_until)
    assert made.slices == {f"camera:{camera.name}": 1, "camera:elsewhere": 1}
    assert made.bytes == 3 * (len(JPEG) + 1) + len(object_get(manifest_key(set_id, made.sha256)))
    for key in (manifest_key(set_id, yard.sha256), *(picture_key(set_id, one) for one in gone), *kept_by_job):
        with pytest.raises(NotFound):
            object_get(key)
    assert all(object_get(picture_key(set_id, one)) for one in left)
    assert pictures_shown(Evaluation.objects.get(pk=job.pk)) == 0
    entry = AuditRecord.objects.get(action="labelled_set.replaced")
    assert (entry.object_id, entry.details["by"]) == (str(yard.pk), "Yard v2")
    assert chain_verify().ok


def test_where_nothing_is_found_it_is_said_where_nobody_could_be_looked_for(case, yard, bob):
    with pytest.raises(Conflict, match="2 labelled pictures cannot be searched by time"):
        erasure_preview(acting_user=bob, case=case("erasure"))


def test_a_folder_in_yolos_form_is_searched_by_the_times_beside_it(asked, camera, bob, worker, tmp_path):
    folder, (made, event) = yolo_folder(tmp_path / "yolo"), asked
    table = f"file,camera,taken_at\n0.jpg,{camera.name},{event.first_seen_at.isoformat()}\n"
    (folder / "pictures.csv").write_text(table)
    version = set_add(read=read_set(Where(folder)), name="Porch")
    Evaluation.objects.update(state="done")
    preview = erasure_preview(acting_user=bob, case=made)
    assert preview.counts["erase"]["labelled_sets"] == 1
    assert reach_of(preview)["blind"] == [(str(version), 2, 3)]


def test_models_that_learned_and_pictures_that_cannot_be_searched_are_named(
    asked, yard, bob, frank, django_capture_on_commit_callbacks, client, monkeypatch
):
    version_add("by-hash", "a1", training_data=f"datasets {yard.sha256}")
    parent = version_add("by-name", "a2", training_data="COCO 2017, then Yard v1, 40 epochs")
    version_add("made-of-it", "a3", parent=parent)
    version_add("later", "a4", training_data="Yard v2")
    version_add("other", "a5", training_data="Backyard v1 and yards")
    calibrated = version_add("calibrated", "a6")
    Evaluation.objects.create(kind="variant", state="done", set_version=yard, made=calibrated)
    preview = erasure_preview(acting_user=bob, case=asked[0])
    expected = {"by-hash", "by-name", "made-of-it", "calibrated"}
    assert {model for model, _sha256, _set in reach_of(preview)["learned"]} == expected
    assert reach_of(preview)["blind"] == [("Yard v1", 2, 5)]
    client.force_login(bob)
    page = client.get(reverse("console:case", args=[asked[0].pk])).content.decode()
    assert "by-name" in page
    assert "2 of 5 pictures" in page
    version_add("meanwhile", "a7", training_data="yard")
    erasure_approve(acting_user=frank, erasure=preview, version=1)
    with django_capture_on_commit_callbacks(execute=True):
        done = erasure_execute(acting_user=frank, erasure=preview, version=2)
    assert {model for model, *_rest in reach_of(done)["learned"]} == expected | {"meanwhile"}
    monkeypatch.setattr("apps.cases.certificates.pdf_of", str)
    certificate = str(certificate_pdf(acting_user=bob, erasure=done, language="ru"))
    assert "meanwhile" in certificate
    assert "Модели" in certificate


def test_a_set_that_is_measured_on_stays_and_says_why(asked, yard, bob):
    Evaluation.objects.create(kind="measure", state="running", set_version=yard)
    counts = erasure_preview(acting_user=bob, case=asked[0]).counts
    assert [Ground.RUNNING, "labelled_sets", 2] in counts["kept"]


def test_a_version_that_came_after_the_preview_needs_a_new_one(asked, yard, bob, frank, tmp_path):
    erasure = erasure_preview(acting_user=bob, case=asked[0])
    images = [{"source": str(asked[1].pk)}]
    call_command("datasets", "add", "Street", str(_folder(tmp_path / "street", images)))
    with pytest.raises(Conflict, match="changed"):
        erasure_approve(acting_user=frank, erasure=erasure, version=1)


def test_nothing_is_left_of_a_set_of_this_person_alone(
    asked,
    bob,
    frank,
    tmp_path,
    worker,
    django_capture_on_commit_callbacks,
):
    call_command("datasets", "add", "One", str(_folder(tmp_path / "one", [{"source": str(asked[1].pk)}])))
    Evaluation.objects.update(state="done")
    SetVersion.objects.update(state="ready")
    _execute(asked[0], bob, frank, django_capture_on_commit_callbacks)
    row = SetVersion.objects.get()
    assert (row.state, row.replaced_by) == ("erased", None)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Gate 4 v2", True), ("gate 4", True), ("pre-training, GATE 4 v2.", True), ("Gate 4 v3", False),
        ("Gate 4 v22", False), ("Gate 44 v2", False), ("cd" * 32, True), ("cd" * 5, False), ("", False),
    ],
)  # fmt: skip
@pytest.mark.database_neutral
def test_what_names_a_set(text, meant):
    from apps.evaluations.models import LabelledSet

    version = SetVersion(labelled_set=LabelledSet(name="Gate 4"), number=2, sha256="cd" * 32)
    assert names(text, version) is meant


@pytest.mark.database_neutral
@pytest.mark.parametrize(
    "image", [{"date_captured": "yesterday"}, {"date_captured": [1]}, {"source": "../../x"}, {"source": 7}]
)
def test_a_moment_or_a_source_that_is_none_is_refused(tmp_path, image):
    with pytest.raises(Invalid, match="expected"):
        read_set(Where(_folder(tmp_path / "set", [image])))


@pytest.mark.database_neutral
def test_a_moment_without_an_offset_is_utc(tmp_path):
    images = [{"date_captured": "2026-05-03 12:00:00"}, {"date_captured": "2026-05-03T14:00:00+02:00"}, {}]
    pictures = read_set(Where(_folder(tmp_path / "set", images))).labelled.pictures
    assert [picture.taken_at for picture in pictures] == [1777809600.0, 1777809600.0, 0.0]
