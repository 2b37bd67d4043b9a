"""A model file as it arrives: stored, counted, hashed; what is plainly no model goes at its first bytes.

Nothing here opens it. What it is worth the data plane finds out, in a process without network and secrets.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.core.errors import DomainError, Invalid
from apps.core.ids import new_id
from apps.core.large_objects import free_bytes
from apps.core.uploads import UploadRules, upload_stored
from inference_workers.contracts.model_checks import model_key
from inference_workers.contracts.model_files import recognise

_MB = 1024 * 1024
# The object, the checker's copy, and the file in the model directory.
SPACE_FACTOR = 3
SPACE_RESERVE_BYTES = 256 * _MB


@dataclass(frozen=True, slots=True)
class ReceivedModel:
    """A file that lies in the object store below the id that its version will have."""

    version_id: UUID
    key: str
    filename: str
    size_bytes: int
    sha256: str
    artifact: str
    fields: QueryDict


@contextmanager
def model_received(meta: Mapping[str, Any], stream: IO[bytes]) -> Iterator[ReceivedModel]:
    """Take a multipart form in. When the block raises, nothing of the file stays behind."""
    version_id = new_id()
    key = model_key(str(version_id))
    rules = UploadRules(key, max_bytes(), too_large, _missing, model_judge, _check_space)
    with upload_stored(meta, stream, rules) as stored:
        artifact = recognise(stored.start).artifact
        yield ReceivedModel(
            version_id, key, stored.filename, stored.size_bytes, stored.sha256, artifact, stored.fields
        )


def max_bytes() -> int:
    return int(settings.MODEL_MAX_MB) * _MB


def too_large() -> DomainError:
    return DomainError(
        "file_too_large",
        _("A model may have at most %(most)d MB; an administrator can change that.")
        % {"most": settings.MODEL_MAX_MB},
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def model_judge(start: bytes) -> None:
    """By the first bytes alone; names and extensions are never asked."""
    found = recognise(start)
    if not found.artifact:
        raise DomainError(
            "model_format",
            _("Expected an ONNX or a safetensors file; by its bytes this is %(found)s. Other formats can "
              "hold programs and are never opened: export the model to ONNX.")
            % {"found": found.looks_like},
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )  # fmt: skip


def _missing() -> DomainError:
    return Invalid("file_missing", _("Expected a model as the file “file” of a form."), field="file")


def _check_space(size: int) -> None:
    free = free_bytes()
    needed = size * SPACE_FACTOR + SPACE_RESERVE_BYTES
    if free is not None and free < needed:
        raise DomainError(
            "no_space",
            _("This file needs about %(needed)d MB while it is checked, and the object store has %(free)d MB "
              "free. An administrator can make room.") % {"needed": needed // _MB, "free": free // _MB},
            HTTPStatus.INSUFFICIENT_STORAGE,
        )  # fmt: skip
