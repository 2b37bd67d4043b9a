"""Steps of a redaction: each done once, in order, whatever is killed, repeated or late."""

from datetime import timedelta
from uuid import uuid4

import pytest
from kombu.exceptions import OperationalError as BrokerAway

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import NotFound
from apps.core.objects import object_get, objects_list
from apps.detections.results import Outcome
from apps.redactions import sending
from apps.redactions.forgetting import forgotten_sweep
from apps.redactions.models import Redaction, RedactionStep
from apps.redactions.progress import progress_of
from apps.redactions.services import redaction_delete
from apps.redactions.sweeping import redactions_sweep
from apps.retention.registry import stores
from apps.retention.services import retention_sweep
from inference_workers.contracts.names import HEARTBEATS
from inference_workers.contracts.redactions import RedactionKind, input_key, running_key
from tests.apps.redactions.conftest import FILM, upload

pytestmark = pytest.mark.django_db(transaction=True)


def _exists(key: str) -> bool:
    try:
        object_get(key)
    except NotFound:
        return False
    return True


def _lease_over() -> None:
    RedactionStep.objects.update(leased_until=now() - timedelta(seconds=1), not_before=None)


def test_a_film_goes_through_every_stage_once(redaction, worker):
    assert object_get(input_key(str(redaction.pk))) == FILM
    worker.work()
    redaction.refresh_from_db()
    assert worker.kinds() == ["probe", *["analyse"] * 3, "stitch", *["render"] * 3, "mux"]
    assert (redaction.state, redaction.ready_revision) == ("done", 0)
    assert worker.done[-1].covers == ("aa", "bb", "cc")
    assert {step.attempt for step in worker.done} == {1}


def test_one_step_at_a_time_leaves_the_worker_to_the_cameras(redaction, worker):
    worker.step()
    assert [step.segment for step in worker.sent] == [0]
    assert sending.steps_send() == 0


def test_more_steps_at_once_where_that_is_set(redaction, worker, settings):
    settings.REDACTION_STEPS_AT_ONCE = 2
    worker.step()
    assert [step.segment for step in worker.sent] == [0, 1]


def test_a_reply_that_comes_twice_changes_nothing(redaction, worker):
    worker.step()
    step = worker.sent[0]
    assert worker.tell(worker.reply(step)) == Outcome.APPLIED
    before = RedactionStep.objects.count()
    assert worker.tell(worker.reply(step, frames=7)) == Outcome.REPEATED
    assert RedactionStep.objects.count() == before
    assert RedactionStep.objects.get(kind="analyse", segment=0).result["frames"] == 25


def test_a_result_of_a_lost_attempt_counts_and_its_error_does_not(redaction, worker):
    first = worker.sent.pop()
    _lease_over()
    assert redactions_sweep()["taken_back"] == 1
    RedactionStep.objects.update(not_before=None)
    assert sending.steps_send() == 1
    late = worker.reply(first, film=None, error_code="film_broken", error="no")
    assert worker.tell(late) == Outcome.REPEATED
    assert worker.tell(worker.reply(first)) == Outcome.APPLIED
    assert worker.tell(worker.reply(worker.sent.pop(0))) == Outcome.REPEATED


def test_a_lease_goes_on_while_the_worker_says_that_it_works(redaction, worker, redis):
    step = worker.sent[0]
    redis.set(running_key(step.job.job_id, RedactionKind.PROBE, 0, 1), "1", ex=15)
    _lease_over()
    assert redactions_sweep() == {"under_way": 1, "taken_back": 0, "sent": 0}
    assert RedactionStep.objects.get().leased_until > now()


def test_a_killed_worker_costs_one_step_again(redaction, worker):
    worker.step()
    assert [(step.segment, step.attempt) for step in worker.sent] == [(0, 1)]
    worker.sent.clear()
    _lease_over()
    assert redactions_sweep()["taken_back"] == 1
    RedactionStep.objects.update(not_before=None)
    worker.work()
    analysed = [(step.segment, step.attempt) for step in worker.done if step.kind == RedactionKind.ANALYSE]
    assert sorted(analysed) == [(0, 2), (1, 1), (2, 1)]
    redaction.refresh_from_db()
    assert redaction.state == "done"


def test_a_step_that_always_kills_its_worker_ends_the_work(redaction, worker):
    for _attempt in range(20):
        _lease_over()
        redactions_sweep()
    redaction.refresh_from_db()
    assert (redaction.state, redaction.error_code) == ("failed", "worker_lost")
    assert not _exists(input_key(str(redaction.pk)))


