"""A worker that really checks and installs, when the test says so; and forms as curl sends them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import Client

from apps.core.objects import objects_list
from apps.registry import checking
from apps.registry.models import ModelVersion
from apps.registry.services import models_announced
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.model_checks import (
    TASK_CHECK_MODEL,
    CheckModel,
    CheckReply,
    InstallModel,
    InstallReply,
)

BOUNDARY = "frontier"


def form(content: bytes | None, filename: str, fields: dict[str, str]) -> tuple[bytes, str]:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    if content is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def post(user: Any, content: bytes | None, filename: str = "model.onnx", **fields: str) -> Any:
    body, content_type = form(content, filename, fields)
    client = Client()
    client.force_login(user)
    return client.generic("POST", "/api/v1/models", body, content_type=content_type)


def side_text(data: bytes, **changes: object) -> str:
    from tests.engine.onnx_graphs import side_of

    return side_of(data, **changes).to_json()


class Worker:
    """What the GPU queue was given; `work` does all of it with the real desk and brings the answers home."""

    def __init__(self, folder: Path, store_url: str, keys: tuple[str, ...]) -> None:
        from inference_workers.engine.model_directory import ModelDirectory
        from inference_workers.objects import Objects
        from inference_workers.tasks.check_models import ModelDesk, one_at_a_time
        from inference_workers.tasks.counters import Counters
        from tests.engine.onnx_graphs import worker_settings

        config = dataclasses.replace(worker_settings(folder), model_keys=keys)
        self.model_dir = config.model_dir
        self.directory = ModelDirectory(config)
        self.sent: list[CheckModel | InstallModel] = []
        self.announced = 0
        self.desk = ModelDesk(
            Objects(store_url),
            self.directory,
            folder / "scratch",
            Counters(),
            lambda reply: None,
            self._announce,
            one_at_a_time(),
        )

    def _announce(self) -> None:
        self.announced += 1

    def take(self, task: str, text: str, expires_s: float) -> None:
        self.sent.append(decode(CheckModel if task == TASK_CHECK_MODEL else InstallModel, text))

    def work(self) -> list[CheckReply | InstallReply]:
        """Everything that was sent, until nothing more comes."""
        replies: list[CheckReply | InstallReply] = []
        while self.sent:
            message = self.sent.pop(0)
            if isinstance(message, CheckModel):
                check = decode(CheckReply, encode(self.desk.check(message)))
                self.apply(checking.check_apply, check)
                replies.append(check)
            else:
                install = decode(InstallReply, encode(self.desk.install(message)))
                self.apply(checking.install_apply, install)
                replies.append(install)
        models_announced(self.directory.cards())
        return replies

    @staticmethod
    def apply(apply: Callable[[Any], bool | None], reply: Any) -> bool | None:
        with transaction.atomic():
            return apply(reply)


def stored() -> list[str]:
    return [listed.key for portion in objects_list("models") for listed in portion]


def only() -> ModelVersion:
    return ModelVersion.objects.get(uploaded_by__isnull=False)


def without_walls(path: Path, job: CheckModel) -> CheckReply:
    """The same checks in this process, for tests of everything around them."""
    from inference_workers.engine.model_checks.steps import Evidence, run

    seen = Evidence(job, path)
    lines = tuple(run(seen, lambda _check: None))
    return CheckReply(job.version_id, job.attempt, lines, ("none",), opset=seen.opset)
