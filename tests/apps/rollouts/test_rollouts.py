"""A rollout from the first camera to all of them: who may do what, and what is on record."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden
from apps.dispatch.services import leases_renew
from apps.registry.models import StageAssignment
from apps.rollouts import services
from apps.rollouts.choices import cameras_reached, choice_for, choices_for
from apps.rollouts.guards import Guard, Metric
from apps.rollouts.models import CameraAssignment, Rollout, RolloutStep, ServingEntry
from apps.rollouts.services import Plan
from apps.rollouts.share import is_reached
from inference_workers.contracts.lease import Stage
from inference_workers.contracts.names import LEASES


def make_clear(rollout, **values):
    """As a look of the guards leaves it that has nothing to say against the next step."""
    values = {"verdict": "clear", "guarded_at": now(), **values}
    Rollout.objects.filter(pk=rollout.pk).update(**values)
    rollout.refresh_from_db()
    return rollout


def served(camera):
    choice = choice_for(camera)
    shadow = choice.shadows.get(Stage.DETECT)
    return choice.models[Stage.DETECT].name, shadow.name if shadow else None


def waiting(erin, running, **changes):
    rollout = make_clear(running(steps=(50, 100), **changes))
    return services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version)


def test_nothing_is_served_differently_before_the_start(prepared, fleet):
    rollout = prepared()
    assert (rollout.state, rollout.percent) == ("draft", 0)
    assert {served(camera) for camera in fleet} == {("detector-base", None)}


def test_a_canary_serves_exactly_the_cameras_of_the_hash(running, fleet):
    rollout = running(steps=(50, 100))
    inside = {camera.pk for camera in fleet if is_reached(rollout.salt, camera.pk, 50)}
    assert cameras_reached(rollout, fleet) == inside
    for camera in fleet:
        expected = ("detector-candidate", "detector-base") if camera.pk in inside else ("detector-base", None)
        assert served(camera) == expected


def test_a_canary_grows_past_steps_that_reach_nobody_and_nobody_leaves(erin, running, fleet):
    rollout = running()
    reached = [(rollout.percent, cameras_reached(rollout, fleet))]
    while rollout.state == "running":
        rollout = make_clear(rollout)
        rollout = services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version)
        reached.append((rollout.percent, cameras_reached(rollout, fleet)))
    assert [(percent, len(cameras)) for percent, cameras in reached] == [(5, 1), (25, 2), (25, 2)]
    assert reached[0][1] < reached[1][1]


def test_pinned_and_excluded_cameras(erin_sees, running, fleet):
    pinned, excluded = str(fleet[0].pk), str(fleet[1].pk)
    rollout = running(pinned=(pinned,), excluded=(excluded,), steps=(1, 100))
    assert rollout.percent == 1
    assert served(fleet[0]) == ("detector-candidate", "detector-base")
    assert served(fleet[1]) == ("detector-base", None)


def test_a_scope_narrows_it(erin_sees, running, fleet, camera_b, site_a):
    running(sites=(str(site_a.pk),), steps=(50, 100))
    assert served(camera_b) == ("detector-base", None)


def test_a_scope_that_is_not_open_is_refused(prepared, fleet, site_b):
    with pytest.raises(DomainError, match="not open to you"):
        prepared(sites=(str(site_b.pk),))


def test_a_shadow_looks_on_everywhere_and_serves_nowhere(running, fleet):
    running(strategy="shadow")
    assert {served(camera) for camera in fleet} == {("detector-base", "detector-candidate")}


def test_blue_green_is_warm_before_it_changes_and_the_old_one_after(erin, olga, running, fleet):
    rollout = make_clear(running(strategy="blue_green"))
    assert {served(camera) for camera in fleet} == {("detector-base", "detector-candidate")}
    rollout = services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version)
    assert rollout.state == "waiting"
    assert {served(camera) for camera in fleet} == {("detector-base", "detector-candidate")}
    services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
    assert {served(camera) for camera in fleet} == {("detector-candidate", "detector-base")}


def test_an_ab_needs_a_question_and_says_how_many_events(prepared):
    with pytest.raises(DomainError):
        prepared(strategy="ab")
    rollout = prepared(strategy="ab", question="Are fewer events called wrong?", share=0.1, difference=0.05)
    assert (rollout.sample_size, rollout.steps) == (686, [50])


@pytest.mark.parametrize(
    ("share", "difference"),
    [(0.1, 1e-9), (0.1, 1e-200), (0.1, 0.0), (0.1, 0.95), (1.5, 0.1), (float("nan"), 0.1)],
)
def test_an_ab_that_no_number_of_events_answers_is_refused_in_words(prepared, share, difference):
    with pytest.raises(DomainError, match=r"at least 0\.001") as refused:
        prepared(strategy="ab", question="Are fewer called wrong?", share=share, difference=difference)
    assert (refused.value.code, refused.value.status) == ("invalid_question", 400)


def test_the_lease_says_it_at_once_and_in_the_next_renewal(
    erin, running, redis, fleet, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        rollout = running(steps=(50, 100))
    inside = cameras_reached(rollout, fleet)

    def leased():
        leases = {str(key): json.loads(redis.hget(LEASES, str(key))) for key in (row.pk for row in fleet)}
        return {
            key for key, lease in leases.items() if lease["models"]["detect"]["name"] == "detector-candidate"
        }

    assert leased() == {str(key) for key in inside}
    leases_renew()
    assert leased() == {str(key) for key in inside}
    with django_capture_on_commit_callbacks(execute=True):
        services.rollout_roll_back(
            acting_user=erin, rollout=rollout, version=rollout.version, reason="bicycles vanish"
        )
    assert leased() == set()


def test_choices_cost_the_same_for_one_camera_and_eight(running, fleet, django_assert_num_queries):
    running(steps=(50, 100))
    with django_assert_num_queries(6):
        choices_for(fleet[:1])
    with django_assert_num_queries(6):
        choices_for(fleet)


def test_all_cameras_take_a_second_person(erin, olga, running, fleet):
    rollout = waiting(erin, running)
    assert (rollout.state, rollout.percent) == ("waiting", 50)
    with pytest.raises(DomainError) as refused:
        services.rollout_approve(acting_user=erin, rollout=rollout, version=rollout.version)
    assert refused.value.code == "second_person_required"
    assert AuditRecord.objects.filter(action="rollout.self_approval", actor_name="erin").exists()
    rollout = services.rollout_approve(acting_user=olga, rollout=make_clear(rollout), version=rollout.version)
    assert (rollout.state, rollout.percent, rollout.approved_by) == ("running", 100, olga)
    assert {served(camera) for camera in fleet} == {("detector-candidate", "detector-base")}


def test_who_asked_may_not_approve_either(erin, olga, running):
    rollout = make_clear(running(steps=(50, 100)))
    rollout = services.rollout_promote(acting_user=olga, rollout=rollout, version=rollout.version)
    for person in (erin, olga):
        with pytest.raises(DomainError, match="two persons"):
            services.rollout_approve(acting_user=person, rollout=rollout, version=rollout.version)


def test_the_database_refuses_one_person_too(erin, running):
    rollout = running(steps=(50, 100))
    with pytest.raises(IntegrityError), transaction.atomic():
        Rollout.objects.filter(pk=rollout.pk).update(approved_by=erin)


def test_a_second_person_can_say_no(erin, adam, running):
    rollout = waiting(erin, running)
    rollout = services.rollout_decline(acting_user=adam, rollout=rollout, version=rollout.version)
    assert (rollout.state, rollout.percent, rollout.requested_by) == ("running", 50, None)


@pytest.mark.parametrize("verdict", ["hold", "breach", ""])
def test_nothing_grows_against_a_guard(erin, running, verdict):
    rollout = make_clear(running(steps=(50, 100)), verdict=verdict)
    with pytest.raises(DomainError) as refused:
        services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version)
    assert refused.value.code == "guard_holds"


def test_nothing_grows_when_the_guards_are_dead(erin, running):
    rollout = make_clear(running(steps=(50, 100)), guarded_at=now() - timedelta(seconds=31))
    with pytest.raises(DomainError) as refused:
        services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version)
    assert refused.value.code == "guard_silent"


def test_finishing_makes_it_the_rule(erin, olga, running, fleet, versions):
    rollout = waiting(erin, running)
    rollout = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
    rollout = services.rollout_finish(acting_user=erin, rollout=make_clear(rollout), version=rollout.version)
    assert rollout.state == "done"
    assert StageAssignment.objects.get(stage="detect").version == versions["candidate"]
    assert {served(camera) for camera in fleet} == {("detector-candidate", None)}


def test_what_no_second_person_gave_is_not_finished(erin, running):
    rollout = make_clear(running(steps=(50, 100)))
    with pytest.raises(DomainError, match="second person"):
        services.rollout_finish(acting_user=erin, rollout=rollout, version=rollout.version)


def test_a_narrow_rollout_becomes_the_rule_where_it_was(
    erin_sees, erin, olga, running, fleet, camera_b, site_a
):
    rollout = waiting(erin, running, sites=(str(site_a.pk),), excluded=(str(fleet[0].pk),))
    rollout = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
    services.rollout_finish(acting_user=erin, rollout=make_clear(rollout), version=rollout.version)
    assert served(camera_b) == served(fleet[0]) == ("detector-base", None)
    assert {served(camera) for camera in fleet[1:]} == {("detector-candidate", None)}
    assert CameraAssignment.objects.count() == 7


def test_what_a_narrow_rollout_gave_follows_what_becomes_the_rule_everywhere(
    erin_sees, erin, olga, running, fleet, camera_b, site_a, versions
):
    """First one site, then all, then the next version: no camera falls back when that becomes the rule."""

    def rule(**changes):
        rollout = waiting(erin, running, **changes)
        rollout = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
        services.rollout_finish(acting_user=erin, rollout=make_clear(rollout), version=rollout.version)

    left_out = (str(fleet[0].pk),)
    rule(sites=(str(site_a.pk),), excluded=left_out)
    rule()
    everywhere = [camera_b, *fleet]
    assert {served(camera) for camera in everywhere} == {("detector-candidate", None)}
    rule(candidate=versions["third"], excluded=left_out)
    assert {served(camera) for camera in everywhere if camera != fleet[0]} == {("detector-third", None)}
    assert served(fleet[0]) == ("detector-candidate", None)
    rule(candidate=versions["base"])
    assert {served(camera) for camera in everywhere if camera != fleet[0]} == {("detector-base", None)}
    assert list(CameraAssignment.objects.values_list("camera", flat=True)) == [fleet[0].pk]


def test_an_earlier_state_is_one_click_away(erin, olga, running, fleet):
    services.serving_noted()
    rollout = waiting(erin, running)
    rollout = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
    services.rollout_finish(acting_user=erin, rollout=make_clear(rollout), version=rollout.version)
    first = ServingEntry.objects.order_by("number")[0]
    made = services.serving_return(acting_user=erin, entry=first, reason="bicycles vanish")
    assert {served(camera) for camera in fleet} == {("detector-base", None)}
    assert (made.number, made.contents, made.action) == (3, first.contents, "return")


def test_going_back_ends_what_runs(erin, running, fleet):
    services.serving_noted()
    rollout = running(steps=(50, 100))
    services.serving_return(acting_user=erin, entry=ServingEntry.objects.get(), reason="all of it back")
    rollout.refresh_from_db()
    assert (rollout.state, rollout.report["code"]) == ("rolled_back", "returned")
    assert {served(camera) for camera in fleet} == {("detector-base", None)}


def test_one_rollout_per_stage(erin, running, prepared, versions):
    running(steps=(50, 100))
    other = prepared(candidate=versions["third"], steps=(50, 100))
    with pytest.raises(Conflict) as refused:
        services.rollout_start(acting_user=erin, rollout=other, version=other.version)
    assert refused.value.code == "stage_busy"


def test_somebody_was_faster(erin, running):
    rollout = make_clear(running(steps=(50, 100)))
    with pytest.raises(Conflict):
        services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version - 1)


def test_every_step_is_on_record_and_in_its_history(erin, running):
    rollout = waiting(erin, running)
    services.rollout_roll_back(acting_user=erin, rollout=rollout, version=rollout.version, reason="not today")
    actions = ["create", "start", "request", "roll_back"]
    assert [step.action for step in rollout.history.all()] == actions
    recorded = AuditRecord.objects.filter(object_type="rollout", kind="change").order_by("seq")
    assert [row.action for row in recorded] == [f"rollout.{action}" for action in actions]
    assert recorded.last().details["reason"] == "not today"


@pytest.mark.parametrize("who", ["alice", "bob", "adam", "charlie"])
def test_only_model_owners_prepare_and_take_back(request, who, versions, running):
    person = request.getfixturevalue(who)
    plan = Plan(stage="detect", candidate=versions["candidate"], strategy="canary", reason="because")
    with pytest.raises(Forbidden):
        services.rollout_create(acting_user=person, plan=plan)
    rollout = running(steps=(50, 100))
    for service in (services.rollout_start, services.rollout_promote, services.rollout_finish):
        with pytest.raises(Forbidden):
            service(acting_user=person, rollout=rollout, version=rollout.version)
    with pytest.raises(Forbidden):
        services.rollout_roll_back(acting_user=person, rollout=rollout, version=1, reason="because")


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_operators_and_compliance_approve_nothing(request, who, erin, running):
    rollout = waiting(erin, running)
    for service in (services.rollout_approve, services.rollout_decline):
        with pytest.raises(Forbidden):
            service(acting_user=request.getfixturevalue(who), rollout=rollout, version=rollout.version)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"steps": (25, 5, 100)}, "invalid_steps"),
        ({"steps": (1, 5)}, "invalid_steps"),
        ({"guards": ()}, "no_guards"),
        ({"guards": (Guard(Metric.FEWER, 0, 50, 30),)}, "invalid_guards"),
        ({"guards": (Guard(Metric.FEWER, 2, 50, 5),)}, "invalid_guards"),
        ({"guards": (Guard(Metric.FEWER, 2, 50, 30),) * 2}, "invalid_guards"),
        ({"strategy": "big bang"}, "unknown_strategy"),
        ({"stage": "smell"}, "unknown_stage"),
        ({"reason": " "}, "invalid_reason"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_words(prepared, changes, code):
    with pytest.raises(DomainError) as refused:
        prepared(**changes)
    assert refused.value.code == code
    assert not Rollout.objects.exists()


def test_a_candidate_of_another_task_or_without_a_file_is_refused(prepared, versions):
    for change, code in (({"present": False}, "version_unusable"), ({"task": "face"}, "wrong_task")):
        type(versions["candidate"]).objects.filter(pk=versions["candidate"].pk).update(**change)
        versions["candidate"].refresh_from_db()
        with pytest.raises(DomainError) as refused:
            prepared()
        assert refused.value.code == code


SERVICES = {
    "start": lambda erin, olga, made: services.rollout_start(
        acting_user=erin, rollout=made, version=made.version
    ),
    "promote": lambda erin, olga, made: services.rollout_promote(
        acting_user=erin, rollout=made, version=made.version
    ),
    "approve": lambda erin, olga, made: services.rollout_approve(
        acting_user=olga, rollout=made, version=made.version
    ),
    "decline": lambda erin, olga, made: services.rollout_decline(
        acting_user=olga, rollout=made, version=made.version
    ),
    "finish": lambda erin, olga, made: services.rollout_finish(
        acting_user=erin, rollout=made, version=made.version
    ),
    "roll_back": lambda erin, olga, made: services.rollout_roll_back(
        acting_user=erin, rollout=made, version=made.version, reason="because"
    ),
}


@pytest.mark.parametrize("name", list(SERVICES))
def test_without_a_record_nothing_changes(name, erin, olga, prepared, monkeypatch):
    rollout = prepared(steps=(50, 100))
    if name != "start":
        rollout = services.rollout_start(acting_user=erin, rollout=rollout, version=rollout.version)
        rollout = make_clear(rollout)
    if name in ("approve", "decline", "finish"):
        rollout = services.rollout_promote(acting_user=erin, rollout=rollout, version=rollout.version)
    if name == "finish":
        rollout = services.rollout_approve(acting_user=olga, rollout=rollout, version=rollout.version)
        rollout = make_clear(rollout)
    before = (
        Rollout.objects.values().get(),
        StageAssignment.objects.values().get(),
        RolloutStep.objects.count(),
    )

    def broken(*args, **kwargs):
        raise RuntimeError("the record is away")

    monkeypatch.setattr("apps.audit.services._append", broken)
    with pytest.raises(RuntimeError, match="record is away"):
        SERVICES[name](erin, olga, rollout)
    after = (
        Rollout.objects.values().get(),
        StageAssignment.objects.values().get(),
        RolloutStep.objects.count(),
    )
    assert after == before
    assert not ServingEntry.objects.exists()


def test_without_a_record_nothing_is_prepared_and_nothing_goes_back(erin, prepared, monkeypatch):
    services.serving_noted()
    entry = ServingEntry.objects.get()

    def broken(*args, **kwargs):
        raise RuntimeError("the record is away")

    monkeypatch.setattr("apps.audit.services._append", broken)
    with pytest.raises(RuntimeError):
        prepared()
    with pytest.raises(RuntimeError):
        services.serving_return(acting_user=erin, entry=entry, reason="because")
    assert not Rollout.objects.exists()
    assert ServingEntry.objects.count() == 1


def test_what_a_comparison_calls_worse_goes_no_further_than_a_shadow(
    prepared, running, versions, monkeypatch
):
    from types import SimpleNamespace

    asked = []

    def newest(candidate, base):
        asked.append((candidate.name, base.name))
        return SimpleNamespace(verdict="worse")

    monkeypatch.setattr("apps.rollouts.services.plans.latest_comparison", newest)
    with pytest.raises(DomainError) as refused:
        prepared()
    assert refused.value.code == "compared_worse"
    assert set(asked) == {("detector-candidate", "detector-base")}
    assert prepared(strategy="shadow").state == "draft"
    assert running(override="the set has no night pictures").state == "running"
    entry = AuditRecord.objects.filter(action="rollout.create").order_by("-seq")[0]
    assert entry.details["override"] == "the set has no night pictures"
