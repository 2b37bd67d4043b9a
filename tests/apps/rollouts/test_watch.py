"""The look of the guards: what takes a rollout back, and what only holds it."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.context import audit_context, system_context
from apps.detections.models import Event, EventFlag
from apps.rollouts import services
from apps.rollouts.choices import cameras_reached, choice_for
from apps.rollouts.guards import Guard, Metric
from apps.rollouts.models import GuardLook, Rollout, RolloutProof
from apps.rollouts.selectors import report_of
from apps.rollouts.tasks import look as look_task
from inference_workers.contracts.lease import Stage
from tests.apps.rollouts.conftest import seen


@pytest.fixture
def started(running, fleet):
    """A canary on four of eight cameras that began two minutes ago."""

    def make(**changes):
        rollout = running(**{"steps": (50, 100), **changes})
        began = now() - timedelta(seconds=120)
        Rollout.objects.filter(pk=rollout.pk).update(started_at=began, stepped_at=began)
        rollout.refresh_from_db()
        return rollout, [camera for camera in fleet if camera.pk in cameras_reached(rollout, fleet)]

    return make


def look(rollout, at):
    services.guards_look(at)
    rollout.refresh_from_db()
    return rollout


def test_an_equal_version_is_clear_and_stays(started, report):
    rollout, cameras = started()
    at = now()
    for number in range(4):
        report(cameras, at + timedelta(seconds=5 * number))
        rollout = look(rollout, at + timedelta(seconds=5 * number))
    assert (rollout.state, rollout.verdict, rollout.percent) == ("running", "clear", 50)
    assert GuardLook.objects.count() == 4


WORSE = {
    "class_lost": {"candidate": seen(label="bird"), "matched": 0},
    "fewer": {"candidate": seen(finds=1)},
    "lower": {"candidate": seen(score_bin=8)},
    "disagreement": {"matched": 5},
}


@pytest.mark.parametrize("metric", list(WORSE))
def test_a_worse_version_is_gone_after_two_looks(started, report, fleet, metric):
    guard = [Guard(Metric(metric), {"disagreement": 0.7, "lower": 0.28}.get(metric, 1.5), 50, 30)]
    rollout, cameras = started(guards=tuple(guard))
    at = now()
    report(cameras, at, **WORSE[metric])
    assert look(rollout, at).state == "running"
    at += timedelta(seconds=5)
    report(cameras, at, **WORSE[metric])
    rollout = look(rollout, at)
    assert (rollout.state, rollout.report["code"]) == ("rolled_back", "guard")
    assert rollout.report["guard"]["metric"] == metric
    assert {choice_for(camera).models[Stage.DETECT].name for camera in fleet} == {"detector-base"}
    entry = AuditRecord.objects.get(action="rollout.roll_back")
    assert (entry.actor_name, entry.details["guard"]["metric"]) == ("guard", metric)


def test_the_report_says_who_ended_it_in_the_language_of_its_reader_and_the_answer_of_an_ab(
    erin, started, report
):
    """What the guard wrote down is in the language of the clock; the figures say the same in both."""
    rollout, cameras = started(
        strategy="ab", question="Меньше ошибок?", guards=(Guard(Metric.FEWER, 1.5, 50, 30),)
    )
    for seconds in (0, 5):
        report(cameras, now() + timedelta(seconds=seconds), **WORSE["fewer"])
        rollout = look(rollout, now() + timedelta(seconds=seconds))
    assert rollout.report["code"] == "guard"
    context = {"report": report_of(erin, rollout), "row": rollout, "made_at": now(), "made_by": "erin"}
    with translation.override("ru"):
        page = render_to_string("console/rollout_pdf.html", context)
    assert rollout.end_reason not in page
    assert "Меньше находок на кадр" in page
    assert "Меньше ошибок?" in page
    assert "0 / 0" in page


def test_a_shadow_is_judged_the_same(started, report):
    rollout, cameras = started(strategy="shadow")
    at = now()
    for number in range(2):
        report(cameras, at + timedelta(seconds=5 * number), serving="base", **WORSE["class_lost"])
        rollout = look(rollout, at + timedelta(seconds=5 * number))
    assert rollout.state == "rolled_back"
    assert not RolloutProof.objects.exists()  # it never served


def test_the_same_windows_twice_are_one_look(started, report):
    rollout, cameras = started()
    at = now()
    report(cameras, at, **WORSE["class_lost"])
    for seconds in (0, 1, 2):
        rollout = look(rollout, at + timedelta(seconds=seconds))
    assert rollout.state == "running"


def test_too_little_holds(started, report):
    rollout, cameras = started()
    at = now()
    report(cameras[:1], at, windows=1)
    rollout = look(rollout, at)
    assert (rollout.state, rollout.verdict) == ("running", "hold")


def test_a_lost_heartbeat_takes_it_back(started, report, settings):
    rollout, cameras = started()
    at = now()
    report(cameras, at)
    late = timedelta(seconds=settings.ROLLOUT_HEARTBEAT_S + 1)
    assert look(rollout, at + late - timedelta(seconds=2)).state == "running"
    rollout = look(rollout, at + late)
    assert (rollout.state, rollout.report["code"]) == ("rolled_back", "heartbeat")


def test_a_candidate_that_never_says_anything_is_taken_back(started):
    rollout, _cameras = started()
    assert look(rollout, now()).report["code"] == "heartbeat"


def test_another_base_takes_it_back(started, report, versions):
    from apps.registry.models import StageAssignment

    rollout, cameras = started()
    report(cameras, now())
    StageAssignment.objects.update(version=versions["third"])
    assert look(rollout, now()).report["code"] == "base_changed"


def test_a_candidate_that_is_gone_takes_it_back(started, report, versions):
    rollout, cameras = started()
    report(cameras, now())
    type(versions["candidate"]).objects.filter(pk=versions["candidate"].pk).update(present=False)
    assert look(rollout, now()).report["code"] == "candidate_gone"


def test_going_back_is_proved_by_the_hash_of_the_results(erin, started, report, versions):
    rollout, cameras = started()
    report(cameras, now())
    services.rollout_roll_back(acting_user=erin, rollout=rollout, version=rollout.version, reason="because")
    assert RolloutProof.objects.filter(proved_at=None).count() == 4
    assert services.proofs_check() == 0  # the windows so far are the candidate's
    at = now() + timedelta(seconds=10)
    report(cameras[:3], at, windows=1, serving="base")
    assert services.proofs_check() == 3
    proof = RolloutProof.objects.exclude(proved_at=None)[0]
    assert proof.sha256 == versions["base"].sha256
    assert (proof.proved_at - proof.since).total_seconds() < 10


def test_the_look_of_the_guards_is_in_nobodys_way(erin, started, report):
    rollout, cameras = started()
    before = rollout.version
    report(cameras, now())
    rollout = look(rollout, now())
    assert rollout.version == before
    services.rollout_promote(acting_user=erin, rollout=rollout, version=before)


def test_the_wrong_verdicts_of_operators_count(started, report, camera, versions):
    rollout, cameras = started(guards=(Guard(Metric.WRONG, 0.2, 10, 3600),))
    for number in range(12):
        event = Event.objects.create(
            camera=cameras[0],
            epoch="e",
            track_id=number,
            label="person",
            confidence=0.9,
            first_seen_at=now(),
            last_seen_at=now(),
            model_version=versions["candidate"],
            model_name="candidate",
            model_sha256="b" * 64,
            lease_id="l",
        )
        if number < 6:
            EventFlag.objects.create(
                event=event, reason="not_there", flagged_by_id="1", flagged_by_name="alice"
            )
    at = now()
    report(cameras, at)
    rollout = look(rollout, at)
    [reading] = rollout.readings
    assert (reading["verdict"], reading["value"], reading["samples"]) == ("breach", 0.5, 12)


def test_what_was_called_wrong_before_the_start_counts_for_nobody(started, report):
    """An earlier rollout of the same version was taken back for it; this one is judged by itself."""
    rollout, cameras = started(guards=(Guard(Metric.WRONG, 0.2, 10, 24 * 3600),))
    before = rollout.started_at - timedelta(minutes=1)
    for number in range(12):
        Event.objects.create(
            camera=cameras[0], epoch="e", track_id=number, label="person", confidence=0.9, status="dismissed",
            first_seen_at=before, last_seen_at=before, model_version=rollout.candidate,
            model_name="candidate", model_sha256="b" * 64, lease_id="l",
        )  # fmt: skip
    at = now()
    report(cameras, at)
    [reading] = look(rollout, at).readings
    assert (reading["verdict"], reading["samples"]) == ("hold", 0)


def test_cameras_that_never_prove_it_cost_nothing(erin, started, report, django_assert_max_num_queries):
    """One that was switched off never answers again; hundreds of them are asked about every five seconds."""
    rollout, cameras = started()
    services.rollout_roll_back(acting_user=erin, rollout=rollout, version=rollout.version, reason="because")
    report(cameras[:2], now() - timedelta(seconds=30), windows=1, serving="base")  # before it was taken back
    with django_assert_max_num_queries(1):
        assert services.proofs_check() == 0
    assert RolloutProof.objects.filter(proved_at=None).count() == 4


def test_one_tick_does_all_of_it(started, report):
    _rollout, cameras = started()
    report(cameras, now())
    with audit_context(system_context("beat")):
        assert look_task() == {"taken_back": 0, "proved": 0, "noted": True}
        assert look_task() == {"taken_back": 0, "proved": 0, "noted": False}


def test_a_look_costs_the_same_for_one_camera_and_four(started, report, django_assert_max_num_queries):
    _rollout, cameras = started()
    report(cameras, now())
    with django_assert_max_num_queries(16):
        services.guards_look(now())
