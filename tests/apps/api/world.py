"""Everything that an address can name, once per site."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import token_create
from apps.cameras import services
from apps.cameras.models import Camera
from apps.cases.models import Case, CaseItem, Disclosure, Erasure
from apps.consent.models import Consent, DataSubject, Purpose
from apps.core import crypto
from apps.core.clock import now as clock_now
from apps.core.objects import object_put
from apps.core.redis import client
from apps.detections.feed import FeedLine, feed_append
from apps.detections.models import CameraRuntime, Event, FeedEntry, Reading
from apps.dispatch.models import WorkItem, WorkState
from apps.evaluations.manifests import manifest_bytes
from apps.evaluations.models import Evaluation, LabelledSet, SetVersion
from apps.evidence.models import EvidencePack
from apps.monitoring.models import Alert
from apps.recordings.models import Segment
from apps.redactions.models import Redaction
from apps.registry.models import Cascade, ModelFamily, ModelVersion
from apps.retention.models import LegalHold
from apps.rollouts.models import Rollout, ServingEntry
from apps.unmasking.models import UnmaskGrant, UnmaskRequest
from inference_workers.contracts.evaluations import (
    LabelledBox,
    LabelledPicture,
    manifest_key,
    outcome_key,
    shown_key,
)
from inference_workers.contracts.evaluations import LabelledSet as Labels
from inference_workers.contracts.redactions import report_key, result_key, tracks_key
from tests.apps.purposes import purpose_add

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
JPEG = b"\xff\xd8\xff\xe0redacted\xff\xd9"
MP4 = b"\x00\x00\x00\x18ftypiso5redacted"
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """The objects of one site; `kwargs` are the arguments of addresses, `marks` must not leak."""

    kwargs: dict[str, Any]
    marks: tuple[str, ...]


def _event(camera: Camera, epoch: str) -> Event:
    key = f"snapshots/{camera.pk}/2026-11-24/{epoch}.jpg"
    object_put(key, JPEG)
    event = Event.objects.create(
        camera=camera, epoch=epoch, track_id=1, revision=1, label="person", confidence=0.9,
        first_seen_at=AT, last_seen_at=AT, box_xyxy=[0.1, 0.1, 0.2, 0.2], path=[[0.0, 0.1, 0.1]],
        model_name="yolox-nano", model_sha256="ab" * 32, lease_id=str(uuid4()), snapshot_key=key,
        snapshot_redaction="tracks",
    )  # fmt: skip
    with transaction.atomic():
        feed_append([FeedLine(FeedEntry.Kind.EVENT_CREATED, camera.pk, event.pk)])
    return event


def _reading(event: Event) -> Reading:
    return Reading.objects.create(
        pk=uuid4(), camera=event.camera, epoch=event.epoch, track_id=1, event=event, read_at=AT,
        text=f"Plate of {event.camera.name}", folded="p1ate", script="latin", confidence=0.9,
        box_xyxy=[0.1, 0.1, 0.2, 0.2], model_name="pp-ocr", model_sha256="cd" * 32,
        snapshot_key=event.snapshot_key,
    )  # fmt: skip


def _segment(camera: Camera) -> Segment:
    segment_id = uuid4()
    key = f"segments/{camera.pk}/2026-11-24/{segment_id}.mp4"
    object_put(key, MP4)
    return Segment.objects.create(
        pk=segment_id, camera=camera, epoch=str(uuid4()), number=0, started_at=AT, ended_at=AT, frames=1,
        width=4, height=2, bytes=len(MP4), sha256="ab" * 32, object_key=key, lease_id=str(uuid4()),
        reason="events", redaction={"tracks": 1},
    )  # fmt: skip


def _hold(camera: Camera) -> LegalHold:
    return LegalHold.objects.create(
        camera=camera, since=AT - timedelta(minutes=1), until=AT + timedelta(minutes=1), reason="accident",
        placed_by_id="x", placed_by_name="bob", placed_at=AT, expires_at=AT - timedelta(hours=1),
    )  # fmt: skip


def _pack(camera: Camera) -> EvidencePack:
    key = f"packs/{camera.pk}/{uuid4()}-1.zip"
    object_put(key, b"PK")
    facts = {"segments": 1, "events": 1, "redactions": 0, "records": 1, "manifest_sha256": "ab" * 32}
    return EvidencePack.objects.create(
        camera=camera, since=AT - timedelta(minutes=1), until=AT + timedelta(minutes=1), oldest_at=AT,
        purpose="test",
        case="2026/17", reason="theft", requested_by_id="x", requested_by_name="frank", state="done",
        finished_at=AT, object_key=key, bytes=2, sha256="ab" * 32, facts={**facts, "key_id": "cd" * 8},
    )  # fmt: skip


def _unmask_request(adam: User, camera: Camera) -> UnmaskRequest:
    """Asked by the operator of the site, where there is one, granted by compliance, not opened yet."""
    name = "alice" if camera.site.name == "Site A" else "dana"
    operator = User.objects.filter(username=name).first() or adam
    decided_by = User.objects.filter(role="compliance").first() or User.objects.create_user(
        username="frank", role="compliance"
    )
    request = UnmaskRequest.objects.create(
        camera=camera, since=AT, until=AT + timedelta(seconds=5), purpose="incident investigation",
        case="2026/17", reason="theft", requested_by=operator, requested_at=clock_now(), state="approved",
        decided_by=decided_by, decided_at=clock_now(), version=2,
    )  # fmt: skip
    UnmaskGrant.objects.create(
        request=request, granted_at=clock_now(), open_until=clock_now() + timedelta(hours=1)
    )
    return request


def _consented(camera: Camera) -> tuple[Purpose, Consent]:
    """An entry that stands on a consent, with its sealed document and the way to reach the person."""
    subject = DataSubject.objects.create(
        reference=f"S-{camera.name}", contact_sealed=crypto.seal("one@example.org")
    )
    purpose = purpose_add(camera, lawful_basis="consent", interest="", stages=["text"])
    purpose.subjects.add(subject)
    key = f"evidence/{camera.pk}/1"
    object_put(key, crypto.seal_bytes(JPEG))
    consent = Consent.objects.create(
        subject=subject, stages=["text"], notice_version="1", notice_text="We read signs.",
        notice_sha256="ab" * 32, language="en", given_at=AT, given_how="written", given_to="desk",
        evidence_key=key, evidence_name="form.jpg", evidence_type="image/jpeg",
        evidence_sha256=hashlib.sha256(JPEG).hexdigest(), evidence_bytes=len(JPEG), recorded_by_name="bob",
    )  # fmt: skip
    consent.cameras.add(camera)
    return purpose, consent


def make_place(adam: User, camera: Camera) -> Place:
    group = services.group_create(acting_user=adam, site=camera.site, name=f"Group {camera.name}")
    zone = services.zone_create(
        acting_user=adam, camera=camera, name=f"Zone {camera.name}", kind="watch", polygon=SQUARE
    )
    event = _event(camera, str(uuid4()))
    reading = _reading(event)
    segment, hold, pack = _segment(camera), _hold(camera), _pack(camera)
    purpose, consent = _consented(camera)
    CameraRuntime.objects.create(
        camera=camera, epoch=event.epoch, at=AT, since=AT, state="streaming", fps=10.0
    )
    alert = Alert.objects.create(
        camera=camera, kind="leaks", opened_at=AT, changed_at=AT, facts={"frames": 4, "leaky": 3, "leaks": 3}
    )
    marks = (
        camera.name,
        camera.site.name,
        *(
            str(row.pk)
            for row in (camera, group, zone, event, reading, segment, purpose, consent, alert, pack)
        ),
    )
    return Place(
        {
            "site_id": camera.site_id,
            "group_id": group.pk,
            "camera_id": camera.pk,
            "zone_id": zone.pk,
            "cascade_id": Cascade.objects.create(camera=camera, stage="text", labels=["car"]).pk,
            "event_id": event.pk,
            "reading_id": reading.pk,
            "segment_id": segment.pk,
            "hold_id": hold.pk,
            "pack_id": pack.pk,
            "name": "verify.html",
            "request_id": _unmask_request(adam, camera).pk,
            "number": 0,
            "purpose_id": purpose.pk,
            "consent_id": consent.pk,
            "alert_id": alert.pk,
            "code": "standard",
        },
        marks,
    )


def make_shared(adam: User, erin: User) -> dict[str, Any]:
    """What belongs to no site: a model version, adam's test of a camera, erin's upload."""
    family = ModelFamily.objects.create(
        name="people", task="detection", postprocess="yolox", classes=["person"], classes_sha256="ab" * 32
    )
    version = ModelVersion.objects.create(
        name="yolox-nano", family="yolox", task="detection", sha256="ab" * 32, classes=["person"]
    )
    ModelVersion.objects.create(
        name="centerface", family="centerface", task="face", sha256="ba" * 32, classes=["face"]
    )
    base = ModelVersion.objects.create(
        name="picodet-s-320", family="picodet", task="detection", sha256="bd" * 32, classes=["person"]
    )
    set_version, picture = make_labelled_set()
    return {
        "evaluation_id": make_comparison(version, base, set_version).pk,
        "base_id": base.pk,
        "set_id": set_version.pk,
        "picture": picture,
        "version_id": version.pk,
        "family_id": family.pk,
        "user_id": erin.pk,
        "digest": _token(adam, erin),
        "stage": "detect",
        "probe_id": _probe(adam),
        "work_id": _work(erin).pk,
        "redaction_id": _redaction(erin).pk,
        **_case(adam, erin),
        "rollout_id": _rollout(erin, base).pk,
        "entry_number": _serving(version).number,
    }


def _case(adam: User, erin: User) -> dict[str, Any]:
    """A request of a person, a file collected in it, and an erasure that was executed."""
    at = clock_now() - timedelta(days=3)
    case = Case.objects.create(
        reference="C-2345", kind="erasure", subject="S-2345", contact_sealed=crypto.seal("two@example.org"),
        asked="Blue coat, Tuesday", received_at=at, received_how="letter", due_at=at + timedelta(days=30),
        opened_at=at, opened_by_name="bob",
    )  # fmt: skip
    key = f"cases/{case.pk}/1"
    object_put(key, JPEG)
    item = CaseItem.objects.create(
        case=case, kind="file", object_id=uuid4(), since=at, until=at, title="gate.jpg", copy_key=key,
        copy_type="image/jpeg", copy_bytes=len(JPEG), added_at=at, added_by_name="bob",
    )  # fmt: skip
    erasure = Erasure.objects.create(
        case=case, made_by=adam, made_at=at, expires_at=at + timedelta(days=1), digest="ab" * 32,
        counts={"erase": {"events": 1}, "cut": {}, "kept": []}, state="done", decided_by=erin, decided_at=at,
        executed_by=erin, executed_at=at,
    )  # fmt: skip
    disclosure = Disclosure.objects.create(
        case=case, form="pack", digest="ab" * 32, prepared_by=adam, prepared_at=at, expires_at=at
    )
    keys = {"item_id": item.pk, "erasure_id": erasure.pk, "disclosure_id": disclosure.pk}
    return {"case_id": case.pk, **keys}


def _rollout(erin: User, base: ModelVersion) -> Rollout:
    """A shadow that nobody has started."""
    candidate = ModelVersion.objects.create(
        name="yolox-tiny", family="yolox", task="detection", sha256="ef" * 32, classes=["person"]
    )
    guard = {"metric": "fewer", "limit": 1.5, "min_samples": 50, "window_s": 30}
    return Rollout.objects.create(
        stage="detect", base=base, candidate=candidate, strategy="shadow", steps=[100], guards=[guard],
        reason="finds more", salt="cd" * 16, created_at=AT, created_by=erin,
    )  # fmt: skip


def _serving(version: ModelVersion) -> ServingEntry:
    contents = {"stages": {"detect": str(version.pk)}, "cameras": {}}
    return ServingEntry.objects.create(
        number=1, at=AT, action="assign", actor_name="erin", fingerprint="ab" * 32, contents=contents
    )


def _token(adam: User, erin: User) -> str:
    token, _secret = token_create(acting_user=adam, user=erin, name="test", actions=["cameras:read"])
    return str(token.digest)


def _probe(adam: User) -> UUID:
    probe_id = uuid4()
    client().set(f"vidette:probe:{probe_id}:facts", f'{{"user":"{adam.pk}","deadline_at":4e9}}')
    object_put(f"previews/{probe_id}.jpg", JPEG)
    return probe_id


def _work(erin: User) -> WorkItem:
    work_id = uuid4()
    key = f"uploads/{work_id}/redacted.jpg"
    object_put(key, JPEG)
    return WorkItem.objects.create(
        pk=work_id, owner=erin, request_sha256="ef" * 32, state=WorkState.DONE, input_key="uploads/x/input",
        output_key=key, finished_at=AT, result={"width": 4, "height": 3, "found": [], "redaction": "image"},
    )  # fmt: skip


def _redaction(owner: User) -> Redaction:
    """A redacted film with a result; compliance officers see those of others too."""
    film = {"media": "video", "width": 4, "height": 3, "rotation_deg": 0, "fps": 25.0, "duration_s": 1.0}
    film |= {"codec": "h264", "audio": [], "result_suffix": ".mp4", "segment_frames": [25]}
    redaction = Redaction.objects.create(
        owner=owner, filename="gate.mp4", purpose="test", input_sha256="ab" * 32, input_bytes=9,
        finished_at=AT, state="done", film=film, ready_revision=0, tracks_revision=0,
        options={"targets": ["face"], "style": "mosaic", "audio": "drop", "masks": []},
        result={"sha256": "cd" * 32, "bytes": 4, "summary": {}},
    )  # fmt: skip
    job_id = str(redaction.pk)
    object_put(result_key(job_id, 0, ".mp4"), b"film")
    object_put(tracks_key(job_id, 0), b"{}")
    object_put(report_key(job_id, 0), b"{}")
    return redaction


def make_labelled_set() -> tuple[SetVersion, str]:
    """A set of one picture that was checked, and the hash of the picture."""
    picture = LabelledPicture("fa" * 32, "0.jpg", (LabelledBox(0, (0.1, 0.1, 0.5, 0.9)),))
    data, sha256 = manifest_bytes(Labels(("person",), (picture,)))
    labelled_set = LabelledSet.objects.create(name="Yard", created_by_name="test")
    version = SetVersion.objects.create(
        labelled_set=labelled_set, number=1, sha256=sha256, form="yolo", pictures=1, objects_labelled=1,
        bytes=9, classes=["person"], state="ready", keep_until=AT + timedelta(days=900),
    )  # fmt: skip
    object_put(manifest_key(str(labelled_set.pk), sha256), data)
    return version, picture.sha256


def make_comparison(candidate: ModelVersion, base: ModelVersion, labelled: SetVersion) -> Evaluation:
    """A comparison that is done and shows one picture."""
    mean = {"kind": "all", "name": "all", "pictures": 1, "objects": 1, "candidate": 0.3, "base": 0.3}
    mean |= {"difference": 0.0, "low": 0.0, "high": 0.0, "lost": False}
    thing = {"box_xyxy": [0.1, 0.1, 0.5, 0.9], "label": "person", "score": 0.9}
    side = {"missed": [0], "wrong": [0], "found": [thing]}
    times = {"p50": 9.0, "p95": 12.0, "memory_bytes": 1}
    result = {
        "verdict": "equal", "reason": "margin", "mean": mean, "parts": [], "times": {
            "candidate": times, "base": times, "hardware": {"cpu": "CPU", "threads": 1, "providers": ["CPU"]},
        },
        "terms": {"resamples": 1000, "seed": 1, "margin": 0.01}, "must_pass": {"missed": []},
        "worst": [{"name": "0.jpg", "sha256": "fa" * 32, "light": "day", "more_mistakes": 1,
                   "labels": [thing], "candidate": side, "base": side}],
    }  # fmt: skip
    job = Evaluation.objects.create(
        kind="compare", state="done", candidate=candidate, base=base, set_version=labelled, verdict="equal",
        set_name=str(labelled), finished_at=AT, summary={"candidate_ap": 0.3, "base_ap": 0.3, "shown": 1.0},
        words={"reason": "margin"},
    )  # fmt: skip
    object_put(outcome_key(str(job.pk)), json.dumps(result).encode())
    object_put(shown_key(str(job.pk), "000"), JPEG)
    return job
