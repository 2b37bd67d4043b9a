"""Changes of sites, cameras, zones and grants: recorded, compared and set, rolled back as one."""

import json

import pytest
from django.db import transaction

from apps.audit.models import AuditRecord
from apps.cameras import services
from apps.cameras.addresses import Credentials
from apps.cameras.models import Camera, CameraCredential, CameraGroup, Site, Zone
from apps.core import crypto
from apps.core.errors import Conflict, DomainError, Forbidden, Unavailable

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]


def _last() -> AuditRecord:
    return AuditRecord.objects.order_by("-seq")[0]


@pytest.fixture
def record_unavailable(monkeypatch):
    """The record cannot be written."""

    def refuse(**_: object) -> None:
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_change", refuse)


def _create_camera(adam, site_a):
    return services.camera_create(
        acting_user=adam, site=site_a, name="Door", kind="rtsp", url="rtsp://u:hunter2@10.20.0.9/a"
    )


def test_camera_create_seals_what_was_typed_into_the_address(adam, site_a):
    camera = _create_camera(adam, site_a)
    assert camera.url == "rtsp://10.20.0.9/a"
    opened = json.loads(crypto.unseal(camera.credential.sealed))
    assert opened == {"username": "u", "password": "hunter2"}
    record = _last()
    assert (record.action, record.actor_name, record.camera_id) == ("camera.create", "adam", camera.pk)
    assert "hunter2" not in json.dumps(record.details)


def test_given_credentials_go_before_typed_ones(adam, site_a):
    camera = services.camera_create(
        acting_user=adam,
        site=site_a,
        name="Door",
        kind="rtsp",
        url="rtsp://u:typed@10.20.0.9/a",
        credentials=Credentials("v", "given"),
    )
    assert json.loads(crypto.unseal(camera.credential.sealed))["password"] == "given"


@pytest.mark.parametrize("name", ["", " ", "a" * 121, "a\x00b", "line\nbreak"])
def test_it_refuses_a_bad_name(adam, site_a, name):
    with pytest.raises(DomainError) as refused:
        services.camera_create(acting_user=adam, site=site_a, name=name, kind="synthetic", url="clock")
    assert refused.value.code == "invalid_name"


def test_a_name_is_taken_once_per_site(adam, site_a, site_b, camera):
    with pytest.raises(Conflict) as refused:
        services.camera_create(acting_user=adam, site=site_a, name="Lobby", kind="synthetic", url="clock")
    assert refused.value.code == "name_taken"
    services.camera_create(acting_user=adam, site=site_b, name="Lobby", kind="synthetic", url="clock")


def test_camera_update_changes_what_differs_and_says_so(adam, camera):
    services.camera_update(
        acting_user=adam, camera=camera, version=1, changes={"name": "Hall", "read_text": False}
    )
    assert (camera.name, camera.version) == ("Hall", 2)
    assert _last().details["changed"] == {"name": ["Lobby", "Hall"]}


def test_the_second_of_two_changes_is_refused(adam, camera):
    mine, theirs = Camera.objects.get(), Camera.objects.get()
    services.camera_update(acting_user=adam, camera=mine, version=1, changes={"name": "Hall"})
    with pytest.raises(Conflict) as refused:
        services.camera_update(acting_user=adam, camera=theirs, version=1, changes={"name": "Door"})
    assert refused.value.code == "version_conflict"
    assert Camera.objects.get().name == "Hall"


@pytest.mark.parametrize(
    "changes",
    [
        {"analysis_fps": 0},
        {"analysis_fps": float("nan")},
        {"display_fps": 31},
        {"time_zone": "Mars/Olympus"},
        {"script": "klingon"},
        {"redaction_target": "nobody"},
        {"plan_x": 2.0},
        {"enabled": False},
        {"version": 7},
        {"url": "file:///etc/passwd"},
        {"tags": ["x" * 41]},
        {"detect_objects": "no"},
    ],
)
def test_it_refuses_nonsense_in_a_field(adam, camera, changes):
    with pytest.raises(DomainError):
        services.camera_update(acting_user=adam, camera=camera, version=1, changes=changes)
    assert Camera.objects.get().version == 1


def test_disable_and_enable_are_on_record(adam, camera):
    services.camera_disable(acting_user=adam, camera=camera, version=1, reason="works on the roof")
    assert not camera.enabled
    assert _last().details["reason"] == "works on the roof"
    services.camera_enable(acting_user=adam, camera=camera, version=2)
    assert camera.enabled


def test_delete_takes_zones_and_credentials_along(adam, site_a):
    camera = _create_camera(adam, site_a)
    services.zone_create(acting_user=adam, camera=camera, name="z", kind="watch", polygon=SQUARE)
    services.camera_delete(acting_user=adam, camera=camera, version=1)
    assert [table.objects.count() for table in (Camera, Zone, CameraCredential)] == [0, 0, 0]
    assert _last().action == "camera.delete"


