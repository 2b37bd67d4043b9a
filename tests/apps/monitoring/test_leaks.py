"""The leak meter: every second look counted once, the limit held with care, people decide what follows."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest

from apps.audit.models import AuditRecord, RecordKind
from apps.cameras import services as cameras
from apps.core.clock import now
from apps.core.errors import Conflict, DomainError, Forbidden, NotFound, Unavailable
from apps.detections.models import FeedEntry
from apps.dispatch.leases import lease_for
from apps.dispatch.recorder import DEAD_LETTERS, Recorder
from apps.monitoring import services
from apps.monitoring.leaks import leak_figures, leaks_judge, leaks_judge_all
from apps.monitoring.models import Alert, LeakGuard, LeakSample
from apps.monitoring.selectors import alert_get, alerts_for, alerts_open, exports_allowed, leak_guard
from inference_workers.contracts.leaks import PictureKind
from tests.apps.dispatch.messages import leak_sample, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def record(redis):
    """Sends messages through the recorder, as the data plane does."""
    recorder = Recorder(redis)

    def through(*messages):
        send(redis, *messages)
        recorder.drain()
        return recorder.counts

    return through


@pytest.fixture
def alert(camera, record):
    record(*(leak_sample(camera.pk, 1) for _ in range(3)))
    return Alert.objects.get()


def test_second_looks_are_counted_once(camera, record):
    messages = [leak_sample(camera.pk), leak_sample(camera.pk, on_covers=2), leak_sample(camera.pk, 3)]
    record(*messages, *messages)
    figures = leak_figures(camera)
    assert (figures.frames, figures.leaky, figures.leaks, figures.on_covers) == (3, 1, 3, 2)
    assert figures.rate == pytest.approx(3333.3, abs=0.1)


def test_a_camera_that_is_gone_and_messages_that_lie_are_set_aside(camera, record, redis):
    counts = record(
        leak_sample(uuid4()),
        leak_sample(camera.pk, at=-5.0),
        leak_sample(camera.pk, sample_id="x" * 60),
        leak_sample(camera.pk, on_covers=-1),
        leak_sample(camera.pk, 65),
        leak_sample(camera.pk),
    )
    assert counts["unknown"] == 1
    assert redis.xlen(DEAD_LETTERS) == 4
    assert leak_figures(camera).frames == 1


def test_one_find_is_no_alert_and_clean_pictures_are_none(camera, record):
    record(*(leak_sample(camera.pk) for _ in range(40)), leak_sample(camera.pk, 1))
    assert not Alert.objects.exists()
    assert exports_allowed(camera)


def test_above_the_limit_an_alert_is_raised_and_exports_wait(camera, record, settings):
    settings.LEAK_RAISES_POLICY = False
    record(leak_sample(camera.pk), *(leak_sample(camera.pk, 1) for _ in range(3)))
    alert = Alert.objects.get()
    assert (alert.camera_id, alert.state) == (camera.pk, "open")
    assert (alert.facts["frames"], alert.facts["leaky"]) == (4, 3)
    assert not exports_allowed(camera)
    assert leak_guard(camera).policy_raised_at is None
    assert [(line.kind, line.alert_id) for line in FeedEntry.objects.filter(alert_id__isnull=False)] == [
        ("alert_opened", alert.pk)
    ]
    entry = AuditRecord.objects.get(action="leaks.alert")
    assert (entry.kind, entry.details["quarantined"], entry.details["limit"]) == (RecordKind.SYSTEM, True, 50)


def test_a_rate_that_may_be_below_the_limit_raises_none(camera, record, settings):
    """Two of 60: surely above 40 per 10,000, not surely above 50."""
    record(*(leak_sample(camera.pk) for _ in range(58)), *(leak_sample(camera.pk, 1) for _ in range(2)))
    low, high = leak_figures(camera).interval
    assert 40 < low < 50 < high
    assert not Alert.objects.exists()
    settings.LEAK_LIMIT_PER_10000 = 40
    assert leaks_judge_all() == 1


def test_further_leaks_bring_the_open_alert_up_to_date(alert, camera, record):
    record(leak_sample(camera.pk, 2), leak_sample(camera.pk))
    [same] = Alert.objects.all()
    assert (same.pk, same.facts["leaks"], same.version) == (alert.pk, 5, 1)


def test_what_is_a_day_old_is_held_against_nobody(camera, record):
    record(*(leak_sample(camera.pk, 1, at=time.time() - 25 * 3600) for _ in range(5)))
    assert leak_figures(camera).leaky == 5
    assert leak_figures(camera, now() - timedelta(hours=24)).leaky == 0
    assert not Alert.objects.exists()


def test_the_policy_is_raised_in_the_lease_until_somebody_lowers_it(camera, record, bob, settings):
    settings.LEAK_RAISES_POLICY = True
    assert lease_for(camera).redaction.targets == ("face",)
    record(*(leak_sample(camera.pk, 1) for _ in range(3)))
    camera.refresh_from_db()
    raised = lease_for(camera)
    assert raised.redaction.targets == ("face", "person")
    guard = leak_guard(camera)
    services.policy_lower(acting_user=bob, camera=camera, version=guard.version, note="camera was turned")
    camera.refresh_from_db()
    assert lease_for(camera).redaction.targets == ("face",)
    assert AuditRecord.objects.filter(action="leaks.policy_lower", camera_id=camera.pk).count() == 1
    with pytest.raises(Conflict):
        services.policy_lower(acting_user=bob, camera=camera, version=guard.version + 1, note="again")


def test_a_review_lifts_the_quarantine_and_starts_the_count_anew(alert, camera, record, bob):
    services.alert_acknowledge(acting_user=bob, alert=alert, version=1)
    assert not exports_allowed(camera)
    services.alert_close(acting_user=bob, alert=alert, version=2, note="poster on the wall, masked")
    assert (alert.state, alert.changed_by_name) == ("closed", "bob")
    assert exports_allowed(camera)
    assert leaks_judge(camera.pk) is None
    later = time.time() + 1
    record(*(leak_sample(camera.pk, 1, at=later) for _ in range(3)))
    assert list(alerts_open(bob).values_list("state", flat=True)) == ["open"]
    actions = AuditRecord.objects.filter(action__startswith="alert.").values_list("action", "actor_name")
    assert list(actions.order_by("seq")) == [("alert.acknowledge", "bob"), ("alert.close", "bob")]


def test_closing_lowers_the_policy_only_when_asked(camera, record, bob, settings):
    settings.LEAK_RAISES_POLICY = True
    record(*(leak_sample(camera.pk, 1) for _ in range(3)))
    services.alert_close(acting_user=bob, alert=Alert.objects.get(), version=1, note="a mask was added")
    assert leak_guard(camera).policy_raised_at is not None
    record(*(leak_sample(camera.pk, 1, at=time.time() + 1) for _ in range(3)))
    second = alerts_open(bob).get()
    services.alert_close(acting_user=bob, alert=second, version=1, note="the mask was moved", lower=True)
    assert leak_guard(camera).policy_raised_at is None


@pytest.mark.parametrize("name", ["alice", "charlie", "erin"])
def test_only_reviewers_decide(alert, name, request):
    user = request.getfixturevalue(name)
    for decide in (
        lambda: services.alert_acknowledge(acting_user=user, alert=alert, version=1),
        lambda: services.alert_close(acting_user=user, alert=alert, version=1, note="nothing"),
        lambda: services.policy_lower(acting_user=user, camera=alert.camera, version=2, note="nothing"),
    ):
        with pytest.raises(Forbidden):
            decide()
    assert not exports_allowed(alert.camera)


def test_who_may_know_of_an_alert(alert, alice, dana, charlie, bob):
    assert alerts_for(alice).get() == alerts_for(bob).get() == alert
    for stranger in (dana, charlie):
        assert not alerts_for(stranger).exists()
        with pytest.raises(NotFound):
            alert_get(stranger, alert.pk)
    assert AuditRecord.objects.filter(kind=RecordKind.REFUSAL, object_type="alert").exists()


@pytest.mark.parametrize("note", ["", "ok", " \x00 ", "x" * 501])
def test_a_review_without_words_is_none(alert, bob, note):
    with pytest.raises(DomainError) as refused:
        services.alert_close(acting_user=bob, alert=alert, version=1, note=note)
    assert refused.value.code == "invalid_note"


def test_two_reviewers_do_not_overwrite_each_other(alert, bob, adam):
    services.alert_acknowledge(acting_user=bob, alert=alert, version=1)
    with pytest.raises(Conflict):
        services.alert_close(acting_user=adam, alert=alert, version=1, note="too late")
    with pytest.raises(Conflict):
        services.alert_acknowledge(acting_user=adam, alert=alert, version=2)


@pytest.fixture
def broken_record(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services._chain", refuse)
    return monkeypatch


def test_without_the_record_nothing_is_decided(alert, bob, broken_record):
    with pytest.raises(Unavailable):
        services.alert_close(acting_user=bob, alert=alert, version=1, note="looked into it")
    alert.refresh_from_db()
    assert (alert.state, alert.version) == ("open", 1)
    assert not exports_allowed(alert.camera)


def test_without_the_record_leaks_are_counted_and_judged_later(camera, record, broken_record):
    record(*(leak_sample(camera.pk, 1) for _ in range(3)))
    assert LeakSample.objects.count() == 3
    assert not Alert.objects.exists()
    assert not LeakGuard.objects.filter(exports_quarantined_at__isnull=False).exists()
    broken_record.undo()
    assert leaks_judge_all() == 1
    assert not exports_allowed(camera)


def test_each_kind_of_picture_is_counted(camera, record):
    record(*(leak_sample(camera.pk, kind=kind) for kind in PictureKind))
    assert leak_figures(camera).frames == 3
    assert camera.leak_hours.count() == 3


def test_stricter_zones_are_in_the_lease_and_a_zone_cannot_be_less(camera, adam):
    square = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
    zone = cameras.zone_create(
        acting_user=adam, camera=camera, name="counter", kind="cover", polygon=square,
        redaction_target="persons", redact_text=True,
    )  # fmt: skip
    camera.refresh_from_db()
    [sent] = [item for item in lease_for(camera).zones if item.zone_id == str(zone.pk)]
    assert sent.targets == ("person", "text")
    for wrong in ({"redaction_target": "faces"}, {"redaction_target": "", "redact_text": False}):
        with pytest.raises(DomainError):
            cameras.zone_update(acting_user=adam, zone=zone, version=1, changes=wrong)


def test_delay_and_text_are_in_the_lease_within_their_bounds(camera, adam):
    changes = {"display_delay_s": 2.0, "redact_text": True}
    cameras.camera_update(acting_user=adam, camera=camera, version=1, changes=changes)
    policy = lease_for(camera).redaction
    assert (policy.targets, policy.display_delay_s) == (("face", "text"), 2.0)
    for wrong in (0.1, 60.0, float("nan")):
        with pytest.raises(DomainError):
            cameras.camera_update(
                acting_user=adam, camera=camera, version=2, changes={"display_delay_s": wrong}
            )


def test_the_metrics_name_what_was_looked_at_and_what_slipped(camera, record, client):
    record(*(leak_sample(camera.pk, 2) for _ in range(3)), leak_sample(camera.pk))
    lines = client.get("/metrics").content.decode().splitlines()
    of_camera = f'{{camera="{camera.pk}",kind="live"}}'
    assert f"vidette_second_looks_total{of_camera} 4.0" in lines
    assert f"vidette_leaky_pictures_total{of_camera} 3.0" in lines
    assert f"vidette_leaks_total{of_camera} 6.0" in lines
    assert "vidette_alerts_open 1.0" in lines


def test_the_api_tells_rates_with_their_interval_and_alerts(alert, camera, client, alice):
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    leaks = client.get(f"/api/v1/cameras/{camera.pk}/leaks").json()
    assert (leaks["day"]["frames"], leaks["day"]["per_10000"]) == (3, 10_000.0)
    assert leaks["day"]["low"] > leaks["limit_per_10000"]
    assert leaks["hours"][0]["leaky"] == 3
    assert leaks["exports_quarantined_at"] is not None
    [row] = client.get("/api/v1/alerts").json()["results"]
    assert (row["id"], row["state"]) == (str(alert.pk), "open")


def test_a_review_on_the_page_closes_the_alert(alert, camera, client, bob):
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    assert camera.name in page
    client.post(f"/alerts/{alert.pk}/acknowledge/", {"version": 1})
    client.post(f"/alerts/{alert.pk}/close/", {"version": 2, "note": "seen"})
    alert.refresh_from_db()
    assert (alert.state, alert.note) == ("closed", "seen")
    assert exports_allowed(camera)
