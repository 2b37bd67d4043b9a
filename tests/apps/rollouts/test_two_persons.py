"""What serves every camera is changed by two persons, whichever door one of them takes alone."""

from pathlib import Path

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.roles import Capability
from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import DomainError, Forbidden
from apps.evaluations.models import Evaluation
from apps.registry.assigning import stage_give
from apps.registry.models import ModelVersion, StageAssignment
from apps.registry.selectors import serving
from apps.registry.services import SETTLES_AFTER, card_register, version_removable
from apps.rollouts import services
from apps.rollouts.models import CameraAssignment, Rollout, ServingEntry
from inference_workers.contracts.lease import Stage
from tests.apps.api.test_matrix import ROUTES
from tests.apps.registry.test_registry import card
from tests.apps.rollouts.test_rollouts import make_clear, served

MODEL_RIGHTS = {
    Capability.ASSIGN_MODELS,
    Capability.UPLOAD_MODELS,
    Capability.MANAGE_ROLLOUTS,
    Capability.APPROVE_ROLLOUTS,
    Capability.EVALUATE_MODELS,
}
CANDIDATE = "detector-candidate"


def _doors():
    """Every address below which somebody with a right over models can change something."""
    for route, pattern in ROUTES.items():
        view = pattern.callback
        rights = getattr(view, "capability", None) or getattr(
            getattr(view, "view_class", None), "capability", None
        )
        methods = getattr(view, "methods", None) or ("POST", "PUT", "PATCH", "DELETE")
        for method in set(methods) - {"GET"}:
            right = rights.get(method) if isinstance(rights, dict) else rights
            offered = not hasattr(view, "view_class") or hasattr(view.view_class, method.lower())
            if right in MODEL_RIGHTS and offered:
                yield method, route


def _plan(world, **changes):
    return {
        "stage": "detect",
        "candidate": str(world.versions["candidate"].pk),
        "strategy": "canary",
        "reason": "finds more bicycles",
        "steps": [99, 100],
        "pinned": [str(camera.pk) for camera in world.fleet],
        **changes,
    }


def _started(world, step):
    """Prepare and start whatever might begin everywhere."""
    for changes in (
        {},
        {"pinned": []},
        {"strategy": "ab", "question": "fewer wrong ones?"},
        {"strategy": "blue_green"},
        {"strategy": "at_once"},
    ):
        row = world.api.post("/api/v1/rollouts", _plan(world, **changes), format="json")
        assert row.status_code == 201, row.content
        rollout = Rollout.objects.get(pk=row.json()["id"])
        step(rollout, "start")
        rollout.refresh_from_db()
        world.not_everywhere()
        if rollout.state in ("running", "waiting"):
            services.rollout_roll_back(
                acting_user=world.erin, rollout=rollout, version=rollout.version, reason="next one"
            )


def _grown(world, step):
    """50 % is four of eight; 99 % would be all of them."""
    rollout = world.running(steps=(50, 99, 100))
    for action in ("promote", "finish", "approve", "decline", "promote", "approve", "finish"):
        step(make_clear(rollout), action)
        rollout.refresh_from_db()
        world.not_everywhere()


def _by_page(world):
    return lambda rollout, action: world.page.post(
        f"/rollouts/{rollout.pk}/{action}/", {"version": rollout.version}
    )


def _by_api(world):
    return lambda rollout, action: world.api.post(
        f"/api/v1/rollouts/{rollout.pk}/{action}", {"version": rollout.version}, format="json"
    )


def _assign_api(world):
    """Naming the candidate, and leaving the choice to Vidette where that would be the candidate."""
    ModelVersion.objects.filter(pk=world.versions["candidate"].pk).update(name="yolox-nano-0.1.0")
    for key in (str(world.versions["candidate"].pk), None):
        body = {"version": key, "reason": "finds more"}
        answer = world.api.put("/api/v1/stages/detect", body, format="json")
        assert answer.status_code == 202, answer.content
        rollout = Rollout.objects.get(pk=answer.json()["waiting"])
        world.not_everywhere()
        services.rollout_roll_back(
            acting_user=world.erin, rollout=rollout, version=rollout.version, reason="next one"
        )


