"""The parts of an opened grant: prepared by a worker, shown to one person, each answer on record."""

import base64
import json
import logging
from datetime import timedelta
from functools import partial
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core import crypto
from apps.core.broker import gpu_send
from apps.core.clock import now
from apps.core.errors import DomainError, NotFound
from apps.core.large_objects import bytes_response
from apps.core.objects import object_delete, object_get
from apps.core.pictures import REDACTION_HEADER
from apps.detections.results import Outcome, ResultBatch
from apps.recordings.keys import content_key
from apps.recordings.models import Segment
from apps.unmasking.models import PartState, RevealPart, UnmaskGrant, UnmaskRequest
from apps.unmasking.selectors import is_live
from inference_workers.contracts.codec import ContractError, encode
from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.contracts.reveals import TASK_REVEAL, RevealReply, RevealSegment

MAX_ATTEMPTS = 3
LEASE = timedelta(seconds=20)
NONCE_BYTES = 12
NOBODY = -1
logger = logging.getLogger(__name__)


def part_send(part_id: UUID) -> bool:
    """Have one part prepared; False when somebody else did it, the grant is over, or the broker is away."""
    part = RevealPart.objects.select_related("grant__request__requested_by").filter(pk=part_id).first()
    if part is None or part.state != PartState.WAITING or not is_live(part.grant):
        return False
    taken = RevealPart.objects.filter(pk=part_id, state=PartState.WAITING, attempt=part.attempt).update(
        attempt=part.attempt + 1, sent_at=now()
    )
    if not taken:
        return False
    part.refresh_from_db()
    try:
        gpu_send(TASK_REVEAL, encode(_message(part)), expires_s=LEASE.total_seconds())
    except DomainError as error:
        logger.warning("unmasking: part %s cannot be opened: %s", part_id, error.message)
        RevealPart.objects.filter(pk=part_id).update(state=PartState.FAILED, error_code=error.code)
        return False
    except (BrokerAway, RedisError, OSError) as error:
        logger.warning("unmasking: the broker does not answer: %s", type(error).__name__)
        return False
    return True


def _message(part: RevealPart) -> RevealSegment:
    grant = part.grant
    request = grant.request
    segment = Segment.objects.select_related("sealed_under").filter(pk=part.segment_id).first()
    if segment is None or segment.sealed_under is None:
        raise NotFound(_("original"))
    keys = {"content": content_key(segment), "output": _grant_key(grant)}
    text = json.dumps({name: base64.b64encode(key).decode() for name, key in keys.items()})
    return RevealSegment(
        part_id=str(part.pk),
        attempt=part.attempt,
        segment_id=str(segment.pk),
        camera_id=str(segment.camera_id),
        key_id=str(segment.sealed_under.pk),
        input_key=segment.original_key,
        input_sha256=segment.original_sha256,
        output_key=part.object_key,
        sealed_keys=crypto.seal_for_lease(text),
        since=request.since.timestamp(),
        until=request.until.timestamp(),
        watermark=_watermark(grant),
        redaction=RedactionPolicy(),
        deadline_at=(grant.expires_at or now()).timestamp(),
        track_id=_track(request, segment),
    )


def _track(request: UnmaskRequest, segment: Segment) -> int | None:
    """The granted track in this segment; in another run of the camera nobody has it, and all stay covered."""
    if request.track_id is None or request.epoch == segment.epoch:
        return request.track_id
    return NOBODY


def _watermark(grant: UnmaskGrant) -> str:
    user = grant.request.requested_by
    opened_at = grant.opened_at or now()
    return f"{user.get_username()[:24]} {str(user.pk)[:8]} {opened_at:%Y-%m-%d %H:%M}Z {str(grant.pk)[:8]}"


def _grant_key(grant: UnmaskGrant) -> bytes:
    if not grant.sealed_key:
        raise NotFound(_("grant"))
    return bytes.fromhex(crypto.unseal(bytes(grant.sealed_key)))


def reveal_apply(message: RevealReply, batch: ResultBatch) -> Outcome:
    """Note that a part is ready, or why it is not."""
    try:
        key = UUID(message.part_id)
    except ValueError as error:
        raise ContractError(f"part_id: expected a UUID, got {message.part_id!r:.60}") from error
    part = RevealPart.objects.select_for_update().filter(pk=key).first()
    if part is None:
        return Outcome.UNKNOWN
    if not UnmaskGrant.objects.filter(pk=part.grant_id, locked_at=None).exists():
        # Locked while the worker wrote: its key is gone already, the file follows.
        transaction.on_commit(partial(object_delete, part.object_key), robust=True)
        return Outcome.REPEATED
    if part.state != PartState.WAITING or message.attempt != part.attempt:
        return Outcome.REPEATED
    part.state = PartState.FAILED if message.error_code else PartState.READY
    part.error_code = (message.error_code or "")[:60]
    part.frames = min(max(message.frames, 0), 2**31 - 1)
    part.save(update_fields=["state", "error_code", "frames"])
    return Outcome.APPLIED


def parts_sweep() -> int:
    """Send again what no worker answered for; give up after three times."""
    due = RevealPart.objects.filter(
        state=PartState.WAITING, grant__locked_at=None, grant__expires_at__gt=now()
    ).exclude(sent_at__gt=now() - LEASE)
    sent = 0
    for part in due[:100]:
        if part.attempt < MAX_ATTEMPTS:
            sent += part_send(part.pk)
        else:
            RevealPart.objects.filter(pk=part.pk, state=PartState.WAITING, attempt=part.attempt).update(
                state=PartState.FAILED, error_code="worker_timeout"
            )
    return sent


def part_response(user: User, grant: UnmaskGrant, number: int, wanted: str = "") -> HttpResponse:
    """The watermarked video of one part. `grant` comes from `grant_live`; each answer has its access row."""
    part = grant.parts.filter(number=number, state=PartState.READY).first()
    if part is None:
        raise NotFound(_("part"))
    sealed = object_get(part.object_key)
    try:
        video = AESGCM(_grant_key(grant)).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], str(part.pk).encode()
        )
    except (InvalidTag, ValueError) as error:
        raise NotFound(_("part")) from error
    response = bytes_response(video, "video/mp4", wanted)
    with transaction.atomic():
        audit.record_access(
            action="unmask.view",
            object_type="unmask_request",
            object_id=str(grant.request_id),
            camera_id=grant.request.camera_id,
            redacted=False,
            details={
                "part": part.number,
                "segment": str(part.segment_id),
                "frames": part.frames,
                "track": grant.request.track_id,
                "case": grant.request.case,
            },
            acting_user=user,
            purpose=grant.request.purpose,
        )
    response[REDACTION_HEADER] = "unmasked"
    return response
