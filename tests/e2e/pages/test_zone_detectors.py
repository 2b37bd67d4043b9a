"""A model owner gives a zone a detector on the camera's page, and sees what is still waited for."""

import pytest
from playwright.sync_api import expect

from apps.cameras.models import Zone
from apps.cameras.services import grant_give
from apps.core.clock import now
from apps.detections.models import CameraRuntime
from apps.registry.models import ModelVersion, ZoneDetector

pytestmark = pytest.mark.timeout(180)


def test_a_zone_gets_a_detector_and_the_page_says_why_it_does_not_serve_yet(
    visit, erin, adam, camera, site_a
):
    grant_give(acting_user=adam, user=erin, site=site_a, permission="watch")
    zone = Zone.objects.create(
        camera=camera, name="Gate", kind="watch", polygon=[[0.1, 0.1], [0.4, 0.1], [0.4, 0.4]]
    )
    own = ModelVersion.objects.create(
        name="picodet-s-416", sha256="ab" * 32, family="picodet", task="detection"
    )
    CameraRuntime.objects.create(
        camera=camera, epoch="e", at=now(), since=now(), state="streaming",
        waiting={"detect": "memory_short: 64 MiB are free", f"detect:{zone.pk}": "loading"},
    )  # fmt: skip
    page = visit(erin, f"/cameras/{camera.pk}/", viewport={"width": 390, "height": 844}).page
    expect(page.get_by_text("does not fit into the memory of the inference worker")).to_be_visible()
    expect(page.get_by_text("is being loaded")).to_be_visible()
    page.get_by_text("Detectors of zones").click()
    page.get_by_label("Gate").select_option(label="picodet-s-416 · abababab")
    page.locator("form", has=page.get_by_label("Gate")).get_by_role("button").click()
    expect(page.get_by_text("detector: picodet-s-416")).to_be_visible()
    assert ZoneDetector.objects.get().version == own
    page.get_by_text("Detectors of zones").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