def test_credentials_are_set_and_cleared_without_a_trace_of_them(adam, camera):
    services.credentials_set(
        acting_user=adam, camera=camera, version=1, credentials=Credentials("u", "hunter2")
    )
    assert "hunter2" not in json.dumps(_last().details)
    services.credentials_clear(acting_user=adam, camera=camera, version=2)
    assert not CameraCredential.objects.exists()


def test_a_zone_is_made_changed_and_removed(adam, camera):
    zone = services.zone_create(
        acting_user=adam, camera=camera, name="plates", kind="read_text", polygon=SQUARE, script="cyrillic"
    )
    services.zone_update(acting_user=adam, zone=zone, version=1, changes={"script": "latin"})
    assert zone.script == "latin"
    with pytest.raises(Conflict):
        services.zone_update(acting_user=adam, zone=zone, version=1, changes={"name": "x"})
    services.zone_delete(acting_user=adam, zone=zone, version=2)
    assert _last().details["polygon"] == SQUARE


def test_a_script_belongs_to_a_zone_that_is_read(adam, camera):
    with pytest.raises(DomainError) as refused:
        services.zone_create(
            acting_user=adam, camera=camera, name="z", kind="watch", polygon=SQUARE, script="latin"
        )
    assert refused.value.code == "invalid_script"


def test_a_grant_is_given_once_and_revoked_once(adam, charlie, site_a):
    def give() -> bool:
        return services.grant_give(acting_user=adam, user=charlie, site=site_a, permission="watch")

    assert (give(), give()) == (True, False)
    revoke = {"acting_user": adam, "user": charlie, "site": site_a, "permission": "watch_site"}
    assert (services.grant_revoke(**revoke), services.grant_revoke(**revoke)) == (True, False)
    assert _last().action == "grant.revoke"


def test_a_grant_names_one_target(adam, charlie, site_a):
    with pytest.raises(DomainError):
        services.grant_give(acting_user=adam, user=charlie, permission="watch")
    with pytest.raises(DomainError):
        services.grant_give(acting_user=adam, user=charlie, site=site_a, permission="own")


def test_a_site_with_cameras_stays(adam, site_a, camera):
    with pytest.raises(Conflict) as refused:
        services.site_delete(acting_user=adam, site=site_a, version=1)
    assert refused.value.code == "site_in_use"


@pytest.mark.parametrize("networks", [["10.0.0.0/33"], ["0.0.0.0/0"], ["::/0"], ["cams.example"]])
def test_it_refuses_a_bad_network(adam, networks):
    with pytest.raises(DomainError) as refused:
        services.site_create(acting_user=adam, name="x", allowed_networks=networks)
    assert refused.value.code == "invalid_network"


CHANGES = {
    "site_create": lambda adam, site, camera: services.site_create(acting_user=adam, name="x"),
    "site_update": lambda adam, site, camera: services.site_update(
        acting_user=adam, site=site, version=1, changes={"name": "x"}
    ),
    "group_create": lambda adam, site, camera: services.group_create(acting_user=adam, site=site, name="x"),
    "camera_create": lambda adam, site, camera: _create_camera(adam, site),
    "camera_update": lambda adam, site, camera: services.camera_update(
        acting_user=adam, camera=camera, version=1, changes={"name": "x"}
    ),
    "camera_disable": lambda adam, site, camera: services.camera_disable(
        acting_user=adam, camera=camera, version=1
    ),
    "camera_delete": lambda adam, site, camera: services.camera_delete(
        acting_user=adam, camera=camera, version=1
    ),
    "credentials_set": lambda adam, site, camera: services.credentials_set(
        acting_user=adam, camera=camera, version=1, credentials=Credentials("u", "p")
    ),
    "zone_create": lambda adam, site, camera: services.zone_create(
        acting_user=adam, camera=camera, name="x", kind="watch", polygon=SQUARE
    ),
    "grant_give": lambda adam, site, camera: services.grant_give(
        acting_user=adam, user=adam, site=site, permission="watch"
    ),
}


def _state() -> list[object]:
    tables = (
        Site,
        CameraGroup,
        Camera,
        Zone,
        CameraCredential,
        Site.siteuserpermission_set.rel.related_model,
    )
    return [list(table.objects.order_by("pk").values_list()) for table in tables]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CHANGES)
def test_without_a_record_nothing_changes(name, adam, site_a, camera, record_unavailable):
    before = _state()
    with pytest.raises(Unavailable):
        CHANGES[name](adam, site_a, camera)
    assert not transaction.get_connection().in_atomic_block
    assert _state() == before


@pytest.mark.parametrize("name", CHANGES)
def test_charlie_changes_nothing(name, charlie, site_a, camera):
    before = _state()
    with pytest.raises(Forbidden):
        CHANGES[name](charlie, site_a, camera)
    assert _state() == before
