"""What a pack says of itself, and the signature over it."""

import hashlib
from collections.abc import Iterable
from typing import Any

from apps.audit.chain import canonical, timestamp
from apps.audit.checkpoints import record_id, signed
from apps.audit.keys import public_keys
from apps.core.clock import now
from apps.evidence import contents
from apps.evidence.models import EvidencePack
from apps.evidence.standalone.verify_pack import FORMAT, MANIFEST_KIND, RECORD, SIGNATURE_KIND
from apps.evidence.writing import Measured


def manifest_of(pack: EvidencePack, gathered: contents.Gathered, files: Iterable[Measured]) -> dict[str, Any]:
    """The files in their order with their hashes, and how what is in them came about."""
    camera = pack.camera
    return {
        "kind": MANIFEST_KIND,
        "format": FORMAT,
        "pack": str(pack.pk),
        "record": record_id(),
        "made_at": timestamp(now()),
        "asked_at": timestamp(pack.created_at),
        "asked_by": {"id": pack.requested_by_id, "name": pack.requested_by_name},
        "purpose": pack.purpose,
        "case": pack.case,
        "reason": pack.reason,
        "camera": {
            "id": str(camera.pk),
            "name": camera.name,
            "site": camera.site.name,
            "time_zone": camera.zone_name,
        },
        "from": timestamp(pack.since),
        "until": timestamp(pack.until),
        "event": str(pack.event_id) if pack.event_id else None,
        "chosen": bool(pack.items),
        "redacted": True,
        "clock": contents.clock_told(pack),
        "models": contents.models_told(gathered.segments),
        "leases": contents.leases_told(pack),
        "events": contents.events_told(gathered.events),
        "files": [_file_told(file, gathered) for file in files],
    }


def _file_told(file: Measured, gathered: contents.Gathered) -> dict[str, Any]:
    kind = "record" if file.source.name == RECORD else "verifier"
    return {
        "name": file.source.name,
        "bytes": file.entry.size,
        "sha256": file.sha256,
        **gathered.told.get(file.source.name, {"kind": kind}),
    }


def signature_of(manifest: bytes) -> bytes:
    """The signed statement that names the manifest by its hash, as the file of a pack."""
    statement = {
        "kind": SIGNATURE_KIND,
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "at": timestamp(now()),
        "key_id": next(iter(public_keys())),
    }
    return canonical(signed(statement))
