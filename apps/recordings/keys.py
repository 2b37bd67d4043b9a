"""Keys of sealed originals: one pair per camera and day, its private half under the master key.

The master key (`VIDETTE_MASTER_KEY`) stands outside of the database. A key is destroyed by emptying its
private half: what was sealed under it stays shut for good, copies of the files included. A backup of the
database holds the sealed private halves for as long as the backup lives (docs/unmasking.md).
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from apps.audit import services as audit
from apps.core.clock import now
from apps.core.errors import DomainError, NotFound
from apps.core.objects import object_head_bytes
from apps.recordings.models import OriginalKey, Segment
from inference_workers.contracts.recording import (
    SEAL_HEADER_BYTES,
    SEAL_INFO,
    SEAL_MAGIC,
    SEAL_PUBLIC_BYTES,
    SealKey,
    seal_context,
)


def seal_keys(camera_ids: Iterable[UUID], day: date | None = None) -> dict[UUID, SealKey]:
    """The public key of each camera for a day (today in UTC), made where there is none yet."""
    day = day or now().date()
    wanted = list(camera_ids)
    living = OriginalKey.objects.filter(camera_id__in=wanted, day=day, destroyed_at=None)
    found = {row.camera_id: row for row in living}
    for camera_id in wanted:
        if camera_id not in found:
            found[camera_id] = _create(camera_id, day)
    return {
        key: SealKey(str(row.pk), base64.b64encode(bytes(row.public_key)).decode())
        for key, row in found.items()
    }


def _create(camera_id: UUID, day: date) -> OriginalKey:
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    try:
        with transaction.atomic():
            return OriginalKey.objects.create(
                camera_id=camera_id,
                day=day,
                public_key=public,
                sealed_private=_master().encrypt(private.private_bytes_raw()),
                fingerprint=hashlib.sha256(public).hexdigest(),
                created_at=now(),
            )
    except IntegrityError:  # another process was faster
        return OriginalKey.objects.get(camera_id=camera_id, day=day, destroyed_at=None)


def content_key(segment: Segment) -> bytes:
    """The key of one sealed original and of no other, from the private half of its day.

    Raises NotFound when there is no original or its key is destroyed, DomainError when the master key is
    another one.
    """
    key = segment.sealed_under
    if not segment.original_key or key is None or not key.sealed_private:
        raise NotFound(_("original"))
    header = object_head_bytes(segment.original_key, SEAL_HEADER_BYTES)
    public = header[len(SEAL_MAGIC) : len(SEAL_MAGIC) + SEAL_PUBLIC_BYTES]
    if not header.startswith(SEAL_MAGIC) or len(public) != SEAL_PUBLIC_BYTES:
        raise NotFound(_("original"))
    private = X25519PrivateKey.from_private_bytes(_opened(key))
    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    context = seal_context(str(key.pk), str(segment.camera_id), str(segment.pk))
    return HKDF(SHA256(), 32, public + bytes(key.public_key), SEAL_INFO + context).derive(shared)


def key_destroy(key: OriginalKey, reason: str) -> None:
    """Empty the private half and record it; call inside the transaction of what asked for it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete=ON")  # zeros over the old value, not only a free page
    changed = OriginalKey.objects.filter(pk=key.pk, destroyed_at=None).update(
        sealed_private=b"", destroyed_at=now()
    )
    if changed:
        audit.record_system(
            action="originals.key_destroyed",
            object_type="original_key",
            object_id=str(key.pk),
            details={
                "fingerprint": key.fingerprint,
                "camera": str(key.camera_id),
                "day": key.day.isoformat(),
                "reason": reason,
            },
        )


def _opened(key: OriginalKey) -> bytes:
    try:
        return _master().decrypt(bytes(key.sealed_private))
    except InvalidToken as error:
        raise DomainError(
            "unsealable",
            _(
                "The key of this day cannot be opened with the present VIDETTE_MASTER_KEY. "
                "An administrator can put the former key back."
            ),
            500,
        ) from error


def _master() -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in settings.MASTER_KEY.split(",")])
