"""Cascades: who may set them, what the lease says then, and never a face, more text or less detection."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.cameras.models import Zone
from apps.cameras.services import grant_give
from apps.core.clock import now
from apps.core.errors import DomainError, Forbidden, NotFound, Unavailable
from apps.detections.models import CameraRuntime
from apps.dispatch.leases import lease_for
from apps.dispatch.models import LeaseChange
from apps.dispatch.selectors import moment_of
from apps.registry.cascades import CascadeFacts, cascade_add, cascade_change, cascade_remove
from apps.registry.models import Cascade, ModelVersion
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.lease import MAX_CASCADES, Lease, Stage
from tests.apps.registry.test_zone_detectors import SQUARE, version

CLASSIFIER = {"task": "classification", "classes": ["red", "blue"]}


@pytest.fixture
def owner(erin, adam, site_a):
    """erin with a grant for the site."""
    grant_give(acting_user=adam, user=erin, site=site_a, permission="watch")
    return erin


@pytest.fixture
def zone(camera) -> Zone:
    return Zone.objects.create(camera=camera, name="Gate", kind="watch", polygon=SQUARE)


@pytest.fixture
def models(camera):
    """A detector, a reader and a classifier."""
    version("finds", classes=["person", "car", "truck", "face"])
    version("reads", task="text")
    return version("colours", **CLASSIFIER)


def facts(made: ModelVersion | None, **changes: object) -> CascadeFacts:
    given = {"stage": "classify", "labels": ("car",), "name": "colour", "version": made}
    return CascadeFacts(**(given | changes))  # type: ignore[arg-type]


def reading(**changes: object) -> CascadeFacts:
    return CascadeFacts(**({"stage": "text", "labels": ("car", "truck")} | changes))  # type: ignore[arg-type]


def test_the_lease_carries_it_until_it_is_removed(owner, camera, zone, models):
    assert lease_for(camera).cascades == ()
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models, zone=zone, every_s=9.0))
    lease = lease_for(camera)
    (cascade,) = lease.cascades
    assert Stage.CLASSIFY in lease.stages
    assert (cascade.labels, cascade.name, cascade.every_s) == (("car",), "colour", 9.0)
    assert (cascade.model.sha256, cascade.zone_id) == (models.sha256, str(zone.pk))
    assert decode(Lease, encode(lease)) == lease
    cascade_remove(acting_user=owner, cascade=row)
    assert lease_for(camera).cascades == ()
    assert Stage.CLASSIFY not in lease_for(camera).stages
    records = AuditRecord.objects.filter(action__startswith="model.cascade").order_by("pk")
    assert [row.action for row in records] == ["model.cascade_add", "model.cascade_remove"]


@pytest.mark.parametrize(
    "gone", [{"present": False}, {"problem": "broken"}, {"status": "retired"}, {"status": "refused"}]
)
def test_without_its_version_things_are_found_all_the_same(owner, camera, models, client, gone):
    cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    ModelVersion.objects.filter(pk=models.pk).update(**gone)
    lease = lease_for(camera)
    assert (lease.cascades, Stage.DETECT in lease.stages, Stage.CLASSIFY in lease.stages) == ((), True, False)
    client.force_login(owner)
    page = client.get(reverse("console:camera", args=[camera.pk])).content.decode()
    assert "It does not run: its version is not in the model directory" in page


def test_what_the_data_plane_says_about_it_is_on_the_cameras_page(owner, camera, models, client):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    lease_for(camera)
    why = {f"classify:{row.pk}": "model_missing: no such file", "detect": "loading"}
    CameraRuntime.objects.create(
        camera=camera, epoch="e", at="2026-11-24T08:00Z", since="2026-11-24T08:00Z", waiting=why
    )
    client.force_login(owner)
    page = client.get(reverse("console:camera", args=[camera.pk])).content.decode()
    assert "The classifier <bdi>is missing from the model directory; install it again</bdi>" in page
    assert "Things are found without its answer meanwhile." in page
    assert "It does not run" not in page


def test_crops_are_not_named_where_nothing_may_be_found(owner, camera, models):
    cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    camera.detect_objects = False
    camera.save()
    lease = lease_for(camera)
    assert (lease.cascades, Stage.CLASSIFY in lease.stages) == ((), False)


def test_text_that_is_to_be_read_on_crops_is_never_read_in_the_whole_picture(owner, camera, models):
    camera.read_text = True
    camera.save()
    assert Stage.TEXT in lease_for(camera).stages
    cascade_add(acting_user=owner, camera=camera, facts=reading())
    lease = lease_for(camera)
    assert lease.reads_crops()
    assert Stage.TEXT in lease.stages
    camera.detect_objects = False
    camera.save()
    assert Stage.TEXT not in lease_for(camera).stages
    camera.read_text, camera.detect_objects = False, True
    camera.save()
    assert lease_for(camera).cascades == ()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"labels": ("face",)}, "cascade_faces"),
        ({"labels": ("car", "head")}, "cascade_faces"),
        ({"labels": ("unicorn",)}, "cascade_labels"),
        ({"labels": ()}, "cascade_labels"),
        ({"labels": ("car", "car")}, "cascade_labels"),
        ({"name": ""}, "cascade_name"),
        ({"name": "x" * 41}, "cascade_name"),
        ({"every_s": 0.5}, "cascade_every"),
        ({"every_s": float("nan")}, "cascade_every"),
        ({"version": None}, "wrong_task"),
        ({"stage": "faces"}, "cascade_stage"),
        ({"stage": "text"}, "cascade_version"),
    ],
)
def test_what_is_refused(owner, camera, models, wrong, code):
    with pytest.raises(DomainError) as refused:
        cascade_add(acting_user=owner, camera=camera, facts=facts(models, **wrong))
    assert refused.value.code == code
    assert not Cascade.objects.exists()


@pytest.mark.parametrize(
    "made",
    [{"task": "detection"}, {"task": "face"}, CLASSIFIER | {"present": False}, CLASSIFIER | {"problem": "x"}],
)
def test_only_a_classifier_that_can_serve_is_taken(owner, camera, models, made):
    with pytest.raises(DomainError):
        cascade_add(acting_user=owner, camera=camera, facts=facts(version("other", **made)))


def test_no_zone_of_another_camera_no_name_twice_and_no_end_of_them(owner, camera, camera_b, models):
    far = Zone.objects.create(camera=camera_b, name="Far", kind="watch", polygon=SQUARE)
    with pytest.raises(NotFound):
        cascade_add(acting_user=owner, camera=camera, facts=facts(models, zone=far))
    for number in range(MAX_CASCADES):
        cascade_add(acting_user=owner, camera=camera, facts=facts(models, name=f"n{number}"))
        with pytest.raises(DomainError):
            cascade_add(acting_user=owner, camera=camera, facts=facts(models, name=f"n{number}"))
    with pytest.raises(DomainError, match="at most 8"):
        cascade_add(acting_user=owner, camera=camera, facts=facts(models, name="more"))


@pytest.mark.parametrize("name", ["charlie", "alice", "bob", "adam"])
def test_others_may_not(request, camera, models, name):
    user = request.getfixturevalue(name)
    row = Cascade.objects.create(camera=camera, stage="text", labels=["car"])
    with pytest.raises(Forbidden):
        cascade_add(acting_user=user, camera=camera, facts=facts(models))
    with pytest.raises(Forbidden):
        cascade_remove(acting_user=user, cascade=row)


def test_nothing_changes_when_the_record_cannot_be_written(owner, camera, models, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    row = Cascade.objects.create(camera=camera, stage="text", labels=["car"])
    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    with pytest.raises(Unavailable):
        cascade_remove(acting_user=owner, cascade=row)
    assert Cascade.objects.get() == row


def test_the_page_adds_and_removes_it(owner, alice, camera, models, client):
    client.force_login(owner)
    page, add = reverse("console:camera", args=[camera.pk]), reverse("console:cascade_add", args=[camera.pk])
    assert add in client.get(page).content.decode()
    client.post(
        add, {"stage": "classify", "labels": ["car", "truck"], "name": "colour", "version": models.pk}
    )
    row = Cascade.objects.get()
    assert (row.labels, row.version, row.every_s) == (["car", "truck"], models, 5.0)
    edit, remove = (
        reverse(f"console:cascade_{what}", args=[camera.pk, row.pk]) for what in ("edit", "remove")
    )
    assert edit in client.get(page).content.decode()
    assert remove in client.get(edit).content.decode()
    client.force_login(alice)
    shown = client.get(page).content.decode()
    assert "colour" in shown
    assert add not in shown
    assert edit not in shown
    client.force_login(owner)
    client.post(remove)
    assert not Cascade.objects.exists()


def test_the_page_changes_it_with_what_it_was_before_in_the_form_and_on_record(
    owner, camera, zone, models, client
):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models, zone=zone, every_s=9.0))
    client.force_login(owner)
    edit = reverse("console:cascade_edit", args=[camera.pk, row.pk])
    assert client.get(edit).context["form"].initial == {
        "stage": "classify", "labels": ["car"], "zone": str(zone.pk), "version": str(models.pk),
        "name": "colour", "every_s": "9",
    }  # fmt: skip
    answer = client.post(edit, {"stage": "text", "labels": ["truck"], "every_s": "2.5"}, follow=True)
    assert "Cameras take it up within a few seconds" in answer.content.decode()
    row.refresh_from_db()
    assert (row.stage, row.labels, row.zone, row.version, row.every_s) == ("text", ["truck"], None, None, 2.5)
    entry = AuditRecord.objects.filter(action="model.cascade_change").get()
    assert (entry.details["before"]["name"], entry.details["name"], entry.actor_name) == (
        "colour",
        "",
        "erin",
    )


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"labels": ["face"]}, "labels", "Faces never go on"),
        ({"labels": []}, "labels", "Choose 1 to 40 classes"),
        ({"labels": ["unicorn"]}, "labels", "No detector finds unicorn"),
        ({"name": ""}, "name", "needs a name"),
        ({"every_s": "x"}, "every_s", "Enter a number"),
        ({"every_s": "0.5"}, "every_s", "after 1 to 600 seconds"),
        ({"stage": "faces"}, "stage", "Select a valid choice"),
        ({"stage": "text"}, "version", "name none"),
        ({"version": ""}, None, "named by a model for"),
        ({"version": "x"}, "version", "Select a valid choice"),
        ({"zone": "x"}, "zone", "Select a valid choice"),
    ],
)
def test_the_page_says_beside_the_field_what_is_refused_and_keeps_the_rest(
    owner, camera, models, client, wrong, field, words
):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    client.force_login(owner)
    given = {"stage": "classify", "labels": ["truck"], "name": "make", "version": models.pk, "every_s": "7"}
    for address in (
        reverse("console:cascade_edit", args=[camera.pk, row.pk]),
        reverse("console:cascade_add", args=[camera.pk]),
    ):
        form = client.post(address, given | wrong).context["form"]
        assert words in " ".join(form.errors[field or "__all__"])
        assert [form[name].value() for name in given if name not in wrong] == [
            value if isinstance(value, list) else str(value)
            for name, value in given.items()
            if name not in wrong
        ]
    assert Cascade.objects.get().labels == ["car"]


def test_the_form_asks_no_more_for_more_zones_and_versions(owner, camera, zone, models, client):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models, zone=zone))
    client.force_login(owner)
    edit = reverse("console:cascade_edit", args=[camera.pk, row.pk])

    def asked() -> int:
        client.get(edit)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(edit).status_code == 200
        return len(queries)

    few = asked()
    for number in range(4):
        Zone.objects.create(camera=camera, name=f"Gate {number}", kind="watch", polygon=SQUARE)
        version(f"colours {number}", **CLASSIFIER)
        version(f"finds {number}", classes=["person"])
    assert asked() == few < 20


def test_what_is_chosen_stands_first_and_the_rest_in_the_order_of_its_words(owner, camera, models, client):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models, labels=("truck",)))
    client.force_login(owner)
    page = client.get(
        reverse("console:cascade_edit", args=[camera.pk, row.pk]), headers={"accept-language": "ru"}
    )
    choices = page.context["form"].fields["labels"].choices
    assert choices == [("truck", "Грузовик"), ("car", "Автомобиль"), ("person", "Человек")]


def test_the_list_shows_what_is_open_to_its_reader(owner, alice, bob, camera, camera_b, models, client):
    here = cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    there = Cascade.objects.create(camera=camera_b, stage="text", labels=["car"])
    ModelVersion.objects.filter(pk=models.pk).update(present=False)

    def shown(user) -> str:
        client.force_login(user)
        return client.get(reverse("console:cascades")).content.decode()

    def edit(row: Cascade) -> str:
        return reverse("console:cascade_edit", args=[row.camera_id, row.pk])

    page = shown(owner)
    assert edit(here) in page
    assert "cannot serve" in page
    assert camera_b.name not in page
    assert str(camera.pk) in client.get(reverse("console:cascade_choose")).content.decode()
    assert client.get(edit(there)).status_code == 404
    page = shown(bob)
    assert camera_b.name in page
    assert edit(here) not in page
    client.force_login(alice)
    assert client.get(reverse("console:cascades")).status_code == 403


def test_a_version_that_is_gone_stays_chosen_in_the_form_and_is_refused(owner, camera, models, client):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    ModelVersion.objects.filter(pk=models.pk).update(present=False)
    client.force_login(owner)
    edit = reverse("console:cascade_edit", args=[camera.pk, row.pk])
    assert f'<option value="{models.pk}" selected>' in client.get(edit).content.decode()
    given = {"stage": "classify", "labels": ["car"], "name": "colour", "version": models.pk}
    assert "not in the model directory any more" in client.post(edit, given).content.decode()


def test_the_interface_adds_lists_and_removes_and_hides_other_cameras(
    owner, camera, camera_b, models, client
):
    client.force_login(owner)
    address = f"/api/v1/cameras/{camera.pk}/cascades"
    wanted = {
        "stage": "classify",
        "labels": ["car"],
        "name": "colour",
        "version": str(models.pk),
        "every_s": 3,
    }
    answer = client.post(address, wanted, content_type="application/json")
    assert answer.status_code == 201, answer.content
    (listed,) = client.get(address).json()
    assert listed == answer.json()
    assert (listed["model_sha256"], listed["runs"], listed["every_s"]) == (models.sha256, True, 3.0)
    refused = client.post(address, wanted | {"labels": ["face"]}, content_type="application/json")
    assert (refused.status_code, "Faces never go on" in refused.content.decode()) == (400, True)
    one = f"{address}/{listed['id']}"
    changed = client.put(one, wanted | {"labels": ["truck"], "every_s": 9}, content_type="application/json")
    assert changed.status_code == 200, changed.content
    assert changed.json() == listed | {"labels": ["truck"], "every_s": 9.0}
    (cascade,) = lease_for(camera).cascades
    assert (cascade.labels, cascade.every_s) == (("truck",), 9.0)
    refused = client.put(one, wanted | {"labels": ["face"]}, content_type="application/json")
    assert (refused.status_code, "Faces never go on" in refused.content.decode()) == (400, True)
    other = Cascade.objects.create(camera=camera_b, stage="text", labels=["car"])
    away = f"/api/v1/cameras/{camera_b.pk}/cascades/{other.pk}"
    assert client.put(away, wanted, content_type="application/json").status_code == 404
    assert client.delete(f"/api/v1/cameras/{camera_b.pk}/cascades/{other.pk}").status_code == 404
    assert client.delete(f"{address}/{other.pk}").status_code == 404
    assert client.delete(f"{address}/{listed['id']}").status_code == 204
    assert client.get(address).json() == []


def test_a_change_is_one_entry_with_what_was_before_and_no_name_is_taken_twice(owner, alice, camera, models):
    first = cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    cascade_add(acting_user=owner, camera=camera, facts=facts(models, name="make"))
    with pytest.raises(DomainError, match="of this name there already"):
        cascade_change(acting_user=owner, cascade=first, facts=facts(models, name="make"))
    cascade_change(acting_user=owner, cascade=first, facts=facts(models, every_s=8.0))
    entry = AuditRecord.objects.filter(action="model.cascade_change").get()
    assert (entry.details["before"]["every_s"], entry.details["every_s"]) == (5.0, 8.0)
    cascade_remove(acting_user=owner, cascade=first)
    with pytest.raises(NotFound):
        cascade_change(acting_user=owner, cascade=first, facts=facts(models))
    with pytest.raises(Forbidden):
        cascade_change(acting_user=alice, cascade=first, facts=facts(models))


def test_the_time_machine_names_it(owner, camera, models):
    row = cascade_add(acting_user=owner, camera=camera, facts=facts(models))
    lease = lease_for(camera)
    cascade_remove(acting_user=owner, cascade=row)
    at = LeaseChange.objects.get(pk=lease.lease_id).issued_at
    (served,) = [item for item in moment_of(camera, at).served if item.stage == "classify"]
    assert (served.cascade, served.name, served.sha256) == ("colour", "colours", models.sha256)
    lease_for(camera)
    assert not [item for item in moment_of(camera, now()).served if item.stage == "classify"]