def _assign_page(world):
    values = {"stage": "detect", "version": str(world.versions["candidate"].pk), "reason": "finds more"}
    world.page.post("/models/assign/", values)
    assert Rollout.objects.get().state == "waiting"
    world.page.post("/models/assign/", values | {"version": ""})


def _retired(world, answer):
    """The base serves by Vidette's own choice: without it the candidate would come."""
    StageAssignment.objects.all().delete()
    assert serving()[Stage.DETECT].name == "detector-base"
    answer(world.versions["base"])


def _returned(world, answer):
    """An entry of a time in which Vidette chose, and since then another version would be its choice."""
    StageAssignment.objects.all().delete()
    services.serving_noted()
    ModelVersion.objects.filter(pk=world.versions["candidate"].pk).update(name="yolox-nano-0.1.0")
    stage_give(stage="detect", version=world.versions["base"])
    entry = ServingEntry.objects.get()
    answer(entry)
    assert ServingEntry.objects.first().number > entry.number


# What one person does at each door, or why nothing that serves everywhere can change there.
DOORS = {
    ("PUT", "api/v1/stages/<stage:stage>"): _assign_api,
    ("POST", "models/assign/"): _assign_page,
    ("POST", "api/v1/models/<uuid:version_id>/retire"): lambda world: _retired(
        world,
        lambda row: world.api.post(f"/api/v1/models/{row.pk}/retire", {"reason": "old one"}, format="json"),
    ),
    ("POST", "models/<uuid:version_id>/retire/"): lambda world: _retired(
        world, lambda row: world.page.post(f"/models/{row.pk}/retire/", {"reason": "old one"})
    ),
    ("POST", "api/v1/serving/history/<int:entry_number>/return"): lambda world: _returned(
        world,
        lambda row: world.api.post(
            f"/api/v1/serving/history/{row.number}/return", {"reason": "back to it"}, format="json"
        ),
    ),
    ("POST", "serving/<int:entry_number>/return/"): lambda world: _returned(
        world, lambda row: world.page.post(f"/serving/{row.number}/return/", {"reason": "back"})
    ),
    ("POST", "api/v1/rollouts/<uuid:rollout_id>/start"): lambda world: _started(world, _by_api(world)),
    ("POST", "rollouts/<uuid:rollout_id>/start/"): lambda world: _started(world, _by_page(world)),
    **{
        ("POST", f"{route}/{action}{slash}"): lambda world, by=by: _grown(world, by(world))
        for route, slash, by in (
            ("api/v1/rollouts/<uuid:rollout_id>", "", _by_api),
            ("rollouts/<uuid:rollout_id>", "/", _by_page),
        )
        for action in ("promote", "approve", "decline", "finish")
    },
    ("POST", "api/v1/rollouts"): "prepares; nothing serves before the start",
    ("POST", "rollouts/add/"): "prepares; nothing serves before the start",
    ("POST", "api/v1/rollouts/<uuid:rollout_id>/roll-back"): "takes away what one person alone never gave",
    ("POST", "rollouts/<uuid:rollout_id>/roll-back/"): "takes away what one person alone never gave",
    ("POST", "api/v1/models"): "an upload is never chosen by Vidette",
    ("POST", "api/v1/model-families"): "a contract, which serves nothing",
    ("POST", "models/families/add/"): "a contract, which serves nothing",
    ("PUT", "api/v1/cameras/<uuid:camera_id>/zones/<uuid:zone_id>/detector"): "one zone of one camera",
    ("POST", "cameras/<uuid:camera_id>/zones/<uuid:zone_id>/detector/"): "one zone of one camera",
    ("POST", "api/v1/cameras/<uuid:camera_id>/cascades"): "crops of one camera",
    ("PUT", "api/v1/cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>"): "crops of one camera",
    ("DELETE", "api/v1/cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>"): "crops of one camera",
    ("POST", "cameras/<uuid:camera_id>/cascades/add/"): "crops of one camera",
    ("POST", "cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>/"): "crops of one camera",
    ("POST", "cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>/remove/"): "crops of one camera",
}
# Measurements, comparisons, replays and variants: their end makes a version ready, which is not chosen.
PREFIXES = ("api/v1/evaluations", "api/v1/labelled-sets", "quality/", "evaluations/")


