"""The labels of a set as they lie in the object store: read by both planes, written once."""

import hashlib
import json

from django.utils.translation import gettext as _

from apps.core.errors import NotFound, Unavailable
from apps.core.objects import object_get
from inference_workers.contracts.codec import ContractError, decode, encode
from inference_workers.contracts.evaluations import LabelledSet, manifest_key


def manifest_bytes(labelled: LabelledSet) -> tuple[bytes, str]:
    """Canonical JSON and its hash, which names the version."""
    data = encode(labelled).encode()
    return data, hashlib.sha256(data).hexdigest()


def manifest_read(set_id: str, sha256: str) -> LabelledSet:
    """Raises NotFound, and Unavailable when the store holds something else under this name."""
    data = object_get(manifest_key(set_id, sha256))
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Unavailable(
            "set_changed",
            _("The stored labels of this version are not those that were imported. Import the set again."),
        )
    try:
        return decode(LabelledSet, data)
    except ContractError as error:
        raise Unavailable(
            "set_changed",
            _("The stored labels of this version were written by another release. Import the set again."),
        ) from error


def manifest_hashes(set_id: str, sha256: str) -> set[str]:
    """Hashes of the pictures that a version names; none when its labels are gone already."""
    try:
        data = json.loads(object_get(manifest_key(set_id, sha256)))
    except (NotFound, ValueError):
        return set()
    return {str(picture["sha256"]) for picture in data.get("pictures", ())}
