"""The film in a sealed original, opened for the redaction of a file; nobody is shown it before it is covered.

This side never decodes it: bytes go from the sealed object to the upload of a redaction.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from apps.core.errors import Conflict, NotFound
from apps.core.large_objects import object_size
from apps.core.objects import object_get
from apps.recordings.keys import content_key
from apps.recordings.models import Segment
from inference_workers.contracts.recording import SEAL_HEADER_BYTES, SEAL_NONCE_BYTES, seal_context

MAX_SEALED_BYTES = 128 * 2**20
_LENGTH_BYTES = 4


def original_film(segment: Segment) -> bytes:
    """The MP4 of a segment's original.

    Raises:
        NotFound: there is none, or its key is destroyed.
        Conflict: `original_altered`, the stored one is not the one that was recorded.
    """
    key = content_key(segment)
    if segment.sealed_under is None or object_size(segment.original_key) > MAX_SEALED_BYTES:
        raise NotFound(_("original"))
    blob = object_get(segment.original_key)
    if hashlib.sha256(blob).hexdigest() != segment.original_sha256:
        raise _altered()
    context = seal_context(str(segment.sealed_under.pk), str(segment.camera_id), str(segment.pk))
    nonce = blob[SEAL_HEADER_BYTES - SEAL_NONCE_BYTES : SEAL_HEADER_BYTES]
    try:
        plain = AESGCM(key).decrypt(nonce, blob[SEAL_HEADER_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise _altered() from error
    beside = int.from_bytes(plain[:_LENGTH_BYTES], "big")  # the sidecar with covers and tracks
    return plain[_LENGTH_BYTES + beside :]


def _altered() -> Conflict:
    return Conflict("original_altered", _("The stored original is not the one that was recorded."))
