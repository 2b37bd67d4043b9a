"""Rows as a working installation has them, as many as a test wants."""

from datetime import timedelta
from uuid import uuid4

from apps.accounts.models import User
from apps.accounts.services import token_create
from apps.cameras.models import Camera, CameraGroup, Site, Zone
from apps.cameras.services import grant_give
from apps.cases.models import Case
from apps.consent.models import Consent, DataSubject
from apps.core.clock import now
from apps.detections.models import CameraRuntime, Event, FrameAccount, Reading
from apps.dispatch.models import LeaseChange
from apps.evaluations.models import Evaluation, SetVersion
from apps.evidence.models import EvidencePack
from apps.monitoring.models import Alert, LeakHour
from apps.redactions.models import Redaction, RedactionEdit, RedactionStep
from apps.registry.models import Cascade, ModelFamily, ModelVersion
from apps.rollouts.models import Rollout, RolloutProof, RolloutStep, ServingEntry
from tests.apps.api.world import make_comparison, make_labelled_set
from tests.apps.purposes import purpose_add

SQUARE = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]


def cameras_add(site: Site, adam: User, count: int) -> list[Camera]:
    """Cameras with a group, a zone, a state, an account, two events with a reading each."""
    group = CameraGroup.objects.create(site=site, name=f"group {uuid4()}")
    grant_give(acting_user=adam, user=adam, group=group, permission="watch")
    family, _made = ModelFamily.objects.get_or_create(
        name="yolox-1", defaults={"task": "detection", "postprocess": "yolox", "classes": ["person"]}
    )
    version = ModelVersion.objects.create(
        name=f"yolox-{uuid4()}", family="yolox", task="detection", sha256=uuid4().hex * 2, family_ref=family
    )
    return [_camera(site, group, version) for _number in range(count)]


def _camera(site: Site, group: CameraGroup, version: ModelVersion) -> Camera:
    camera = Camera.objects.create(
        site=site, name=f"Camera {uuid4()}", kind="rtsp", url="rtsp://10.20.0.7/1", tags=["door"]
    )
    camera.groups.add(group)
    _consented(camera)
    zone = Zone.objects.create(camera=camera, name="door", kind="watch", polygon=SQUARE)
    Cascade.objects.create(camera=camera, zone=zone, stage="text", labels=["person"])
    at = now()
    CameraRuntime.objects.create(camera=camera, epoch="e1", at=at, state="streaming", since=at, fps=10)
    for epoch in ("e0", "e1"):
        FrameAccount.objects.create(
            camera=camera, epoch=epoch, started_at=at, at=at, captured=10, analysed=6, in_flight=1,
            skipped={"no_motion": 2}, lost={"late": 1}, closed=epoch == "e0",
        )  # fmt: skip
    for track_id in (1, 2):
        _event(camera, zone, version, track_id)
    EvidencePack.objects.create(
        camera=camera, since=at - timedelta(hours=1), until=at, oldest_at=at, purpose="test", case="2026/17",
        reason="theft", requested_by_id="x", requested_by_name="bob", state="failed", error_code="not_found",
    )  # fmt: skip
    Alert.objects.create(camera=camera, kind="leaks", opened_at=at, changed_at=at, facts={"frames": 4})
    LeakHour.objects.create(camera=camera, hour=at, kind="live", frames=4, leaky=1, leaks=1)
    return camera


def _consented(camera: Camera) -> None:
    """An entry of the register that stands on a consent, and one of a zone that stands on a duty."""
    subject = DataSubject.objects.create(reference=f"S-{uuid4().hex[:8]}")
    purpose_add(camera, lawful_basis="consent", interest="").subjects.add(subject)
    purpose_add(camera, lawful_basis="legal_obligation", interest="", zone_uuid=uuid4(), zone_name="desk")
    consent = Consent.objects.create(
        subject=subject, stages=["view", "detect"], notice_version="1", notice_text="text",
        notice_sha256="ab" * 32, language="en", given_at=now(), given_how="written", given_to="desk",
        recorded_by_name="bob",
    )  # fmt: skip
    consent.cameras.add(camera)
    LeaseChange.objects.create(
        camera=camera, revision=1, issued_at=now(), reason="first lease", fingerprint="x",
        contents={"stages": ["view"]},
    )  # fmt: skip


def _event(camera: Camera, zone: Zone, version: ModelVersion, track_id: int) -> None:
    at = now() - timedelta(minutes=track_id)
    model = {"model_version": version, "model_name": version.name, "model_sha256": version.sha256}
    event = Event.objects.create(
        camera=camera, epoch="e1", track_id=track_id, label="person", confidence=0.8, first_seen_at=at,
        last_seen_at=at, box_xyxy=[0.1, 0.1, 0.2, 0.4], path=[[0, 0.1, 0.2]], lease_id=str(uuid4()), **model,
    )  # fmt: skip
    event.zones.add(zone)
    Reading.objects.create(
        id=uuid4(), camera=camera, epoch="e1", track_id=track_id, event=event, zone=zone, read_at=at,
        text="EXIT", folded="exit", script="latin", confidence=0.9, **model,
    )  # fmt: skip


