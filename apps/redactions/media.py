"""The results, as they leave the house: each answer is on record before its first byte is sent."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.db import transaction
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit import services as audit
from apps.core.errors import NotFound
from apps.core.large_objects import object_response, object_size
from apps.core.pictures import REDACTION_HEADER
from apps.redactions.models import Redaction
from inference_workers.contracts.redactions import report_key, result_key, tracks_key

_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".png": "image/png"}
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants it: the header `Range`, and whether as a file to keep."""

    range: str = ""
    download: bool = False
    purpose: str = ""


def result_open(user: User, redaction: Redaction, wish: Wish) -> HttpResponseBase:
    """The redacted film or picture of the newest revision that is ready."""
    revision = _ready(redaction)
    suffix = str(redaction.film["result_suffix"])
    key = result_key(str(redaction.pk), revision, suffix)
    object_size(key)  # what is not there is no access
    _record(user, redaction, "redaction.download" if wish.download else "redaction.view", wish, revision)
    name = _name(redaction, suffix) if wish.download else ""
    response = object_response(key, _TYPES[suffix], wish.range, name)
    response[REDACTION_HEADER] = "tracks"
    return response


def tracks_open(user: User, redaction: Redaction, wish: Wish) -> HttpResponseBase:
    """Where the covers are: boxes over time, no picture."""
    if redaction.tracks_revision is None:
        raise NotFound(_("file"))
    key = tracks_key(str(redaction.pk), redaction.tracks_revision)
    return _document(user, redaction, wish, key, redaction.tracks_revision)


def report_open(user: User, redaction: Redaction, wish: Wish) -> HttpResponseBase:
    """The coverage report of the newest result."""
    revision = _ready(redaction)
    return _document(user, redaction, wish, report_key(str(redaction.pk), revision), revision)


def _document(user: User, redaction: Redaction, wish: Wish, key: str, revision: int) -> HttpResponseBase:
    object_size(key)
    kind = PurePosixPath(key).stem
    _record(user, redaction, f"redaction.{kind}", wish, revision)
    name = _name(redaction, f".{kind}.json") if wish.download else ""
    return object_response(key, JSON_TYPE, "", name)


def _ready(redaction: Redaction) -> int:
    if redaction.ready_revision is None:
        raise NotFound(_("file"))
    return redaction.ready_revision


def _name(redaction: Redaction, suffix: str) -> str:
    """A name for the visitor's disk, of plain letters only: it stands in a header."""
    stem = PurePosixPath(redaction.filename).stem
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem)
    return f"{plain.strip('-')[:60] or 'file'}-redacted{suffix}"


def _record(user: User, redaction: Redaction, action: str, wish: Wish, revision: int) -> None:
    details: dict[str, Any] = {"revision": revision}
    if wish.range:
        details["range"] = wish.range[:60]
    with transaction.atomic():
        audit.record_access(
            action=action,
            object_type="redaction",
            object_id=str(redaction.pk),
            redacted=not redaction.keeps_somebody(revision),
            details=details,
            acting_user=user,
            purpose=wish.purpose,
        )
