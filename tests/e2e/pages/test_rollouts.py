"""The pages of rollouts in a browser: charts that are drawn, a button that stays in sight, one click back."""

import math
import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.apps.rollouts.conftest import versions  # noqa: F401 - a fixture
from tests.e2e.pages.test_look import AXE, PHONE

SHOTS = os.environ.get("VIDETTE_TEST_SHOTS", "")


@pytest.fixture
def rollout(erin, adam, camera, camera_b, versions, monkeypatch):  # noqa: F811
    """A canary on one of two cameras, and three minutes of what its guards saw."""
    from apps.cameras.services import grant_give
    from apps.core.clock import now
    from apps.rollouts import services
    from apps.rollouts.guards import DEFAULT_GUARDS
    from apps.rollouts.models import GuardLook, Rollout
    from apps.rollouts.share import reached

    keys = [camera.pk, camera_b.pk]
    salt = next(salt for salt in map(str, range(1000)) if len(reached(salt, keys, 50)) == 1)
    monkeypatch.setattr("apps.rollouts.services.plans.secrets.token_hex", lambda _size: salt)
    for site in (camera.site, camera_b.site):
        grant_give(acting_user=adam, user=erin, site=site, permission="watch")
    plan = services.Plan(
        stage="detect",
        candidate=versions["candidate"],
        strategy="canary",
        reason="finds more bicycles",
        steps=(50, 100),
    )
    services.serving_noted()
    made = services.rollout_create(acting_user=erin, plan=plan)
    made = services.rollout_start(acting_user=erin, rollout=made, version=made.version)
    at = now()
    looks = [_look(made, at - timedelta(seconds=5 * number), number) for number in range(36, -1, -1)]
    GuardLook.objects.bulk_create(looks)
    Rollout.objects.filter(pk=made.pk).update(
        guarded_at=at + timedelta(minutes=5), verdict="clear", readings=looks[-1].readings
    )
    assert len(looks[-1].readings) == len(DEFAULT_GUARDS)
    return Rollout.objects.get(pk=made.pk)


def _look(rollout, at, number):
    from apps.rollouts.models import GuardLook

    wave = math.sin(number / 4) / 10
    readings = [
        {
            "metric": guard["metric"],
            "verdict": "clear",
            "value": 1.1 + wave,
            "limit": guard["limit"],
            "samples": 150,
            "min_samples": guard["min_samples"],
            "base": 2 + wave,
            "candidate": 2.2 + 2 * wave,
            "detail": "person" if guard["metric"] == "class_lost" else "",
            "breaches": 0,
        }
        for guard in rollout.guards
    ]
    return GuardLook(rollout=rollout, at=at, verdict="clear", percent=50, cameras=1, readings=readings)


def _shot(seen, name):
    if SHOTS:
        seen.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_the_charts_are_drawn_and_the_button_stays_in_sight(visit, erin, rollout):
    seen = visit(erin, f"/rollouts/{rollout.pk}/")
    plots = seen.page.locator(".chart canvas")
    expect(plots).to_have_count(len(rollout.guards))
    drawn = plots.evaluate_all(
        "canvases => canvases.map(canvas => canvas.getContext('2d').getImageData("
        "0, 0, canvas.width, canvas.height).data.some((value, at) => at % 4 === 3 && value > 0))"
    )
    assert all(drawn)
    button = seen.page.get_by_role("button", name="Roll back")
    seen.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(button).to_be_in_viewport()
    _shot(seen, "rollout")
    button.click()
    expect(seen.page.locator("h1 .badge")).to_have_text("Rolled back")
    rollout.refresh_from_db()
    assert (rollout.state, rollout.end_reason) == ("rolled_back", "taken back by hand")


def test_what_a_second_person_sees(visit, erin, adam, rollout):
    seen = visit(erin, f"/rollouts/{rollout.pk}/")
    seen.page.get_by_role("button", name="Ask for all cameras").click()
    expect(seen.page.locator("#rollout-live")).to_contain_text("All cameras take two persons")
    other = visit(adam, f"/rollouts/{rollout.pk}/")
    other.page.get_by_role("button", name="Approve all cameras").click()
    expect(other.page.locator("#rollout-live")).to_contain_text("100 %")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_on_a_phone_and_under_axe(visit, erin, rollout, camera, scheme):
    seen = visit(erin, "/rollouts/", viewport=PHONE, locale="ru-RU", color_scheme=scheme)
    found = []
    for name, path in (
        ("board", "/rollouts/"),
        ("add", "/rollouts/add/"),
        ("phone", f"/rollouts/{rollout.pk}/"),
        ("served", f"/cameras/{camera.pk}/served/"),
    ):
        seen.open(path)
        assert seen.overflow_px() <= 0, path
        if "rollouts/" in path and name == "phone":
            expect(seen.page.locator(".chart canvas")).to_have_count(len(rollout.guards))
            expect(seen.page.locator(".rollout-back button")).to_be_in_viewport()
        _shot(seen, f"{name}-{scheme}")
        seen.page.evaluate(AXE.read_text())
        result = seen.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        found += [
            (path, rule["id"], rule["nodes"][0]["html"][:160])
            for rule in result["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
    assert found == []
