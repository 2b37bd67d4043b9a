"""Pictures that somebody posts to be analysed: stored, put into the ledger, and waited for a little.

This side never decodes a picture. It looks at the first bytes, counts the others and hands the object to
the data plane.
"""

import hashlib
import logging
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import IO, cast
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.models import Script
from apps.cameras.selectors import by_key
from apps.cameras.validation import choice_checked
from apps.core.errors import Conflict, DomainError, Invalid, NotFound
from apps.core.objects import object_delete, object_get, object_put
from apps.core.redis import client
from apps.detections.media import Snapshot
from apps.detections.results import ResultBatch
from apps.dispatch.models import WorkItem, WorkState
from apps.dispatch.work import reply_apply, reply_list, work_send
from inference_workers.contracts.codec import decode
from inference_workers.contracts.uploads import AnalyseImageReply

MAX_UPLOAD_BYTES = 24 * 1024 * 1024
SPOOL_BYTES = 2 * 1024 * 1024
WAIT_S = 8.0
SLICE_S = 0.5
MAX_KEY_LENGTH = 200
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that was received: its bytes in a temporary file, their hash and their form."""

    file: IO[bytes]
    sha256: str
    content_type: str


@contextmanager
def upload_received(chunks: Iterable[bytes]) -> Iterator[Upload]:
    """Take a stream in for the length of a block; refuses what is too large or no JPEG, PNG or WebP."""
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as file:
        digest = hashlib.sha256()
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > MAX_UPLOAD_BYTES:
                raise too_large()
            digest.update(chunk)
            file.write(chunk)
        file.seek(0)
        content_type = _sniff(file.read(16))
        file.seek(0)
        yield Upload(file, digest.hexdigest(), content_type)


def too_large() -> DomainError:
    return DomainError(
        "image_too_large",
        _("A picture may have at most %(most)d bytes.") % {"most": MAX_UPLOAD_BYTES},
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def _sniff(start: bytes) -> str:
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    raise DomainError(
        "image_format",
        _("Expected a JPEG, PNG or WebP picture; the first bytes are of none of them."),
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    )


def frame_submit(
    *,
    acting_user: User,
    upload: Upload,
    script: str = Script.LATIN.value,
    idempotency_key: str = "",
    wait_s: float = WAIT_S,
) -> WorkItem:
    """Put a picture into the ledger and wait a little for the answer; the item tells whether it came.

    The same key with the same picture gives the same item; with another one a Conflict.
    """
    require(acting_user, Capability.ANALYSE_FRAMES)
    choice_checked("script", script, Script.values)
    _check_key(idempotency_key)
    request_sha256 = hashlib.sha256(f"{upload.sha256}:{script}".encode()).hexdigest()
    item = _existing(acting_user, idempotency_key, request_sha256)
    if item is None:
        item = _create(acting_user, upload, script, idempotency_key, request_sha256)
    else:
        _read(acting_user, item)
    return _wait(item, wait_s)


def _check_key(key: str) -> None:
    if len(key) > MAX_KEY_LENGTH or not key.isprintable():
        raise Invalid(
            "invalid_idempotency_key",
            _("Idempotency-Key: expected at most %(most)d printable characters.") % {"most": MAX_KEY_LENGTH},
        )


def _existing(user: User, key: str, request_sha256: str) -> WorkItem | None:
    if not key:
        return None
    item = WorkItem.objects.filter(owner=user, idempotency_key=key).first()
    if item is not None and item.request_sha256 != request_sha256:
        raise Conflict(
            "idempotency_key_reused",
            _("This Idempotency-Key was used with another picture. Use a new key for a new picture."),
        )
    return item


def _create(user: User, upload: Upload, script: str, key: str, request_sha256: str) -> WorkItem:
    """The object first, then row and record in one transaction, then the message.

    An upload that loses the race for its key leaves no object behind.
    """
    work_id = uuid4()
    input_key = f"uploads/{work_id}/input"
    object_put(input_key, upload.file)
    try:
        with transaction.atomic():
            item = WorkItem.objects.create(
                pk=work_id,
                owner=user,
                idempotency_key=key or None,
                request_sha256=request_sha256,
                script=script,
                input_key=input_key,
                output_key=f"uploads/{work_id}/redacted.jpg",
            )
            _record(user, item, upload)
            transaction.on_commit(partial(work_send, item.pk), robust=True)
    except IntegrityError:
        object_delete(input_key)
        winner = _existing(user, key, request_sha256)
        if winner is None:
            raise
        return winner
    except DomainError:
        object_delete(input_key)
        raise
    return item


def _record(user: User, item: WorkItem, upload: Upload) -> None:
    audit.record_change(
        action="frame.submit",
        object_type="work_item",
        object_id=str(item.pk),
        details={"sha256": upload.sha256, "content_type": upload.content_type},
        acting_user=user,
    )


def _read(user: User, item: WorkItem) -> None:
    """What was found in the picture is read again."""
    with transaction.atomic():
        audit.record_access(
            action="work.read",
            object_type="work_item",
            object_id=str(item.pk),
            redacted=True,
            details={"state": item.state, "served": dict(item.result.get("served", {}))},
            acting_user=user,
        )


def _wait(item: WorkItem, wait_s: float) -> WorkItem:
    """Wait for the reply of the attempt that runs; whoever records it, the row tells the end.

    In slices, because the recorder or another request with the same key may be the one that hears it. The
    work is accepted by now: while Redis is away there is nothing to wait for, and nothing to refuse.
    """
    deadline = time.monotonic() + wait_s
    item.refresh_from_db()
    while item.state == WorkState.RUNNING and (rest := deadline - time.monotonic()) > 0:
        try:
            answer = client().blpop([reply_list(item.pk, item.attempts)], timeout=min(SLICE_S, rest))
        except RedisError as error:
            logger.warning("work %s: its answer cannot be waited for: %s", item.pk, type(error).__name__)
            return item
        if answer:
            with transaction.atomic():
                _key, text = cast(tuple[bytes, bytes], answer)
                reply_apply(decode(AnalyseImageReply, text), ResultBatch())
        item.refresh_from_db()
    return item


def work_get(user: User, work_id: object) -> WorkItem:
    """One's own work; that of others is not there."""
    require(user, Capability.ANALYSE_FRAMES)
    item = by_key(WorkItem.objects.filter(owner=user), work_id).first()
    if item is None:
        raise NotFound(_("work item"))
    return item


def work_read(user: User, work_id: object) -> WorkItem:
    """One's own work to be shown; that somebody reads it is on record before."""
    item = work_get(user, work_id)
    _read(user, item)
    return item


def work_picture_open(user: User, work_id: UUID, purpose: str) -> Snapshot:
    """The redacted picture of one's own work; who saw it is on record before it is returned."""
    item = work_get(user, work_id)
    if item.state != WorkState.DONE:
        raise NotFound(_("picture"))
    jpeg = object_get(item.output_key)
    redaction = str(item.result.get("redaction", ""))
    with transaction.atomic():
        audit.record_access(
            action="work.view",
            object_type="work_item",
            object_id=str(item.pk),
            redacted=True,
            details={"redaction": redaction},
            acting_user=user,
            purpose=purpose,
        )
    return Snapshot(jpeg, redaction)
