"""Every page with long texts in it: no wider than a phone, and nothing that axe calls serious."""

from pathlib import Path

import pytest

AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
OPERATOR = ("/live/", "/events/", "/readings/", "/cameras/", "/health/", "/integrate/")
ADMINISTRATOR = (
    "/live/",
    "/cameras/",
    "/cameras/add/",
    "/sites/add/",
    "/models/",
    "/people/",
    "/people/add/",
    "/tokens/add/",
    "/health/",
    "/admin/",
)


@pytest.fixture
def busy(camera, camera_b, alice, see_event):
    """Something to show: events, a reading, a long name."""
    see_event(camera, text="PLATFORM 12 — MIND THE GAP BETWEEN THE TRAIN AND THE EDGE")
    return see_event(camera)


def test_long_texts_are_not_wider_than_a_phone(visit, alice, adam, bob, camera, busy):
    own = (f"/events/{busy.pk}/", f"/cameras/{camera.pk}/")
    wide = []
    for user, paths in ((alice, (*OPERATOR, *own)), (adam, ADMINISTRATOR), (bob, ("/record/",))):
        seen = visit(user, "/health/", viewport=PHONE, locale="ru-RU")
        for path in paths:
            seen.open(path)
            if seen.overflow_px() > 0:
                wide.append((path, seen.overflow_px()))
    assert wide == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, alice, adam, bob, camera, busy, scheme):
    assert AXE.exists(), "axe-core is missing: make setup-test installs it"
    source = AXE.read_text()
    found = []
    own = (f"/events/{busy.pk}/", f"/cameras/{camera.pk}/")
    for user, paths in ((alice, (*OPERATOR, *own)), (adam, ADMINISTRATOR[1:9]), (bob, ("/record/",))):
        seen = visit(user, "/health/", color_scheme=scheme)
        for path in paths:
            seen.open(path)
            seen.page.evaluate(source)
            result = seen.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            found += [
                (path, rule["id"], rule["nodes"][0]["html"][:160])
                for rule in result["violations"]
                if rule["impact"] in ("serious", "critical")
            ]
    assert found == []
