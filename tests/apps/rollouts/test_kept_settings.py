"""Detectors of zones and classifiers of cascades are part of what was assigned, and of going back to it."""

import pytest

from apps.audit.models import AuditRecord
from apps.cameras.models import Zone
from apps.core.errors import DomainError
from apps.dispatch.leases import lease_for
from apps.registry.cascades import CascadeFacts, cascade_add, cascade_remove
from apps.registry.models import Cascade, ModelVersion, ZoneDetector
from apps.registry.zones import zone_detector_assign, zone_detector_clear
from apps.rollouts import services
from apps.rollouts.models import ServingEntry

SQUARE = [[0.1, 0.1], [0.4, 0.1], [0.4, 0.4]]


@pytest.fixture
def gate(fleet) -> Zone:
    return Zone.objects.create(camera=fleet[0], name="Gate", kind="watch", polygon=SQUARE)


@pytest.fixture
def colours(versions) -> ModelVersion:
    """A classifier; and the detector finds cars."""
    ModelVersion.objects.filter(pk=versions["base"].pk).update(classes=["car", "person"])
    return ModelVersion.objects.create(
        name="colours", family="classifier-logits", task="classification", sha256="d" * 64,
        classes=["red", "blue"],
    )  # fmt: skip


@pytest.fixture
def both(erin_sees, fleet, gate, versions, colours) -> ServingEntry:
    """The state in which the gate has a detector of its own, and cars are named there."""
    zone_detector_assign(acting_user=erin_sees, zone=gate, version=versions["third"])
    facts = CascadeFacts("classify", ("car",), name="colour", version=colours, zone=gate, every_s=7.0)
    cascade_add(acting_user=erin_sees, camera=fleet[0], facts=facts)
    entry = services.serving_noted()
    assert entry is not None
    return entry


def back(person, entry: ServingEntry) -> ServingEntry:
    return services.serving_return(acting_user=person, entry=entry, reason="back to it")


def test_what_was_taken_away_comes_back_and_the_lease_says_so(
    erin_sees, fleet, gate, versions, both, colours
):
    zone_detector_assign(acting_user=erin_sees, zone=gate, version=versions["candidate"])
    cascade_remove(acting_user=erin_sees, cascade=Cascade.objects.get())
    before = services.serving_noted()
    assert (before.contents["zones"], before.contents["cascades"]) == (
        {str(gate.pk): str(versions["candidate"].pk)}, {},
    )  # fmt: skip
    made = back(erin_sees, both)
    assert made.contents == both.contents
    lease = lease_for(fleet[0])
    (zone,), (cascade,) = lease.zones, lease.cascades
    assert zone.detector.sha256 == versions["third"].sha256
    assert (cascade.model.sha256, cascade.name, cascade.labels, cascade.every_s, cascade.zone_id) == (
        colours.sha256, "colour", ("car",), 7.0, str(gate.pk),
    )  # fmt: skip
    actions = list(AuditRecord.objects.order_by("-seq").values_list("action", flat=True)[:3])
    assert sorted(actions) == ["model.assign_zone", "model.cascade_add", "serving.return"]


def test_what_came_later_goes(erin_sees, fleet, gate, versions, colours):
    empty = services.serving_noted()
    zone_detector_assign(acting_user=erin_sees, zone=gate, version=versions["third"])
    facts = CascadeFacts("classify", ("car",), name="colour", version=colours)
    cascade_add(acting_user=erin_sees, camera=fleet[1], facts=facts)
    back(erin_sees, empty)
    assert not ZoneDetector.objects.exists()
    assert not Cascade.objects.exists()
    assert lease_for(fleet[1]).cascades == ()


def test_where_text_is_read_stays_as_it_is(erin_sees, fleet, versions, colours, both):
    """Without the cascade more than the crops of cars would be read."""
    reads = CascadeFacts("text", ("car",))
    cascade_add(acting_user=erin_sees, camera=fleet[0], facts=reads)
    assert services.serving_noted() is None
    back(erin_sees, both)
    assert sorted(Cascade.objects.values_list("stage", flat=True)) == ["classify", "text"]


def test_the_same_cascade_is_the_same_row_and_the_same_state(erin_sees, fleet, both):
    row = Cascade.objects.get()
    assert back(erin_sees, both).pk == both.pk
    assert Cascade.objects.get() == row


def test_an_entry_of_an_earlier_release_leaves_them_as_they_are(erin_sees, both):
    contents = {name: both.contents[name] for name in ("stages", "cameras", "serving")}
    old = ServingEntry(number=0, contents=contents)
    back(erin_sees, old)
    assert (ZoneDetector.objects.count(), Cascade.objects.count()) == (1, 1)


def test_zones_that_are_gone_stay_gone_and_a_classifier_that_is_gone_blocks_nothing(
    erin_sees, fleet, gate, both, colours
):
    zone_detector_clear(acting_user=erin_sees, zone=gate)
    gate.delete()
    ModelVersion.objects.filter(pk=colours.pk).update(present=False)
    back(erin_sees, both)
    assert not ZoneDetector.objects.exists()
    assert lease_for(fleet[0]).cascades == ()


def test_more_cascades_than_a_camera_has_are_refused(erin_sees, fleet, both, monkeypatch):
    cascade_remove(acting_user=erin_sees, cascade=Cascade.objects.get())
    monkeypatch.setattr("apps.registry.kept.MAX_CASCADES", 0)
    with pytest.raises(DomainError, match="at most 0 cascades"):
        back(erin_sees, both)
    assert not Cascade.objects.exists()


def test_the_page_and_the_interface_count_them(erin_sees, both, client):
    client.force_login(erin_sees)
    page = client.get("/rollouts/").content.decode()
    assert "1 zone with its own detector" in page
    assert "1 cascade with a classifier" in page
    (entry,) = client.get("/api/v1/serving/history").json()["results"]
    assert (entry["zones"], entry["cascades"]) == (1, 1)
