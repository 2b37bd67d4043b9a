"""A worker that only replies, and what evaluations stand on: versions and a labelled set."""

from pathlib import Path
from typing import Any

from django.db import transaction

from apps.detections.results import ResultBatch
from apps.evaluations.ledger import reply_apply
from apps.registry.models import ModelVersion
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.evaluations import EvaluationKind, EvaluationReply, EvaluationStep

JPEG = b"\xff\xd8\xff\xe0picture\xff\xd9"
COMPARED = {
    "candidate_ap": 0.36,
    "base_ap": 0.34,
    "difference": 0.02,
    "low": 0.01,
    "high": 0.03,
    "shown": 1.0,
}


class Worker:
    """Does what is sent to it when the test says so."""

    def __init__(self) -> None:
        self.sent: list[EvaluationStep] = []

    def take(self, task: str, text: str, expires_s: float) -> None:
        assert task == "gpu.evaluate"
        self.sent.append(decode(EvaluationStep, text))

    def answer(self, step: EvaluationStep, **changes: Any) -> str:
        """Apply the reply as the recorder does, through JSON."""
        said: dict[str, Any] = {"output_sha256": "ee" * 32, "summary": {}, **changes}
        if step.kind is EvaluationKind.COMPARE and "error_code" not in said:
            said = {"verdict": "better", "words": {"reason": "mean"}, **said}
            said["summary"] = COMPARED | said["summary"]
        reply = EvaluationReply(step.job_id, step.kind, step.attempt, **said)
        with transaction.atomic():
            return reply_apply(decode(EvaluationReply, encode(reply)), ResultBatch()).value

    def do_all(self, **changes: Any) -> None:
        """Answer everything that is sent, and what follows from it."""
        done = 0
        while done < len(self.sent):
            self.answer(self.sent[done], **(changes if done + 1 == len(self.sent) else {}))
            done += 1


def version_add(name: str, sha256: str, **changes: Any) -> ModelVersion:
    facts = {"family": "picodet", "task": "detection", "classes": ["person"], "thresholds": {"score": 0.4}}
    return ModelVersion.objects.create(name=name, sha256=sha256 * 32, **(facts | changes))


def yolo_folder(folder: Path, pictures: int = 3) -> Path:
    """A set in YOLO's form; the pictures are only bytes here."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "classes.txt").write_text("person\ncar\n")
    for number in range(pictures):
        (folder / f"{number}.jpg").write_bytes(JPEG + bytes([number]))
        (folder / f"{number}.txt").write_text(f"{number % 2} 0.5 0.5 0.2 0.4\n")
    return folder
