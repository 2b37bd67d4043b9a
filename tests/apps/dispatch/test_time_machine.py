"""Which version served a camera at a moment: right after three rollouts and a rollback, and not editable."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from apps.cameras.models import Camera, Zone
from apps.core.clock import now
from apps.dispatch.leases import lease_for
from apps.dispatch.models import LeaseChange
from apps.dispatch.selectors import moment_of
from apps.registry.models import ZoneDetector
from apps.rollouts import services
from apps.rollouts.models import Rollout
from apps.rollouts.services import Plan
from tests.apps.rollouts.conftest import fleet, olga, report, salt, versions  # noqa: F401 - fixtures


@pytest.fixture
def clock(monkeypatch):
    """Time as the test sets it, for everything that asks for it."""

    class Clock:
        at = now().replace(microsecond=0) - timedelta(hours=2)

        def forward(self, minutes):
            self.at += timedelta(minutes=minutes)
            return self.at

    clock = Clock()
    for module in (
        "apps.dispatch.leases",
        "apps.rollouts.history",
        "apps.rollouts.services.steps",
        "apps.rollouts.services.ends",
        "apps.rollouts.services.plans",
    ):
        monkeypatch.setattr(f"{module}.now", lambda: clock.at)
    return clock


def roll_out(erin, olga, candidate, clock, cameras, *, to_the_end=True):  # noqa: F811
    """A rollout to all cameras, with a renewal of the leases after every step; or taken back half-way."""
    plan = Plan(stage="detect", candidate=candidate, strategy="canary", reason="better", steps=(50, 100))
    rollout = services.rollout_create(acting_user=erin, plan=plan)
    rollout = services.rollout_start(acting_user=erin, rollout=rollout, version=rollout.version)

    def step():
        clock.forward(10)
        for camera in cameras:
            lease_for(camera)
        Rollout.objects.filter(pk=rollout.pk).update(verdict="clear", guarded_at=clock.forward(0))
        rollout.refresh_from_db()
        return {"rollout": rollout, "version": rollout.version}

    values = step()
    if to_the_end:
        rollout = services.rollout_promote(acting_user=erin, **values)
        rollout = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
        rollout = services.rollout_finish(acting_user=erin, **step())
    else:
        rollout = services.rollout_roll_back(acting_user=erin, reason="worse", **values)
    step()
    return rollout


def test_it_answers_right_after_three_rollouts_and_a_rollback(erin, olga, adam, versions, fleet, salt, clock):  # noqa: F811
    """The truth is noted apart from the history, minute by minute, from what each lease said."""
    from apps.rollouts.choices import choice_for
    from inference_workers.contracts.lease import Stage

    truth = []

    def note():
        for camera in fleet:
            truth.append((camera, clock.at, choice_for(camera).models[Stage.DETECT].name))

    before = clock.at
    for camera in fleet:
        lease_for(camera)
    note()
    clock.forward(5)
    for name, to_the_end in (("candidate", True), ("third", False), ("third", True), ("base", True)):
        roll_out(erin, olga, versions[name], clock, fleet, to_the_end=to_the_end)
        clock.forward(5)
        note()
        clock.forward(5)
    for camera, at, name in truth:
        served = {row.stage: row.name for row in moment_of(camera, at).served if not row.shadow}
        assert served["detect"] == name, (camera.name, at)
    names = {name for _camera, _at, name in truth}
    assert names == {"detector-base", "detector-candidate", "detector-third"}
    assert moment_of(fleet[0], before - timedelta(minutes=1)).change is None


def test_half_way_the_cameras_of_the_step_had_the_candidate(erin, olga, versions, fleet, salt, clock):  # noqa: F811
    from apps.rollouts.choices import cameras_reached

    for camera in fleet:
        lease_for(camera)
    clock.forward(5)
    rollout = roll_out(erin, olga, versions["candidate"], clock, fleet, to_the_end=False)
    during = rollout.ended_at  # the leases follow it in this test with the next renewal
    rollout.percent = 50
    inside = cameras_reached(rollout, fleet)
    assert len(inside) == 4
    for camera in fleet:
        moment = moment_of(camera, during)
        served = [(row.name, row.shadow) for row in moment.served if row.stage == "detect"]
        expected = [("detector-candidate", False), ("detector-base", True)]
        assert served == (expected if camera.pk in inside else [("detector-base", False)])


def test_the_answer_names_what_results_proved_and_whether_it_was_obeyed(fleet, versions, report):  # noqa: F811
    lease_for(fleet[0])
    at = now()
    report([fleet[0]], at + timedelta(seconds=1), windows=1, serving="base")
    moment = moment_of(fleet[0], at)
    assert [row.proved_sha256 for row in moment.served] == ["a" * 64]
    assert not moment.settled
    LeaseChange.objects.update(confirmed_at=at)
    assert moment_of(fleet[0], at).settled


def test_while_one_takes_over_both_answer_and_the_one_that_was_to_is_proof(fleet, versions, report):  # noqa: F811
    """The windows of both hold the moment; whichever began first, that of the lease was there."""
    lease_for(fleet[0])
    at = now()
    report([fleet[0]], at + timedelta(seconds=3), windows=1, serving="base")
    report([fleet[0]], at + timedelta(seconds=1), windows=1, serving="candidate")
    assert [row.proved_sha256 for row in moment_of(fleet[0], at).served] == ["a" * 64]
    report([fleet[0]], at + timedelta(seconds=7), windows=1, serving="candidate")
    late = at + timedelta(seconds=5)
    assert [row.proved_sha256 for row in moment_of(fleet[0], late).served] == ["b" * 64]


def test_the_detector_of_a_zone_is_named_with_its_zone(adam, fleet, versions, client):  # noqa: F811
    zone = Zone.objects.create(
        camera=fleet[0], name="Gate", kind="watch", polygon=[[0.1, 0.1], [0.4, 0.1], [0.4, 0.4]]
    )
    ZoneDetector.objects.create(zone=zone, version=versions["third"])
    lease_for(Camera.objects.get(pk=fleet[0].pk))
    found = [(row.stage, row.name, row.zone) for row in moment_of(fleet[0], now()).served]
    assert found == [("detect", "detector-base", ""), ("detect", "detector-third", "Gate")]
    client.force_login(adam)
    page = client.get(f"/cameras/{fleet[0].pk}/served/").content.decode()
    assert "detector-third" in page.partition("</table>")[0]
    answer = client.get(f"/api/v1/cameras/{fleet[0].pk}/served").json()
    assert [row["zone"] for row in answer["stages"]] == ["", "Gate"]


def test_the_api_answers_for_a_moment_and_refuses_charlie(adam, charlie, fleet, versions):  # noqa: F811
    lease_for(fleet[0])
    client = APIClient()
    client.force_authenticate(adam)
    path = f"/api/v1/cameras/{fleet[0].pk}/served"
    answer = client.get(path).json()
    assert [(row["stage"], row["name"]) for row in answer["stages"]] == [("detect", "detector-base")]
    assert (answer["revision"], answer["settings"]["analysis_fps"]) == (1, 5.0)
    assert client.get(path, {"at": "2020-01-01T00:00:00Z"}).json()["stages"] == []
    assert client.get(path, {"at": "last Tuesday"}).status_code == 400
    client.force_authenticate(charlie)
    assert client.get(path).status_code == 404
