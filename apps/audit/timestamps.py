"""Time stamps of a foreign authority (RFC 3161) over checkpoints. Off unless VIDETTE_TSA_URL is set.

A checkpoint that gets none in time is made without one: the next ones chain to it, so their time stamps bound
its age as well.
"""

import base64
import logging
import urllib.request
from http import HTTPStatus
from pathlib import Path
from urllib.error import URLError

from cryptography.x509 import load_pem_x509_certificates
from django.conf import settings
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

TIMEOUT_S = 10
MOST_BYTES = 64 * 1024
_QUERY = "application/timestamp-query"
logger = logging.getLogger(__name__)


def time_stamp(content: bytes) -> str | None:
    """The authority's answer over the content, in base64; None when none is asked or it gives none."""
    if not settings.TSA_URL:
        return None
    builder = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.build()
    try:
        answer = _ask(request.as_bytes())
        response = decode_timestamp_response(answer)
        if settings.TSA_ROOTS:
            _verify(response, content, request.nonce)
    except (URLError, OSError, ValueError, VerificationError) as error:
        logger.warning("the time-stamping authority gave no good answer: %s", error)
        return None
    return base64.b64encode(answer).decode()


def time_stamp_holds(answer: str, content: bytes) -> bool:
    """Whether a stored time stamp is one of the content, by the roots in VIDETTE_TSA_ROOTS."""
    try:
        _verify(decode_timestamp_response(base64.b64decode(answer)), content, None)
    except (ValueError, VerificationError):
        return False
    return True


def _ask(query: bytes) -> bytes:
    if not settings.TSA_URL.startswith(("https://", "http://")):
        raise ValueError(f"VIDETTE_TSA_URL: expected http:// or https://, got {settings.TSA_URL[:20]!r}")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        settings.TSA_URL, data=query, headers={"Content-Type": _QUERY}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        if answer.status != HTTPStatus.OK:
            raise ValueError(f"expected status 200, got {answer.status}")
        return bytes(answer.read(MOST_BYTES))


def _verify(response: TimeStampResponse, content: bytes, nonce: int | None) -> None:
    builder = VerifierBuilder(nonce=nonce)
    for root in load_pem_x509_certificates(Path(settings.TSA_ROOTS).read_bytes()):
        builder = builder.add_root_certificate(root)
    builder.build().verify_message(response, content)
