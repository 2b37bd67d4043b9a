"""After an executed erasure nothing of what was erased is left in any registered store, row or object, and
everything else is as it was. What should be gone is reckoned from the generated facts alone.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps as django_apps
from django.db import transaction
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from apps.cases.services import (
    Received,
    case_open,
    erasure_approve,
    erasure_execute,
    erasure_preview,
    identity_check,
    items_add,
)
from apps.core.clock import now
from apps.core.errors import Conflict
from apps.core.objects import object_put, objects_list
from apps.core.redis import client
from apps.detections.models import Event, FeedEntry, Reading
from apps.dispatch.models import WorkItem
from apps.dispatch.recorder import DEAD_LETTERS
from apps.evaluations.manifests import manifest_bytes, manifest_read
from apps.evaluations.models import LabelledSet, SetVersion
from apps.monitoring.models import LeakSample
from apps.recordings.models import Segment
from apps.redactions.models import Redaction
from apps.retention import registry
from apps.retention.services import doomed_delete, hold_place
from apps.unmasking.models import RevealPart, UnmaskGrant, UnmaskRequest
from inference_workers.contracts.evaluations import LabelledBox, LabelledPicture, manifest_key, picture_key
from inference_workers.contracts.evaluations import LabelledSet as Labels

pytestmark = pytest.mark.django_db
PROOF = "case_material"  # its rows name what went, without a title and without a copy
BOX = LabelledBox(0, (0.1, 0.1, 0.2, 0.2))
MODEL = {"model_name": "m", "model_sha256": "ab" * 32}


@dataclass(frozen=True)
class Thing:
    """`chosen`: it is collected; `wanted`: another open request has it too. A labelled picture is collected
    by the reading that it names as its source."""

    kind: str
    camera: int
    age_h: float
    chosen: bool
    wanted: bool


KINDS = st.sampled_from(["event", "reading", "segment", "file", "work", "picture"])
THINGS = st.lists(
    st.builds(Thing, KINDS, st.integers(0, 1), st.floats(2, 60), st.booleans(), st.booleans()), max_size=7
)
HOLDS = st.lists(st.tuples(st.integers(0, 1), st.floats(2, 60), st.floats(0.1, 20)), max_size=2)


class World:
    """Makes things with everything that the product derives of them. `tokens`: texts that lead to a thing."""

    def __init__(self, cameras, owner):
        self.cameras, self.owner, self.at = cameras, owner, now()
        self.things, self.pictures = [], {}

    def add(self, thing):
        self.tokens, self.camera = set(), self.cameras[thing.camera]
        self.when = self.at - timedelta(hours=thing.age_h)
        key = getattr(self, f"_{thing.kind}")()
        self.things.append((thing, key, self.tokens))

    def _object(self, prefix, name=""):
        key = name or f"{prefix}/{self.camera.pk}/2026-01-01/{uuid4().hex}.x"
        object_put(key, b"redacted")
        self.tokens.add(key)
        return key

    def _token(self, value):
        self.tokens.add(str(value))
        return value

    def _event(self):
        epoch, key = str(uuid4()), self._object("snapshots")
        event = Event.objects.create(
            camera=self.camera, epoch=epoch, track_id=4, label="person", confidence=1, ended=True,
            first_seen_at=self.when, last_seen_at=self.when, lease_id="l", snapshot_key=key, **MODEL,
        )  # fmt: skip
        self._token(event.pk)
        self._read(event=event, epoch=epoch, track_id=4, key=key)
        self._film(epoch, [3, 4], self._object("originals"))
        FeedEntry.objects.create(
            seq=uuid4().int % 2**60, kind="event_created", event_id=event.pk, camera_id=self.camera.pk,
            at=self.when,
        )  # fmt: skip
        LeakSample.objects.create(
            id=str(uuid4()), camera=self.camera, at=self.when, kind="snapshot", epoch="z", frame_seq=1,
            lease_id="l", leaks=1, on_covers=0, boxes=[[0.1, 0.1, 0.2, 0.2]],
        )  # fmt: skip
        client().xadd(DEAD_LETTERS, {"data": f"{self.camera.pk} {self._token(epoch)}"})
        return "event", event.pk

    def _read(self, event=None, epoch="", track_id=None, key=""):
        row = Reading.objects.create(
            pk=uuid4(), camera=self.camera, epoch=epoch, track_id=track_id, event=event, read_at=self.when,
            text="x", folded="x", script="latin", confidence=1, snapshot_key=key or self._object("snapshots"),
            **MODEL,
        )  # fmt: skip
        self._token(row.pk)
        return "reading", row.pk

    def _reading(self):
        return self._read(epoch=str(uuid4()))

    def _picture(self):
        kind, key = self._reading()
        sha256 = self._token(hashlib.sha256(str(key).encode()).hexdigest())
        self.pictures[sha256] = LabelledPicture(sha256, "x.jpg", (BOX,), source=str(key))
        return kind, key

    def label(self):
        """All pictures as a set with one that shows nobody who asks, and an older version of half of them."""
        innocent = LabelledPicture("00" * 32, "0.jpg", (BOX,))
        everything = [innocent, *self.pictures.values()]
        self.set = LabelledSet.objects.create(name="Yard", created_by_name="test")
        for number, pictures in enumerate((everything[: 1 + len(self.pictures) // 2], everything), start=1):
            labels = Labels(("person",), tuple(pictures))
            data, sha256 = manifest_bytes(labels)
            for picture in pictures:
                object_put(picture_key(str(self.set.pk), picture.sha256), b"picture")
            object_put(manifest_key(str(self.set.pk), sha256), data)
            if not self.set.versions.filter(sha256=sha256).exists():
                SetVersion.objects.create(
                    labelled_set=self.set, number=number, sha256=sha256, form="coco", state="ready", bytes=1,
                    pictures=len(pictures), objects_labelled=len(pictures), placed=len(pictures) - 1,
                    keep_until=self.at + timedelta(days=9), must_pass=[p.sha256 for p in pictures],
                )  # fmt: skip

    def labelled(self):
        """The hashes of the pictures that versions which can be used have."""
        rows = self.set.versions.exclude(state="erased")
        read = [manifest_read(str(self.set.pk), row.sha256) for row in rows]
        return {picture.sha256 for labels in read for picture in labels.pictures}

    def _film(self, epoch, tracks, original=""):
        row = Segment.objects.create(
            pk=uuid4(), camera=self.camera, epoch=epoch, number=0, started_at=self.when, ended_at=self.when,
            frames=1, width=2, height=2, bytes=8, sha256="ab" * 32, object_key=self._object("segments"),
            lease_id="l", reason="events", track_ids=tracks, original_key=original,
        )  # fmt: skip
        self._token(row.pk)
        return row

    def _segment(self):
        row = self._film(str(uuid4()), [])
        request = UnmaskRequest.objects.create(
            camera=self.camera, since=self.when, until=self.when + timedelta(1), purpose="p", case="c",
            reason="r", requested_by=self.owner, requested_at=self.when,
        )  # fmt: skip
        grant = UnmaskGrant.objects.create(request=request, granted_at=self.when, open_until=self.when)
        part = RevealPart.objects.create(
            grant=grant, segment_id=row.pk, number=0, started_at=self.when, ended_at=self.when,
            object_key=self._object("reveals"),
        )  # fmt: skip
        self._token(part.pk)
        return "segment", row.pk

    def _file(self):
        row = Redaction.objects.create(
            owner=self.owner, filename="f.mp4", purpose="p", input_sha256="ab" * 32, input_bytes=1,
            state="done", ready_revision=0, film={"result_suffix": ".mp4"},
        )  # fmt: skip
        for name in ("input", "revisions/0000/result.mp4", "work/analyse/00000.json"):
            self._object("", f"redactions/{row.pk}/{name}")
        self._token(row.pk)
        return "file", row.pk

    def _work(self):
        row = WorkItem.objects.create(
            owner=self.owner, request_sha256="ab" * 32, state="done", input_key=self._object("uploads"),
            output_key=self._object("uploads"),
        )  # fmt: skip
        self._token(row.pk)
        return "work", row.pk


def _held(thing, holds):
    if thing.kind in ("file", "work"):
        return False  # of no camera: no hold reaches them
    return any(
        camera == thing.camera and abs(thing.age_h - middle) <= around for camera, middle, around in holds
    )


def _contents():
    """Everything that the registered stores hold, as texts: rows, entries in Redis, keys of objects."""
    found = []
    for store in registry.stores():
        for label in store.model_labels:
            rows = django_apps.get_model(label).objects.values() if store.name != PROOF else []
            found += [(label, str(row)) for row in rows]
        for prefix in store.prefixes:
            found += [(prefix, listed.key) for portion in objects_list(prefix) for listed in portion]
    found += [("letters", str(entry)) for entry in client().xrange(DEAD_LETTERS)]
    return found


@given(things=THINGS, holds=HOLDS)
@example(
    things=[
        Thing("event", 0, 59, chosen=False, wanted=True),
        Thing("event", 0, 5, chosen=True, wanted=True),
        Thing("event", 0, 2, chosen=True, wanted=False),
        Thing("segment", 1, 30, chosen=True, wanted=False),
        Thing("file", 0, 3, chosen=True, wanted=False),
        Thing("picture", 0, 20, chosen=True, wanted=False),
        Thing("picture", 0, 21, chosen=True, wanted=True),
        Thing("picture", 1, 30, chosen=True, wanted=False),
        Thing("picture", 0, 22, chosen=False, wanted=False),
    ],
    holds=[(1, 30, 1)],
)
@example(
    things=[
        Thing("event", 0, 30, chosen=True, wanted=False),
        Thing("event", 0, 5, chosen=True, wanted=False),
    ],
    holds=[(0, 30, 1)],
)
@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example takes half a second: it is read as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_was_erased_is_nowhere_and_everything_else_is_untouched(
    camera, camera_b, alice, adam, bob, frank, redis_url, things, holds
):
    from apps.cameras.services import grant_give

    client().flushall()
    with transaction.atomic():
        for site in {camera.site, camera_b.site}:
            for user in (bob, frank):
                grant_give(acting_user=adam, user=user, site=site, permission="watch")
        _check(World([camera, camera_b], bob), bob, frank, things, holds)
        transaction.set_rollback(True)


def _case(bob, kind):
    received = Received(kind, now() - timedelta(days=1), "letter", "everything")
    made = case_open(acting_user=bob, received=received)
    return identity_check(acting_user=bob, case=made, version=1, method="document", outcome="confirmed")


def _check(world, bob, frank, things, holds):
    for camera, middle, around in holds:
        hold_place(
            acting_user=bob, camera=world.cameras[camera], reason="court",
            since=world.at - timedelta(hours=middle + around),
            until=world.at - timedelta(hours=middle - around), expires_at=world.at + timedelta(days=9),
        )  # fmt: skip
    for thing in things:
        world.add(thing)
    world.label()
    made, other = _case(bob, "erasure"), _case(bob, "access")
    for case, wanted in ((made, "chosen"), (other, "wanted")):
        chosen = [(kind, str(key)) for thing, (kind, key), _tokens in world.things if getattr(thing, wanted)]
        items_add(acting_user=bob, case=case, chosen=chosen, purpose="x")
    before = _contents()
    gone = [
        tokens
        for thing, _key, tokens in world.things
        if thing.chosen and not thing.wanted and not _held(thing, holds)
    ]
    try:
        erasure = erasure_preview(acting_user=bob, case=made)
    except Conflict:
        assert gone == []
        return
    erasure_approve(acting_user=frank, erasure=erasure, version=1)
    erasure_execute(acting_user=frank, erasure=erasure, version=2)
    doomed_delete()
    after = _contents()
    erased = {token for tokens in gone for token in tokens}
    assert [(where, text) for where, text in after if any(token in text for token in erased)] == []
    _others_untouched(before, after, erased)
    assert world.labelled() == {"00" * 32, *world.pictures} - erased


def _others_untouched(before, after, erased):
    """Rows that lead to nothing erased are the same text as before, but for the boxes of a second look."""
    there = {text for _where, text in after}
    missing = [
        (where, text)
        for where, text in before
        if text not in there
        and not any(token in text for token in erased)
        and where not in ("monitoring.LeakSample", "evaluations.SetVersion")  # they lose boxes, pictures
        and "/manifests/" not in text
    ]
    assert missing == []
