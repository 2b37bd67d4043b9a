"""Nothing older than its class plus grace survives anywhere, nothing younger or held is touched.

Rows of every kind are made at random ages under random classes and holds; what should be left is reckoned
here from the generated facts alone, not with the plan of the sweeper.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.clock import now
from apps.core.errors import NotFound
from apps.core.objects import object_get, object_put
from apps.core.redis import client
from apps.retention.plan import GRACE

pytestmark = pytest.mark.django_db

HOURS = st.floats(0.1, 400, allow_nan=False)
KINDS = st.sampled_from(["event", "reading", "segment", "original", "feed", "work", "letter", "pack"])
PACK_H = 5


@dataclass(frozen=True)
class Thing:
    """One row of a kind, this old, of the camera with this number."""

    kind: str
    camera: int
    age_h: float


@dataclass(frozen=True)
class Span:
    """A hold from `since_h` to `until_h` hours ago."""

    camera: int
    since_h: float
    until_h: float


THINGS = st.lists(st.builds(Thing, KINDS, st.integers(0, 1), HOURS), max_size=14)
HOLDS = st.lists(
    st.builds(
        lambda camera, a, b: Span(camera, max(a, b) + 0.01, min(a, b)), st.integers(0, 1), HOURS, HOURS
    ),
    max_size=2,
)


class World:
    """Makes the rows and says which of them are there afterwards."""

    def __init__(self, cameras, adam):
        self.cameras, self.adam, self.at = cameras, adam, now()
        self.made = {}

    def add(self, thing):
        key, present, object_key = getattr(self, f"_{thing.kind}")(thing)
        self.made[key] = (thing, present, object_key)

    def _when(self, thing):
        return self.at - timedelta(hours=thing.age_h)

    def _object(self, prefix):
        key = f"{prefix}/{uuid4()}/2026-01-01/{uuid4().hex}.x"
        object_put(key, b"redacted")
        return key

    def _event(self, thing):
        from apps.detections.models import Event

        key = self._object("snapshots")
        row = Event.objects.create(
            camera=self.cameras[thing.camera], epoch=str(uuid4()), track_id=1, label="person", confidence=1,
            first_seen_at=self._when(thing), last_seen_at=self._when(thing), lease_id="l", snapshot_key=key,
            model_name="m", model_sha256="ab" * 32,
        )  # fmt: skip
        return row.pk, Event.objects.filter(pk=row.pk).exists, key

    def _reading(self, thing):
        from apps.detections.models import Reading

        key = self._object("snapshots")
        row = Reading.objects.create(
            pk=uuid4(), camera=self.cameras[thing.camera], epoch="e", read_at=self._when(thing), text="x",
            folded="x", script="latin", confidence=1, model_name="m", model_sha256="ab" * 32,
            snapshot_key=key,
        )  # fmt: skip
        return row.pk, Reading.objects.filter(pk=row.pk).exists, key

    def _segment(self, thing, original=""):
        from apps.recordings.models import Segment

        key = self._object("segments")
        row = Segment.objects.create(
            pk=uuid4(), camera=self.cameras[thing.camera], epoch="e", number=0, started_at=self._when(thing),
            ended_at=self._when(thing), frames=1, width=2, height=2, bytes=8, sha256="ab" * 32,
            object_key=key, lease_id="l", reason="events", original_key=original,
        )  # fmt: skip
        return row.pk, Segment.objects.filter(pk=row.pk).exists, key

    def _original(self, thing):
        """What must go is the original; its segment has its own time."""
        from apps.recordings.models import Segment

        key = self._object("originals")
        pk, _present, _segment = self._segment(thing, key)
        return (pk, "original"), Segment.objects.filter(pk=pk, original_key=key).exists, key

    def _feed(self, thing):
        from apps.detections.models import FeedEntry

        row = FeedEntry.objects.create(
            seq=uuid4().int % 2**60, kind="camera_state", camera_id=self.cameras[thing.camera].pk,
            at=self._when(thing),
        )  # fmt: skip
        return ("feed", row.pk), FeedEntry.objects.filter(pk=row.pk).exists, None

    def _work(self, thing):
        from apps.dispatch.models import WorkItem

        key = self._object("uploads")
        row = WorkItem.objects.create(
            owner=self.adam, request_sha256="ab" * 32, state="done", input_key="", output_key=key
        )
        WorkItem.objects.filter(pk=row.pk).update(created_at=self._when(thing))
        return row.pk, WorkItem.objects.filter(pk=row.pk).exists, key

    def _pack(self, thing):
        """A pack of five hours: what is over is the first thing in it, what is held is any of it."""
        from apps.evidence.models import EvidencePack

        at, key = self._when(thing), self._object("packs")
        row = EvidencePack.objects.create(
            camera=self.cameras[thing.camera], since=at, until=at + timedelta(hours=PACK_H), oldest_at=at,
            purpose="p", case="c", reason="r", requested_by_id="x", requested_by_name="bob", state="done",
            object_key=key,
        )  # fmt: skip
        return row.pk, EvidencePack.objects.filter(pk=row.pk).exists, key

    def _letter(self, thing):
        from apps.dispatch.recorder import DEAD_LETTERS

        entry = f"{int(self._when(thing).timestamp() * 1000)}-{len(self.made)}"
        client().execute_command("XADD", DEAD_LETTERS, entry, "data", "x")
        return entry, lambda: bool(client().xrange(DEAD_LETTERS, entry, entry)), None


def _should_stay(thing, classes, holds):
    hours, original_hours = classes[thing.camera]
    ends_h = thing.age_h - PACK_H if thing.kind == "pack" else thing.age_h
    if thing.kind in ("work", "letter"):
        hours = 72
    elif any(
        span.camera == thing.camera and span.until_h < thing.age_h and ends_h < span.since_h for span in holds
    ):
        return True
    limit = original_hours if thing.kind == "original" else hours
    return thing.age_h <= limit + GRACE.total_seconds() / 3600


@given(
    things=THINGS,
    holds=HOLDS,
    hours=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    originals=st.floats(0, 1),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_over_is_gone_everywhere_and_nothing_else_is(
    camera, camera_b, adam, bob, redis_url, monkeypatch, things, holds, hours, originals
):
    from apps.retention import selectors

    monkeypatch.setattr(selectors, "_sources", [])
    client().flushall()
    with transaction.atomic():
        _check([camera, camera_b], adam, bob, things, holds, hours, originals)
        transaction.set_rollback(True)


def _check(cameras, adam, bob, things, holds, hours, originals):
    from apps.retention import services
    from apps.retention.models import DoomedObject

    classes = [(each, int(each * originals)) for each in hours]
    for number, (camera, (kept, original)) in enumerate(zip(cameras, classes, strict=True)):
        row = services.class_create(
            acting_user=bob, code=f"class-{number}", name=f"Class {number}", hours=kept,
            original_hours=original, justification="a reason",
        )  # fmt: skip
        services.camera_retention_set(
            acting_user=bob, camera=camera, version=0, retention_class=row, recording="events"
        )
    world = World(cameras, adam)
    for span in holds:
        services.hold_place(
            acting_user=bob, camera=cameras[span.camera], since=world.at - timedelta(hours=span.since_h),
            until=world.at - timedelta(hours=span.until_h), reason="held",
            expires_at=now() + timedelta(days=1),
        )  # fmt: skip
    for thing in sorted(things, key=lambda item: -item.age_h):
        world.add(thing)
    services.retention_sweep(world.at)
    assert DoomedObject.objects.count() == 0
    for thing, present, key in world.made.values():
        stays = _should_stay(thing, classes, holds)
        assert present() == stays, thing
        if key is not None:
            assert _exists(key) == stays, f"the object of {thing}"


def _exists(key):
    try:
        object_get(key)
    except NotFound:
        return False
    return True
