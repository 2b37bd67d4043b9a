"""Every page with long texts in it: no wider than a phone, and nothing that axe calls serious."""

from datetime import timedelta
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


COMPLIANCE = (
    "/duties/",
    "/audit-pack/",
    "/evidence/",
    "/evidence/add/",
    "/record/",
    "/retention/",
    "/retention/classes/add/",
    "/unmasking/",
)


def _of_camera(camera, *pages):
    return tuple(f"/cameras/{camera.pk}/{page}/" for page in pages)


@pytest.fixture
def busy(camera, camera_b, alice, bob, adam, see_event):
    """Something to show: events, a reading, a long name, a recording, a hold."""
    _recorded(camera, bob)
    _packed(camera, bob, adam)
    see_event(camera, text="PLATFORM 12 — MIND THE GAP BETWEEN THE TRAIN AND THE EDGE")
    return see_event(camera)


def _packed(camera, bob, adam):
    """A pack that is ready; bob may watch, as for every pack."""
    from apps.cameras.services import grant_give
    from apps.core.clock import now
    from apps.evidence.models import EvidencePack

    grant_give(acting_user=adam, user=bob, site=camera.site, permission="watch")
    facts = {"segments": 31, "events": 4, "redactions": 1, "records": 12, "manifest_sha256": "ab" * 32}
    EvidencePack.objects.create(
        camera=camera, since=now() - timedelta(hours=1), until=now(), oldest_at=now(),
        purpose="incident investigation",
        case="Police report 2026/000017-B, second supplement", reason="Collision beside the freight elevator",
        requested_by_id=str(bob.pk), requested_by_name="bob", state="done", finished_at=now(), bytes=14113220,
        object_key="packs/x", sha256="9f2c" * 16, facts={**facts, "key_id": "cd" * 8},
    )  # fmt: skip


def _evidence_of(camera):
    return (f"/cameras/{camera.pk}/evidence/", f"/evidence/{camera.evidence_packs.get().pk}/")


def _recorded(camera, bob):
    from uuid import uuid4

    from apps.core.clock import now
    from apps.recordings.models import Segment
    from apps.retention.services import hold_place

    at = now()
    for number in range(3):
        started_at = at - timedelta(minutes=5 * number + 1)
        Segment.objects.create(
            pk=uuid4(), camera=camera, epoch="e", number=number, started_at=started_at,
            ended_at=started_at + timedelta(seconds=10), frames=50, width=960, height=540, bytes=9,
            sha256="ab" * 32, object_key="segments/x", lease_id="l", reason="events",
        )  # fmt: skip
    hold_place(
        acting_user=bob, camera=camera, since=at - timedelta(hours=1), until=at,
        reason="Collision of two trolleys beside the freight elevator, insurer informed",
        expires_at=at + timedelta(days=30),
    )  # fmt: skip


def test_long_texts_are_not_wider_than_a_phone(visit, alice, adam, bob, camera, busy):
    own = (f"/events/{busy.pk}/", *_of_camera(camera, ".", "recordings", "unmask"), "/unmasking/")
    ruled = (*COMPLIANCE, *_of_camera(camera, "retention", "holds/add"), *_evidence_of(camera))
    wide = []
    for user, paths in ((alice, (*OPERATOR, *own)), (adam, ADMINISTRATOR), (bob, ruled)):
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
    own = (f"/events/{busy.pk}/", *_of_camera(camera, ".", "recordings", "unmask"), "/unmasking/")
    ruled = (*COMPLIANCE, *_of_camera(camera, "retention", "holds/add"), *_evidence_of(camera))
    for user, paths in ((alice, (*OPERATOR, *own)), (adam, ADMINISTRATOR[1:9]), (bob, ruled)):
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
