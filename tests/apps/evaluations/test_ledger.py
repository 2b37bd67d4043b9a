"""The ledger of evaluations: what is sent when, what a reply changes, what a dead worker costs."""

from datetime import timedelta

import pytest
from django.db import DatabaseError

from apps.audit.models import AuditRecord
from apps.console.evaluation_words import error_of
from apps.core.clock import now
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.evaluations.comparing import Terms, comparison_create, evaluation_cancel
from apps.evaluations.models import Evaluation, JobKind, JobState, SetState, SetVersion
from apps.evaluations.selectors import latest_comparison
from apps.evaluations.sweeping import evaluations_sweep
from inference_workers.contracts.evaluations import EvaluationKind, running_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(erin, versions, labelled, worker):
    def asked(**changes):
        candidate, base = versions
        return comparison_create(
            acting_user=erin, candidate=candidate, base=base, set_version=labelled, **changes
        )

    return asked


def test_a_comparison_waits_for_its_measurements_and_ends_in_a_verdict(ask, versions, worker):
    job = ask()
    assert [step.kind for step in worker.sent] == [EvaluationKind.MEASURE]
    worker.do_all()
    assert [step.kind.value for step in worker.sent] == ["measure", "measure", "compare"]
    compare = worker.sent[-1].compare
    assert (compare.candidate.name, compare.base.name) == ("picodet-s-416", "picodet-s-320")
    assert compare.candidate_id == str(job.candidate_measure_id)
    job.refresh_from_db()
    assert (job.state, job.verdict, job.summary["difference"]) == ("done", "better", 0.02)
    assert latest_comparison(*versions) == job
    assert latest_comparison(*reversed(versions)) is None
    entry = AuditRecord.objects.get(action="evaluation.compare")
    assert (entry.details["verdict"], entry.details["candidate"]) == ("better", "aa" * 32)


def test_a_measurement_is_made_once_per_bytes_and_feeding(ask, versions, worker):
    ask()
    worker.do_all()
    again = ask(terms=Terms(resamples=300))
    worker.do_all()
    assert Evaluation.objects.filter(kind=JobKind.MEASURE).count() == 2
    candidate = versions[0]
    candidate.preprocessing_sha256 = "cd" * 32
    candidate.save()
    ask()
    assert Evaluation.objects.filter(kind=JobKind.MEASURE).count() == 3
    again.refresh_from_db()
    assert latest_comparison(*versions) == again


def test_a_reply_that_comes_twice_changes_nothing(ask, worker):
    ask()
    step = worker.sent[0]
    assert worker.answer(step) == "applied"
    assert worker.answer(step, summary={"ap": 0.9}) == "repeated"


def test_what_cannot_be_measured_fails_the_comparison_with_its_reason(ask, worker):
    job = ask()
    worker.answer(worker.sent[0], error_code="model_missing", error="picodet-s-416.onnx: expected a file")
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "model_missing")
    assert "expected a file" in job.error


def test_its_page_says_what_went_wrong_and_who_can_help(ask, erin, worker, client):
    job = ask()
    worker.answer(worker.sent[0], error_code="model_missing", error="picodet-s-416.onnx: no such file")
    client.force_login(erin)
    page = client.get(f"/evaluations/{job.pk}/").content.decode()
    assert "An administrator installs it again." in page
    job.refresh_from_db()
    job.error_code = "call_unknown"
    assert error_of(job) == "picodet-s-416.onnx: no such file"


def test_an_error_that_may_pass_is_tried_again_and_given_up_in_the_end(ask, worker, settings):
    settings.EVALUATIONS_AT_ONCE = 2
    ask()
    first = worker.sent[0].job_id
    for attempt in range(1, 4):
        step = [step for step in worker.sent if step.job_id == first][-1]
        assert step.attempt == attempt
        worker.answer(step, error_code="disk_full", error="no room", transient=True)
        Evaluation.objects.filter(pk=step.job_id).update(not_before=None)
        evaluations_sweep()
    assert Evaluation.objects.get(pk=worker.sent[0].job_id).state == JobState.FAILED


def test_a_killed_worker_is_missed_and_one_that_works_is_left_alone(ask, worker, redis_server):
    import redis

    ask()
    step = worker.sent[0]
    past = now() - timedelta(seconds=1)
    Evaluation.objects.filter(pk=step.job_id).update(leased_until=past)
    with redis.Redis.from_url(redis_server.url) as client:
        client.set(running_key(step.job_id, 1), "3/9", ex=15)
        assert evaluations_sweep()["under_way"] == 1
        row = Evaluation.objects.get(pk=step.job_id)
        assert (row.portions_done, row.portions) == (3, 9)
        client.delete(running_key(step.job_id, 1))
    Evaluation.objects.filter(pk=step.job_id).update(leased_until=past)
    assert evaluations_sweep()["taken_back"] == 1
    row.refresh_from_db()
    assert (row.state, row.lost) == (JobState.QUEUED, 1)


def test_a_cancelled_job_stays_cancelled_whatever_its_worker_says(ask, erin, worker):
    job = ask()
    evaluation_cancel(acting_user=erin, evaluation=job)
    with pytest.raises(Conflict):
        evaluation_cancel(acting_user=erin, evaluation=job)
    worker.do_all()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_comparison_does_not_wait_for_a_measurement_that_was_cancelled(ask, erin, worker):
    job = ask()
    evaluation_cancel(acting_user=erin, evaluation=job.candidate_measure)
    worker.do_all()
    job.refresh_from_db()
    assert (job.state, job.finished_at is not None) == (JobState.CANCELLED, True)
    again = ask()
    worker.do_all()
    again.refresh_from_db()
    assert again.state == JobState.DONE


def test_what_is_wrong_about_the_terms_is_named(ask):
    with pytest.raises(Invalid, match=r"^seed: expected 0 to"):
        ask(terms=Terms(seed=-1))
    with pytest.raises(Invalid, match=r"^margin: expected"):
        ask(terms=Terms(margin=0.5))


def test_it_refuses_what_cannot_be_compared(ask, alice, erin, versions, labelled):
    candidate, base = versions
    with pytest.raises(Forbidden):
        comparison_create(acting_user=alice, candidate=candidate, base=base, set_version=labelled)
    with pytest.raises(Invalid, match="different"):
        comparison_create(acting_user=erin, candidate=base, base=base, set_version=labelled)
    with pytest.raises(Invalid, match="resamples"):
        ask(terms=Terms(resamples=5))
    SetVersion.objects.update(state=SetState.CHECKING)
    labelled.refresh_from_db()
    with pytest.raises(Conflict):
        ask()


def test_nothing_is_asked_when_the_record_cannot_be_written(ask, monkeypatch):
    def refuse(**_kwargs):
        raise DatabaseError("read-only")

    monkeypatch.setattr("apps.evaluations.comparing.audit.record_change", refuse)
    before = Evaluation.objects.count()
    with pytest.raises(DatabaseError):
        ask()
    assert Evaluation.objects.count() == before