def test_without_a_worker_nothing_is_sent_and_nothing_fails(redaction, worker, redis):
    redis.delete(HEARTBEATS)
    for _time in range(20):
        _lease_over()
        redactions_sweep()
    assert (len(worker.sent), RedactionStep.objects.get().state) == (1, "queued")
    redaction.refresh_from_db()
    assert redaction.state == "queued"
    assert progress_of([redaction])[redaction.pk].waiting


def test_an_error_that_may_pass_is_tried_again_and_given_up_at_last(redaction, worker):
    for _time in range(3):
        worker.step(error_code="object_store_unreachable", error="away", transient=True)
        RedactionStep.objects.update(not_before=None)
        sending.steps_send()
    redaction.refresh_from_db()
    assert (redaction.state, redaction.error_code) == ("failed", "object_store_unreachable")


def test_a_busy_worker_is_no_failure(redaction, worker):
    for _time in range(10):
        worker.step(error_code="worker_busy", error="busy", transient=True)
        RedactionStep.objects.update(not_before=None)
        sending.steps_send()
    worker.work()
    redaction.refresh_from_db()
    assert redaction.state == "done"


def test_a_file_that_cannot_be_read_fails_in_words_and_its_upload_goes(redaction, worker):
    worker.step(error_code="film_empty", error="The file has no picture.")
    redaction.refresh_from_db()
    assert (redaction.state, redaction.error) == ("failed", "The file has no picture.")
    assert not _exists(input_key(str(redaction.pk)))
    assert AuditRecord.objects.filter(action="redaction.input_delete").count() == 1


def test_a_broker_that_is_away_costs_a_delay_only(bob, worker, monkeypatch):
    def away(*_args, **_options):
        raise BrokerAway("away")

    monkeypatch.setattr(sending, "gpu_send", away)
    upload(bob)
    assert RedactionStep.objects.get().state == "queued"
    monkeypatch.setattr(sending, "gpu_send", worker.take)
    assert redactions_sweep()["sent"] == 1


def test_work_left_between_two_stages_goes_on(redaction, worker):
    """The recorder died after it had marked the last step and before it planned the next stage."""
    worker.sent.clear()
    RedactionStep.objects.update(state="done", leased_until=None)
    Redaction.objects.update(film={"segment_frames": [25]}, state="running")
    redactions_sweep()
    assert [step.kind.value for step in worker.sent] == ["analyse"]


def test_the_upload_goes_when_its_hours_are_over(redaction, worker):
    worker.work()
    assert _exists(input_key(str(redaction.pk)))
    Redaction.objects.update(input_until=now() - timedelta(seconds=1))
    assert forgotten_sweep()["inputs"] == 1
    assert not _exists(input_key(str(redaction.pk)))
    redaction.refresh_from_db()
    assert redaction.input_gone_at is not None


def test_old_results_leave_with_everything(redaction, worker):
    worker.work()
    result = worker.reply(worker.done[-1]).output_key
    young = worker.done[-1].job.job_id
    assert retention_sweep() is None
    assert _exists(result)
    Redaction.objects.filter(pk=young).update(created_at=now() - timedelta(hours=80))
    assert retention_sweep().counts == {"redactions": 1}
    assert not Redaction.objects.exists()
    assert not _exists(result)
    assert not list(objects_list(f"redactions/{young}"))


def test_objects_of_a_redaction_are_in_use_as_long_as_its_row(redaction, worker):
    (store,) = [store for store in stores() if store.name == "redactions"]
    mine, lost = input_key(str(redaction.pk)), input_key(str(uuid4()))
    assert store.keys_in_use([mine, lost, "redactions/x/y", "snapshots/a"]) == {mine}


def test_a_deleted_redaction_goes_when_no_worker_writes_any_more(redaction, worker, bob):
    worker.work()
    redaction.refresh_from_db()
    redaction_delete(acting_user=bob, redaction=redaction)
    assert not _exists(input_key(str(redaction.pk)))
    assert forgotten_sweep()["removed"] == 1
    assert not Redaction.objects.exists()
    assert not list(objects_list(f"redactions/{redaction.pk}"))


def test_progress_grows_to_one_and_says_what_remains(redaction, worker):
    shares = []
    while worker.sent:
        worker.step()
        redaction.refresh_from_db()
        progress = progress_of([redaction])[redaction.pk]
        shares.append(progress.share)
        if progress.phase == "render":
            assert progress.remaining_s == pytest.approx(0.1 * (progress.total - progress.done), abs=0.2)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
