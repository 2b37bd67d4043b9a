"""REST of rollouts: a whole one by a service account up to the second person, who is a person."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from apps.accounts.services import token_create
from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.registry.assigning import stage_give
from apps.rollouts import services
from apps.rollouts.models import Rollout
from tests.apps.rollouts.test_rollouts import make_clear


@pytest.fixture
def robot(adam, fleet):
    """A service account of a CI system."""
    from apps.accounts.models import User

    user = User.objects.create_user(username="ci", password="correct horse battery", role="integrator")
    actions = ["models:read", "rollouts:read", "rollouts:write"]
    _token, secret = token_create(acting_user=adam, user=user, name="ci", actions=actions)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def post(client, path, **body):
    return client.post(f"/api/v1/{path}", body, format="json")


@pytest.fixture
def made(robot, versions, salt):
    body = {
        "stage": "detect",
        "candidate": str(versions["candidate"].pk),
        "strategy": "canary",
        "reason": "build 4711",
    }
    answer = post(robot, "rollouts", **body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_ci_system_drives_it_up_to_the_second_person(robot, made, erin):
    path = f"rollouts/{made['id']}"
    row = post(robot, f"{path}/start", version=made["version"]).json()
    assert (row["state"], row["percent"]) == ("running", 5)
    for percent in (25, 25):
        rollout = make_clear(Rollout.objects.get())
        row = post(robot, f"{path}/promote", version=rollout.version).json()
        assert row["percent"] == percent
    assert row["state"] == "waiting"
    refused = post(robot, f"{path}/approve", version=row["version"])
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    person = APIClient()
    person.force_authenticate(erin)
    assert post(person, f"{path}/approve", version=row["version"]).json()["percent"] == 100


def test_one_person_alone_is_refused(erin, made):
    person = APIClient()
    person.force_authenticate(erin)
    rollout = Rollout.objects.get()
    services.rollout_start(acting_user=erin, rollout=rollout, version=rollout.version)
    Rollout.objects.update(state="waiting", requested_by=erin, percent=25)
    rollout.refresh_from_db()
    refused = post(person, f"rollouts/{rollout.pk}/approve", version=rollout.version)
    assert (refused.status_code, refused.json()["code"]) == (403, "second_person_required")
    rollout.refresh_from_db()
    assert (rollout.state, rollout.percent) == ("waiting", 25)
    assert AuditRecord.objects.filter(action="rollout.self_approval").exists()


def test_a_token_without_the_action_reads_and_changes_nothing(adam, made):
    from apps.accounts.models import User

    _token, secret = token_create(
        acting_user=adam, user=User.objects.get(username="ci"), name="x", actions=["models:read"]
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    assert client.get("/api/v1/rollouts").status_code == 403
    assert post(client, f"rollouts/{made['id']}/start", version=1).status_code == 403


def test_a_stale_version_is_a_conflict(robot, made):
    assert post(robot, f"rollouts/{made['id']}/start", version=7).status_code == 409


def test_the_report_says_what_ended_it_and_who_proved_it(robot, made, report, fleet, erin):
    from apps.rollouts.choices import cameras_reached

    row = post(robot, f"rollouts/{made['id']}/start", version=made["version"]).json()
    rollout = Rollout.objects.get()
    inside = [camera for camera in fleet if camera.pk in cameras_reached(rollout, fleet)]
    post(robot, f"rollouts/{made['id']}/roll-back", version=row["version"], reason="bicycles vanish")
    report(inside, now() + timedelta(seconds=10), windows=1, serving="base")
    services.proofs_check()
    answer = robot.get(f"/api/v1/rollouts/{made['id']}/report").json()
    assert [step["action"] for step in answer["history"]] == ["create", "start", "roll_back"]
    assert (answer["ended_by"]["code"], answer["end_reason"]) == ("person", "bicycles vanish")
    assert (answer["proofs"]["cameras"], answer["proofs"]["proved"]) == (1, 1)
    assert answer["proofs"]["single"] == []  # no camera is open to this account


def test_the_board_counts_all_cameras_and_names_those_that_are_open(robot, adam, fleet, made, report):
    report(fleet[:3], now() + timedelta(seconds=1), windows=1, serving="base")
    [row] = robot.get("/api/v1/serving").json()
    assert (row["version"]["name"], row["serves"], row["proved"]) == ("detector-base", 8, 3)
    assert (row["health"], row["cameras"]) == ("partly", [])
    person = APIClient()
    person.force_authenticate(adam)
    [row] = person.get("/api/v1/serving").json()
    assert len(row["cameras"]) == 8


def test_what_was_assigned_is_listed_and_gone_back_to(robot, made, versions, erin):
    services.serving_noted()
    stage_give(stage="detect", version=versions["third"])
    services.serving_noted()
    numbers = [row["number"] for row in robot.get("/api/v1/serving/history").json()["results"]]
    assert numbers == [2, 1]
    made = post(robot, "serving/history/1/return", reason="the third is worse").json()
    assert (made["number"], made["stages"]["detect"]) == (3, str(versions["base"].pk))
    assert post(robot, "serving/history/99/return", reason="because").status_code == 404