def people_add(site: Site, adam: User, count: int) -> list[User]:
    """Operators with a grant and a token each."""
    people = []
    for _number in range(count):
        user = User.objects.create_user(username=f"user-{uuid4()}", role="operator")
        grant_give(acting_user=adam, user=user, site=site, permission="watch")
        token_create(acting_user=adam, user=user, name="phone", actions=["events:read"])
        people.append(user)
    return people


def redactions_add(owner: User, count: int) -> list[Redaction]:
    """Redacted films, every second one still being worked on, with steps and an edit each."""
    return [_redaction(owner, ready=number % 2 == 0) for number in range(count)]


def _redaction(owner: User, *, ready: bool) -> Redaction:
    found = Redaction.objects.create(
        owner=owner, filename="gate.mp4", purpose="test", input_sha256="ab" * 32, input_bytes=9,
        options={"targets": ["face"], "style": "mosaic", "audio": "drop", "masks": []},
        state="done" if ready else "running", ready_revision=0 if ready else None, tracks_revision=0,
        film={"media": "video", "width": 4, "height": 3, "rotation_deg": 0, "fps": 25.0, "duration_s": 1.0,
              "codec": "h264", "audio": [], "result_suffix": ".mp4", "segment_frames": [25]},
        result={"sha256": "cd" * 32, "bytes": 4, "summary": {}}, finished_at=now() if ready else None,
    )  # fmt: skip
    for kind in ("probe", "analyse"):
        RedactionStep.objects.create(redaction=found, key=kind, kind=kind, place=0, state="done")
    RedactionEdit.objects.create(
        redaction=found, number=1, kind="drop", what={"track_id": "t1"}, made_revision=1, made_by_name="bob"
    )
    return found


def rollouts_add(erin: User, count: int) -> list[Rollout]:
    """Shadows that ended, each with a history, looks and proofs; and entries of what was assigned."""
    return [_rollout(erin, number) for number in range(count)]


def _rollout(erin: User, number: int) -> Rollout:
    base, candidate = (
        ModelVersion.objects.create(name=f"v-{uuid4()}", family="yolox", task="text", sha256=uuid4().hex * 2)
        for _side in "ab"
    )
    guard = {"metric": "fewer", "limit": 1.5, "min_samples": 50, "window_s": 30}
    rollout = Rollout.objects.create(
        stage="text", base=base, candidate=candidate, strategy="shadow", state="stopped", steps=[100],
        guards=[guard], reason="finds more", salt="ab" * 16, created_at=now(), created_by=erin,
        started_at=now(), started_by=erin, ended_at=now(), report={"code": "person", "guard": None},
    )  # fmt: skip
    for step, action in enumerate(("create", "start", "stop"), 1):
        RolloutStep.objects.create(
            rollout=rollout,
            number=step,
            at=now(),
            action=action,
            state="stopped",
            percent=0,
            actor_name="erin",
        )
    for camera in Camera.objects.all()[:3]:
        RolloutProof.objects.create(rollout=rollout, camera=camera, since=now())
    ServingEntry.objects.create(
        number=ServingEntry.objects.count() + 1, at=now(), action="assign", actor_name="erin",
        fingerprint=uuid4().hex * 2, contents={"stages": {"text": str(base.pk)}, "cameras": {}},
    )  # fmt: skip
    return rollout


def cases_add(count: int) -> list[Case]:
    """Requests of persons that wait."""
    at = now()
    return [
        Case.objects.create(
            reference=f"C-{uuid4().hex[:8]}", kind="access", subject="S-1", asked="blue coat", received_at=at,
            received_how="letter", due_at=at + timedelta(days=30), opened_at=at, opened_by_name="bob",
        )
        for _number in range(count)
    ]  # fmt: skip


def evaluations_add(count: int) -> None:
    """Comparisons of one variant with its parent each, all on one set."""
    base = ModelVersion.objects.filter(name="picodet-s-320").first() or ModelVersion.objects.create(
        name="picodet-s-320", family="picodet", task="detection", sha256="bd" * 32, classes=["person"]
    )
    labelled = SetVersion.objects.first() or make_labelled_set()[0]
    for _number in range(count):
        name = f"variant-{ModelVersion.objects.count()}"
        variant = ModelVersion.objects.create(
            name=name, family="picodet", task="detection", sha256=name.encode().hex().ljust(64, "0")[:64],
            classes=["person"], parent=base, kind="int8",
        )  # fmt: skip
        job = make_comparison(variant, base, labelled)
        summary = job.summary | {"candidate_p50_ms": 5.0, "base_p50_ms": 9.0, "difference": 0.0}
        Evaluation.objects.filter(pk=job.pk).update(summary=summary)