def test_every_door_is_tried_or_explained():
    found = {door for door in _doors() if not door[1].startswith(PREFIXES)}
    assert found == set(DOORS)


@pytest.fixture
def world(erin_sees, erin, fleet, versions, running, settings):
    """The doors as erin finds them: eight cameras that the base serves; nobody else is there."""

    class World:
        pass

    def not_everywhere():
        assert "detector-base" in {served(camera)[0] for camera in fleet}

    found = World()
    found.erin, found.fleet, found.versions, found.running = erin, fleet, versions, running
    found.not_everywhere = not_everywhere
    found.api, found.page = APIClient(), Client()
    found.api.force_authenticate(erin)
    found.page.force_login(erin)
    return found


@pytest.mark.parametrize("door", [door for door, tried in DOORS.items() if callable(tried)], ids=" ".join)
def test_one_person_alone_changes_nothing_that_serves_everywhere(door, world):
    DOORS[door](world)
    world.not_everywhere()
    own = dict(CameraAssignment.objects.values_list("camera", "version__name"))
    assert CANDIDATE not in own.values()


def test_a_command_at_the_machine_changes_nothing_that_serves_everywhere(world):
    StageAssignment.objects.all().delete()
    ModelVersion.objects.update(first_seen_at=now() - SETTLES_AFTER)
    card_register(card("yolox-nano-0.1.0"))
    assert serving()[Stage.DETECT].name == "detector-base"
    StageAssignment.objects.all().delete()
    assert not version_removable(serving()[Stage.DETECT].name)


def test_what_single_cameras_have_is_not_retired_or_removed_by_one_person(world):
    """Two persons gave it to these cameras; without it they would fall back to the version of the stage."""
    third = world.versions["third"]
    CameraAssignment.objects.bulk_create(
        CameraAssignment(camera=camera, stage="detect", version=third) for camera in world.fleet
    )
    answer = world.api.post(f"/api/v1/models/{third.pk}/retire", {"reason": "old one"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "version_serves")
    assert "8 cameras" in answer.json()["detail"]
    assert not version_removable(third.name)
    assert {served(camera)[0] for camera in world.fleet} == {third.name}


def test_a_stage_is_written_by_two_modules_only():
    """All that assigns goes through `stage_give`, and who calls that asks for two persons or needs none."""
    root = Path(__file__).resolve().parents[3] / "apps"
    callers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "stage_give(" in path.read_text() and "migrations" not in path.parts
    }
    assert callers == {
        "registry/assigning.py",
        "registry/services.py",
        "rollouts/services/ends.py",
        "rollouts/services/serving.py",
        "rollouts/services/stages.py",
    }
    writers = ("StageAssignment.objects.update", "StageAssignment.objects.create", "StageAssignment(")
    found = [path.name for path in root.rglob("*.py") if any(word in path.read_text() for word in writers)]
    assert sorted(found) == ["assigning.py", "models.py"]


def _asked(erin, versions, **changes):
    values = {"stage": "detect", "version": versions["candidate"], "reason": "finds more bicycles"}
    return services.stage_assign(acting_user=erin, **values | changes)


