"""A worker that only replies: what the GPU queue was given, and what such steps report."""

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.names import HEARTBEATS
from inference_workers.contracts.redactions import (
    FilmFacts,
    RedactionKind,
    RedactionReply,
    RedactionStep,
    RedactionSummary,
    TimeRange,
    follow_key,
    report_key,
    result_key,
    tracks_key,
)

if TYPE_CHECKING:
    from redis import Redis

FILM = b"\x00\x00\x00\x18ftypisom" + b"film" * 400
FACTS = FilmFacts(
    "video", "mp4", "h264", 640, 360, 0, 75, 3.0, 25.0, (), (25, 25, 25), ".mp4", len(FILM)
)  # fmt: skip
SUMMARY = RedactionSummary(2, 75, 30, 60, 0, 0, partial=False)


class Worker:
    """Does what is sent to it when the test says so; `covers` says how segments are covered by revision."""

    def __init__(self) -> None:
        self.sent: list[RedactionStep] = []
        self.done: list[RedactionStep] = []
        self.covers: dict[int, tuple[str, ...]] = {0: ("aa", "bb", "cc")}

    def take(self, task: str, text: str, expires_s: float) -> None:
        self.sent.append(decode(RedactionStep, text))

    def reply(self, step: RedactionStep, **changes: Any) -> RedactionReply:
        said = {"frames": 25, "duration_ms": 100.0, **self._output(step), **changes}
        reply = RedactionReply(step.job.job_id, step.kind, step.attempt, step.segment, step.revision, **said)
        return decode(RedactionReply, encode(reply))

    def _output(self, step: RedactionStep) -> dict[str, Any]:
        job = step.job.job_id
        match step.kind:
            case RedactionKind.PROBE:
                return {"film": FACTS}
            case RedactionKind.STITCH:
                return {
                    "covers": self.covers[step.revision],
                    "output_key": tracks_key(job, step.revision),
                }
            case RedactionKind.RENDER:
                return {"covers": step.covers}
            case RedactionKind.FOLLOW:
                key = follow_key(job, step.edits[0].edit_id)
                return {"followed": TimeRange(0.0, 2.0), "output_key": key}
            case RedactionKind.MUX:
                key = result_key(job, step.revision, ".mp4")
                return {"summary": SUMMARY, "output_key": key, "output_sha256": "ab" * 32}
        return {}

    def step(self, **changes: Any) -> Any:
        """Do the oldest step that waits; returns what the ledger made of the reply."""
        from apps.core.objects import object_put

        step = self.sent.pop(0)
        self.done.append(step)
        if "error_code" not in changes:
            _write(step, object_put)
        return self.tell(self.reply(step, **changes))

    def tell(self, reply: RedactionReply) -> Any:
        from apps.detections.results import ResultBatch
        from apps.redactions.ledger import reply_apply

        with transaction.atomic():
            return reply_apply(reply, ResultBatch())

    def work(self) -> None:
        while self.sent:
            self.step()

    def kinds(self) -> list[str]:
        return [step.kind.value for step in self.done]


def _write(step: RedactionStep, object_put: Any) -> None:
    job = step.job.job_id
    if step.kind == RedactionKind.STITCH:
        object_put(tracks_key(job, step.revision), b'{"tracks":[]}')
    if step.kind == RedactionKind.MUX:
        object_put(result_key(job, step.revision, ".mp4"), bytes(range(256)) * 4)
        object_put(report_key(job, step.revision), b'{"frames":75}')


def beat(redis: "Redis") -> None:
    redis.hset(HEARTBEATS, "gpu", json.dumps({"at": time.time(), "pid": 1}))


@pytest.fixture
def worker(transactional_db: None, redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> Worker:
    from apps.redactions import sending
    from apps.registry.models import ModelVersion

    ModelVersion.objects.create(
        name="centerface", family="centerface", task="face", sha256="ab" * 32, classes=["face"]
    )
    beat(redis)
    found = Worker()
    monkeypatch.setattr(sending, "gpu_send", found.take)
    return found


def form(content: bytes = FILM, *, name: str = "gate.mp4", **fields: str) -> tuple[bytes, str]:
    """A multipart body and its content type, as curl sends it."""
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + b"--frontier--\r\n", "multipart/form-data; boundary=frontier"


@pytest.fixture
def redaction(worker: Worker, bob: Any) -> Any:
    """A film that bob uploaded; nothing of it is done yet."""
    return upload(bob)


def upload(user: Any, content: bytes = FILM, **fields: str) -> Any:
    import io

    from apps.redactions.options import options_checked
    from apps.redactions.services import redaction_create
    from apps.redactions.uploads import upload_received

    body, content_type = form(content, **fields)
    meta = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": content_type}
    with upload_received(meta, io.BytesIO(body)) as received:
        return redaction_create(
            acting_user=user, received=received, options=options_checked(), purpose="subject request"
        )
