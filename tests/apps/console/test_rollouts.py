"""The pages of rollouts: the form, the page with its buttons, the report, and the time machine."""

import pytest
from django.urls import reverse

from apps.dispatch.leases import lease_for
from apps.evaluations.models import Evaluation
from apps.rollouts import services
from apps.rollouts.guards import DEFAULT_GUARDS, FURTHER_GUARDS, SHADOW_GUARDS
from apps.rollouts.models import Rollout
from tests.apps.rollouts.conftest import fleet, olga, prepared, running, salt, versions  # noqa: F401
from tests.apps.rollouts.test_rollouts import waiting


@pytest.fixture
def as_(client):
    def sign_in(user):
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


def form(versions, **changes):  # noqa: F811
    values = {
        f"{guard.metric.value}_{part}": getattr(guard, part)
        for guard in (*DEFAULT_GUARDS, *FURTHER_GUARDS)
        for part in ("limit", "min_samples", "window_s")
    }
    values |= {f"{guard.metric.value}_on": "on" for guard in DEFAULT_GUARDS}
    candidate = str(versions["candidate"].pk)
    plan = {"stage": "detect", "candidate": candidate, "strategy": "shadow", "reason": "finds more"}
    return {**values, **plan, "steps": "1, 5, 25, 100", **changes}


def test_a_shadow_that_nobody_tuned_has_the_guards_of_a_shadow(as_, erin, versions, fleet):  # noqa: F811
    page = as_(erin).post(reverse("console:rollout_add"), form(versions))
    assert page.status_code == 302
    limits = {row["metric"]: row["limit"] for row in Rollout.objects.get().guards}
    assert limits == {guard.metric.value: guard.limit for guard in SHADOW_GUARDS}


def test_the_form_keeps_what_was_chosen(as_, erin, versions, fleet):  # noqa: F811
    changes = {"strategy": "canary", "steps": "2, 100", "fewer_limit": "1.2", "leaks_on": "on"}
    as_(erin).post(reverse("console:rollout_add"), form(versions, **changes))
    rollout = Rollout.objects.get()
    limits = {row["metric"]: row["limit"] for row in rollout.guards}
    assert (rollout.steps, limits["fewer"], len(limits)) == ([2, 100], 1.2, len(DEFAULT_GUARDS) + 1)


def test_a_refusal_is_a_sentence_on_the_form(as_, erin, versions, fleet):  # noqa: F811
    page = as_(erin).post(reverse("console:rollout_add"), form(versions, strategy="canary", steps="5, 1"))
    assert "percentages that grow" in page.content.decode()
    assert not Rollout.objects.exists()


def test_the_starter_is_offered_no_approval_and_refused_one(as_, erin, running):  # noqa: F811
    rollout = waiting(erin, running)
    page = as_(erin).get(reverse("console:rollout", args=[rollout.pk])).content.decode()
    assert "All cameras take two persons" in page
    assert "Approve all cameras" not in page
    approve = reverse("console:rollout_approve", args=[rollout.pk])
    answer = as_(erin).post(approve, {"version": rollout.version}, follow=True)
    assert "somebody else than who started or asked has to approve" in answer.content.decode()
    rollout.refresh_from_db()
    assert (rollout.state, rollout.percent) == ("waiting", 50)


def test_somebody_else_approves(as_, erin, adam, running):  # noqa: F811
    rollout = waiting(erin, running)
    page = as_(adam).get(reverse("console:rollout", args=[rollout.pk])).content.decode()
    assert "Approve all cameras" in page
    assert "Roll back" not in page  # an administrator approves; model owners take back
    as_(adam).post(reverse("console:rollout_approve", args=[rollout.pk]), {"version": rollout.version})
    rollout.refresh_from_db()
    assert rollout.percent == 100


def test_taking_back_takes_no_reason_and_no_version(as_, erin, running):  # noqa: F811
    rollout = running(steps=(50, 100))
    as_(erin).post(reverse("console:rollout_roll_back", args=[rollout.pk]))
    rollout.refresh_from_db()
    assert (rollout.state, rollout.end_reason) == ("rolled_back", "taken back by hand")


def test_a_page_that_is_behind_loads_itself_anew(as_, erin, running):  # noqa: F811
    rollout = running(steps=(50, 100))
    live = reverse("console:rollout_live", args=[rollout.pk])
    assert "HX-Refresh" not in as_(erin).get(live, {"version": rollout.version})
    assert as_(erin).get(live, {"version": rollout.version - 1})["HX-Refresh"] == "true"


def test_the_report_is_a_pdf(as_, erin, running):  # noqa: F811
    rollout = running(steps=(50, 100))
    services.rollout_roll_back(acting_user=erin, rollout=rollout, version=rollout.version, reason="because")
    answer = as_(erin).get(reverse("console:rollout_report", args=[rollout.pk]))
    assert answer.content.startswith(b"%PDF-")


def test_the_time_machine_names_versions_and_settings(as_, adam, fleet, versions):  # noqa: F811
    lease_for(fleet[0])
    page = as_(adam).get(reverse("console:served", args=[fleet[0].pk])).content.decode()
    assert "detector-base" in page
    assert "analysis_fps" in page
    before = as_(adam).get(reverse("console:served", args=[fleet[0].pk]), {"at": "2020-01-01T00:00"})
    assert "No permission to look yet" in before.content.decode()


def test_charlie_sees_none_of_it(as_, charlie, running):  # noqa: F811
    rollout = running(steps=(50, 100))
    for name in ("rollout", "rollout_live", "rollout_series", "rollout_report"):
        assert as_(charlie).get(reverse(f"console:{name}", args=[rollout.pk])).status_code == 403


def test_the_page_of_a_version_leads_to_its_rollouts_and_comparisons(
    as_,
    erin,
    running,  # noqa: F811
    versions,  # noqa: F811
):
    rollout = running(steps=(50, 100))
    job = Evaluation.objects.create(
        kind="compare", state="done", verdict="better", candidate=versions["candidate"], base=versions["base"]
    )
    for version in (versions["candidate"], versions["base"]):
        page = as_(erin).get(reverse("console:model", args=[version.pk])).content.decode()
        assert reverse("console:rollout", args=[rollout.pk]) in page
        assert reverse("console:evaluation", args=[job.pk]) in page
        assert reverse("console:model_speed", args=[version.pk]) in page
    page = as_(erin).get(reverse("console:model", args=[versions["third"].pk])).content.decode()
    assert "It was not compared yet." in page
    assert reverse("console:rollout", args=[rollout.pk]) not in page