def test_the_second_person_gives_it_to_all_cameras(erin, olga, versions, fleet):
    rollout = _asked(erin, versions)
    assert (rollout.state, {served(camera)[0] for camera in fleet}) == ("waiting", {"detector-base"})
    with pytest.raises(DomainError) as refused:
        services.rollout_approve(acting_user=erin, rollout=rollout, version=rollout.version)
    assert refused.value.code == "second_person_required"
    done = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
    assert (done.state, done.approved_by) == ("done", olga)
    assert {served(camera) for camera in fleet} == {(CANDIDATE, None)}
    assert not CameraAssignment.objects.exists()
    assert [entry.action for entry in ServingEntry.objects.all()] == ["rollout", "before"]
    services.serving_return(
        acting_user=erin, entry=ServingEntry.objects.get(number=1), reason="bicycles vanish"
    )
    assert {served(camera)[0] for camera in fleet} == {"detector-base"}, "back takes one person"


@pytest.mark.parametrize("who", ["erin", "olga"])
def test_a_request_is_withdrawn_or_declined_and_the_stage_is_free(request, who, erin, olga, versions, fleet):
    rollout = _asked(erin, versions)
    if who == "erin":
        services.rollout_roll_back(
            acting_user=erin, rollout=rollout, version=rollout.version, reason="not today"
        )
    else:
        services.rollout_decline(acting_user=olga, rollout=rollout, version=rollout.version)
    rollout.refresh_from_db()
    assert (rollout.state, rollout.proofs.count()) == ("stopped", 0)
    assert _asked(erin, versions, version=versions["third"]).state == "waiting"


def test_what_the_second_person_saw_has_to_be_true_still(erin, olga, versions, fleet):
    rollout = _asked(erin, versions)
    stage_give(stage="detect", version=versions["third"])
    with pytest.raises(DomainError) as refused:
        services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
    assert refused.value.code == "base_changed"


def test_what_a_comparison_calls_worse_is_not_given_at_once_without_a_reason(erin, versions, fleet):
    Evaluation.objects.create(
        kind="compare",
        state="done",
        verdict="worse",
        candidate=versions["candidate"],
        base=versions["base"],
        finished_at="2026-11-24T08:00:00Z",
    )
    with pytest.raises(DomainError) as refused:
        _asked(erin, versions)
    assert refused.value.code == "compared_worse"
    assert _asked(erin, versions, override="only the night counts here").state == "waiting"


def test_one_person_is_enough_where_nothing_changes_or_nothing_served(erin, versions):
    assert _asked(erin, versions, version=versions["base"]) is None
    StageAssignment.objects.all().delete()
    ModelVersion.objects.exclude(pk=versions["candidate"].pk).update(present=False)
    ModelVersion.objects.update(parent=versions["base"])  # nothing that Vidette would choose by itself
    assert Stage.DETECT not in serving()
    assert _asked(erin, versions, reason="") is None
    assert serving()[Stage.DETECT] == versions["candidate"]
    assert AuditRecord.objects.filter(action="model.assign").count() == 2


def test_it_refuses_a_version_of_another_task_or_that_is_gone(erin, versions):
    ModelVersion.objects.filter(pk=versions["third"].pk).update(task="face")
    ModelVersion.objects.filter(pk=versions["candidate"].pk).update(problem="wrong hash")
    for name, code in (("third", "wrong_task"), ("candidate", "version_unusable")):
        with pytest.raises(DomainError) as refused:
            _asked(erin, versions, version=ModelVersion.objects.get(pk=versions[name].pk))
        assert refused.value.code == code
    with pytest.raises(DomainError) as refused:
        _asked(erin, versions, stage="view")
    assert refused.value.code == "unknown_stage"


@pytest.mark.parametrize("who", ["charlie", "adam", "bob"])
def test_only_model_owners_ask(request, who, versions):
    with pytest.raises(Forbidden):
        _asked(request.getfixturevalue(who), versions)


def test_without_a_record_nothing_is_assigned(erin, versions, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("the record is away")

    StageAssignment.objects.all().delete()
    monkeypatch.setattr("apps.audit.services._append", broken)
    for version in (versions["base"], versions["candidate"]):
        with pytest.raises(RuntimeError, match="record is away"):
            _asked(erin, versions, version=version)
    assert not StageAssignment.objects.exists()
    assert not Rollout.objects.exists()
