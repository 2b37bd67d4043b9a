"""What the register allows is what a lease says; a change of it is a change of the lease."""

from datetime import timedelta

import pytest
from django.conf import settings

from apps.cameras.services import camera_update, zone_create
from apps.consent import services
from apps.core.clock import now
from apps.detections.models import CameraRuntime, FeedEntry
from apps.dispatch.leases import NARROWING_GRACE, lease_for
from apps.dispatch.models import LeaseChange
from apps.dispatch.services import TASK_PUSH, leases_renew
from apps.registry.models import ModelVersion
from inference_workers.contracts.lease import Stage, ZoneKind
from inference_workers.contracts.names import LEASES
from inference_workers.contracts.results import CameraState, CameraStatus
from tests.apps.consent.entries import CONSENTED, FIELDS
from tests.apps.purposes import purpose_add

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]


@pytest.fixture
def models(db):
    rows = (("yolox", "detection"), ("centerface", "face"), ("pp-ocr", "text"), ("motion-mog2", "motion"))
    for name, task in rows:
        ModelVersion.objects.create(name=name, family=name, task=task, sha256="ab" * 32)


def test_a_camera_without_an_entry_has_no_lease_and_says_why(bare_camera):
    assert lease_for(bare_camera) is None
    change = LeaseChange.objects.get()
    assert (change.withheld, change.reason, change.contents) == (
        "no_purpose", "withheld: no_purpose", {"stages": []},
    )  # fmt: skip
    runtime = CameraRuntime.objects.get(camera=bare_camera)
    assert (runtime.shown_state, runtime.shown_code) == ("withheld", "no_purpose")
    assert FeedEntry.objects.get().kind == "camera_state"
    assert lease_for(bare_camera) is None
    assert LeaseChange.objects.count() == 1


def test_an_entry_gives_the_lease_back(bob, bare_camera, models):
    lease_for(bare_camera)
    entry = services.purpose_create(acting_user=bob, camera=bare_camera, fields=FIELDS)
    lease = lease_for(bare_camera)
    assert (lease.revision, lease.basis) == (2, (f"{entry.pk}@1",))
    assert LeaseChange.objects.get(revision=2).reason == "allowed again"
    assert CameraRuntime.objects.get(camera=bare_camera).shown_state == "starting"


@pytest.mark.parametrize(
    ("allowed", "stages"),
    [
        ("view", {Stage.VIEW, Stage.FACES}),
        ("detect", {Stage.FACES, Stage.MOTION, Stage.DETECT}),
        ("text", {Stage.FACES, Stage.TEXT}),
        ("view detect text recognise train", {*Stage} - {Stage.TEXT_BOXES, Stage.CLASSIFY}),
    ],
)
def test_a_stage_without_an_entry_is_not_in_the_lease(adam, bare_camera, models, allowed, stages):
    camera_update(acting_user=adam, camera=bare_camera, version=1, changes={"read_text": True})
    purpose_add(bare_camera, stages=allowed.split())
    assert set(lease_for(bare_camera).stages) == stages


def test_what_the_camera_is_not_set_to_do_is_no_reason_to_stream(bare_camera, models):
    purpose_add(bare_camera, stages=["text"])
    assert lease_for(bare_camera) is None
    assert LeaseChange.objects.get().withheld == "no_stage"


def test_a_zone_of_the_register_limits_what_is_done_there(adam, bob, bare_camera, models):
    camera_update(acting_user=adam, camera=bare_camera, version=1, changes={"read_text": True})
    zone = zone_create(acting_user=adam, camera=bare_camera, name="Sign", kind="read_text", polygon=SQUARE)
    purpose_add(bare_camera)
    assert Stage.TEXT in lease_for(bare_camera).stages
    services.purpose_create(
        acting_user=bob, camera=bare_camera, zone=zone, fields=FIELDS | {"stages": ["detect"]}
    )
    lease = lease_for(bare_camera)
    kinds = {item.kind for item in lease.zones}
    assert kinds >= {ZoneKind.PRIVACY_MASK, ZoneKind.NO_TEXT}
    assert kinds.isdisjoint({ZoneKind.READ_TEXT, ZoneKind.IGNORE})
    assert Stage.TEXT not in lease.stages  # without a zone to read the whole picture would be read


def test_a_lease_does_not_outlive_its_basis(bare_camera, models):
    ends = now() + timedelta(seconds=6)
    purpose_add(bare_camera, valid_until=ends)
    assert lease_for(bare_camera).valid_until == pytest.approx((ends + NARROWING_GRACE).timestamp())
    purpose_add(bare_camera)
    lease = lease_for(bare_camera)
    assert lease.valid_until - lease.issued_at == pytest.approx(settings.LEASE_TTL_S)


def test_the_new_lease_is_planned_for_the_moment(bare_camera, models, redis, monkeypatch):
    planned = []
    monkeypatch.setattr(
        "apps.dispatch.services.current_app.send_task",
        lambda name, **options: planned.append((name, options)),
    )
    ends = now() + timedelta(seconds=6)
    purpose_add(bare_camera, valid_until=ends)
    leases_renew()
    ((name, options),) = planned
    assert (name, options["args"], options["eta"]) == (TASK_PUSH, [str(bare_camera.pk)], ends)


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_reaches_the_lease_on_commit(bob, bare_camera, consent, redis, models):
    services.purpose_create(acting_user=bob, camera=bare_camera, fields=CONSENTED, subjects=["S-ONE"])
    assert redis.hexists(LEASES, str(bare_camera.pk))
    services.consent_withdraw(acting_user=bob, consent=consent, version=1)
    assert not redis.hexists(LEASES, str(bare_camera.pk))
    assert LeaseChange.objects.order_by("-revision")[0].withheld == "consent_missing"


@pytest.mark.parametrize(
    ("revision", "code", "confirmed"),
    [
        (1, "", [True, False]),
        (2, "", [True, True]),
        (1, "lease_withdrawn", [True, True]),
        (0, "", [False] * 2),
    ],
)
def test_the_data_plane_confirms_what_it_obeys(bare_camera, models, revision, code, confirmed):
    from apps.dispatch.confirmations import lease_confirm

    purpose = purpose_add(bare_camera)
    lease_for(bare_camera)
    purpose.delete()
    lease_for(bare_camera)
    state = CameraState.STOPPED if code else CameraState.STREAMING
    lease_confirm(
        CameraStatus(str(bare_camera.pk), "e", now().timestamp(), state, code, lease_revision=revision)
    )
    rows = LeaseChange.objects.order_by("revision")
    assert [row.confirmed_at is not None for row in rows] == confirmed
