"""Detectors of zones: who may give them, what the lease says then, and nothing happens off the record."""

import pytest
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.cameras.models import Zone
from apps.cameras.services import grant_give
from apps.core.errors import DomainError, Forbidden, Unavailable
from apps.dispatch.leases import lease_for
from apps.registry.models import ModelVersion, ZoneDetector
from apps.registry.zones import zone_detector_assign, zone_detector_clear

SQUARE = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4]]


def version(name: str, task: str = "detection", **changes: object) -> ModelVersion:
    return ModelVersion.objects.create(
        name=name, sha256=name.encode().hex().ljust(64, "0")[:64], family="picodet", task=task, **changes
    )


@pytest.fixture
def zone(camera) -> Zone:
    return Zone.objects.create(camera=camera, name="Gate", kind="watch", polygon=SQUARE)


@pytest.fixture
def owner(erin, adam, site_a):
    """erin with a grant for the site."""
    grant_give(acting_user=adam, user=erin, site=site_a, permission="watch")
    return erin


def detector_of(camera, zone):
    (found,) = [item for item in lease_for(camera).zones if item.zone_id == str(zone.pk)]
    return found.detector


def test_the_lease_names_the_zones_detector_and_no_longer_when_it_is_taken_back(owner, camera, zone):
    version("of-the-camera")
    own = version("of-the-zone")
    assert detector_of(camera, zone) is None
    zone_detector_assign(acting_user=owner, zone=zone, version=own)
    lease = lease_for(camera)
    assert detector_of(camera, zone).sha256 == own.sha256
    assert lease.models["detect"].name == "of-the-camera"
    assert zone_detector_clear(acting_user=owner, zone=zone)
    assert not zone_detector_clear(acting_user=owner, zone=zone)
    assert detector_of(camera, zone) is None
    actions = AuditRecord.objects.filter(action__startswith="model.").values_list("action", flat=True)
    assert sorted(actions) == ["model.assign_zone", "model.unassign_zone"]


def test_a_version_that_is_gone_leaves_the_zone_to_its_camera(owner, camera, zone):
    own = version("of-the-zone")
    zone_detector_assign(acting_user=owner, zone=zone, version=own)
    ModelVersion.objects.filter(pk=own.pk).update(present=False)
    assert detector_of(camera, zone) is None


@pytest.mark.parametrize(
    "made", [{"task": "face"}, {"present": False}, {"problem": "broken"}, {"status": "refused"}]
)
def test_only_a_detector_that_can_serve_is_taken(owner, zone, made):
    with pytest.raises(DomainError):
        zone_detector_assign(acting_user=owner, zone=zone, version=version("other", **made))
    assert not ZoneDetector.objects.exists()


def test_it_says_why_a_version_cannot_serve(owner, zone):
    with pytest.raises(DomainError, match="not ready: Waits for its gate"):
        zone_detector_assign(acting_user=owner, zone=zone, version=version("other", status="gated"))


@pytest.mark.parametrize("name", ["charlie", "alice", "bob", "adam"])
def test_others_may_not(request, zone, name):
    user = request.getfixturevalue(name)
    with pytest.raises(Forbidden):
        zone_detector_assign(acting_user=user, zone=zone, version=version("v"))
    with pytest.raises(Forbidden):
        zone_detector_clear(acting_user=user, zone=zone)


def test_nothing_changes_when_the_record_cannot_be_written(owner, zone, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    own = version("of-the-zone")
    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        zone_detector_assign(acting_user=owner, zone=zone, version=own)
    assert not ZoneDetector.objects.exists()


def test_the_page_offers_it_to_whoever_may(owner, alice, camera, zone, client):
    own = version("of-the-zone")
    client.force_login(owner)
    address = reverse("console:zone_detector", args=[camera.pk, zone.pk])
    assert address in client.get(reverse("console:camera", args=[camera.pk])).content.decode()
    client.post(address, {"version": str(own.pk)})
    assert ZoneDetector.objects.get().version == own
    client.post(address, {"version": ""})
    assert not ZoneDetector.objects.exists()
    client.force_login(alice)
    assert address not in client.get(reverse("console:camera", args=[camera.pk])).content.decode()


def test_the_interface_takes_and_clears_it_and_hides_other_cameras(owner, camera, zone, camera_b, client):
    own = version("of-the-zone")
    client.force_login(owner)
    address = f"/api/v1/cameras/{camera.pk}/zones/{zone.pk}/detector"
    answer = client.put(address, {"version": str(own.pk)}, content_type="application/json")
    assert answer.json()["version"]["sha256"] == own.sha256
    answer = client.put(address, {"version": None}, content_type="application/json")
    assert answer.json() == {"version": None}
    other = Zone.objects.create(camera=camera_b, name="Far", kind="watch", polygon=SQUARE)
    address = f"/api/v1/cameras/{camera_b.pk}/zones/{other.pk}/detector"
    answer = client.put(address, {"version": str(own.pk)}, content_type="application/json")
    assert answer.status_code == 404
