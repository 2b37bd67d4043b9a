"""Makes packs: one at a time, so that the worker's other thread stays free for leases."""

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.audit import services as audit
from apps.audit.chain import canonical
from apps.audit.export import export_lines
from apps.audit.keys import public_keys
from apps.core.clock import now
from apps.core.context import audit_context, system_context
from apps.core.errors import Conflict, DomainError, Unavailable
from apps.core.large_objects import ObjectWriter
from apps.core.objects import object_delete
from apps.evidence.contents import Gathered, gather, record_rows
from apps.evidence.manifest import manifest_of, signature_of
from apps.evidence.models import EvidencePack, PackState
from apps.evidence.selectors import check_exports
from apps.evidence.standalone.verify_pack import MANIFEST, RECORD, SIGNATURE
from apps.evidence.verifiers import verifier_files
from apps.evidence.writing import MOST_BYTES, Measured, Source, archive_write, measure, of_bytes

LEASE = timedelta(minutes=10)
AGAIN_AFTER = timedelta(seconds=30)
MAX_ATTEMPTS = 3
_CHUNK = 256 * 1024
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Made:
    """The archive in the store, and what the row says of it."""

    key: str
    sha256: str
    bytes: int
    facts: dict[str, Any]


def packs_sweep() -> int:
    """Make the packs that wait; returns how many are ready. None is begun while another is being made."""
    made = 0
    while not EvidencePack.objects.filter(state=PackState.RUNNING, leased_until__gt=now()).exists():
        pack_id = _due().order_by("created_at").values_list("pk", flat=True).first()
        if pack_id is None:
            break
        made += pack_build(pack_id)
    return made


def pack_build(pack_id: UUID) -> bool:
    """Make one pack, unless somebody else does; a store or a record that is away is tried again."""
    pack = _taken(pack_id)
    if pack is None:
        return False
    with audit_context(system_context("control")):
        try:
            return _done(pack, _build(pack))
        except Unavailable as error:
            logger.warning("evidence pack %s waits: %s", pack.pk, error.message)
            _fail(pack, error, final=pack.attempts >= MAX_ATTEMPTS)
        except DomainError as error:
            _fail(pack, error, final=True)
    return False


def _due() -> QuerySet[EvidencePack]:
    waits = Q(state=PackState.QUEUED) & (Q(leased_until=None) | Q(leased_until__lte=now()))
    return EvidencePack.objects.filter(waits | Q(state=PackState.RUNNING, leased_until__lte=now()))


def _taken(pack_id: UUID) -> EvidencePack | None:
    changed = (
        _due()
        .filter(pk=pack_id)
        .update(state=PackState.RUNNING, leased_until=now() + LEASE, attempts=F("attempts") + 1)
    )
    return EvidencePack.objects.select_related("camera__site").get(pk=pack_id) if changed else None


def _mine(pack: EvidencePack) -> QuerySet[EvidencePack]:
    """The row, while no other worker took the pack over."""
    return EvidencePack.objects.filter(pk=pack.pk, state=PackState.RUNNING, attempts=pack.attempts)


def _build(pack: EvidencePack) -> _Made:
    if pack.attempts > MAX_ATTEMPTS:
        raise Conflict("pack_given_up", "It was begun several times and never finished.")
    check_exports(pack.camera)
    gathered = gather(pack)
    if not gathered.sources:
        raise Conflict("nothing_recorded", "Nothing that was recorded in this time is left.")
    with tempfile.TemporaryFile() as extract:
        records = _extract(pack, gathered, extract)
        sources = [*gathered.sources, Source(RECORD, lambda: _read(extract)), *_verifiers()]
        files = _measured(sources)
        manifest = canonical(manifest_of(pack, gathered, files))
        head = [of_bytes(MANIFEST, manifest), of_bytes(SIGNATURE, signature_of(manifest))]
        # An attempt that was given up for dead may still write: each has a file of its own.
        key = f"packs/{pack.camera_id}/{pack.pk}-{pack.attempts}.zip"
        writer = ObjectWriter(key)
        sha256, size = archive_write(writer, [*map(measure, head), *files])
        writer.close()
    facts = {
        "segments": len(gathered.segments),
        "events": len(gathered.events),
        "redactions": len(gathered.redactions),
        "records": records,
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "key_id": next(iter(public_keys())),
    }
    return _Made(key, sha256, size, facts)


def _extract(pack: EvidencePack, gathered: Gathered, file: IO[bytes]) -> int:
    rows = record_rows(pack, gathered)
    return export_lines(file, rows, made_by="evidence", filters={"pack": str(pack.pk)})


def _read(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _verifiers() -> list[Source]:
    return [of_bytes(name, data) for name, data in verifier_files().items()]


def _measured(sources: list[Source]) -> list[Measured]:
    """Every file is read once before the first byte is written; what is too much is not read to its end."""
    files, total = [], 0
    for source in sources:
        files.append(measure(source))
        total += files[-1].entry.size
        if total > MOST_BYTES:
            raise Conflict("pack_too_large", f"A pack holds at most {MOST_BYTES} bytes. Choose less time.")
    return files


def _done(pack: EvidencePack, made: _Made) -> bool:
    with transaction.atomic():
        changed = _mine(pack).update(
            state=PackState.DONE,
            finished_at=now(),
            leased_until=None,
            object_key=made.key,
            bytes=made.bytes,
            sha256=made.sha256,
            facts=made.facts,
            error_code="",
            error="",
        )
        if changed:
            _record(pack, "evidence.made", {**made.facts, "sha256": made.sha256, "bytes": made.bytes})
    if not changed:
        object_delete(made.key)
    return bool(changed)


def _fail(pack: EvidencePack, error: DomainError, *, final: bool) -> None:
    with transaction.atomic():
        changed = _mine(pack).update(
            state=PackState.FAILED if final else PackState.QUEUED,
            finished_at=now() if final else None,
            leased_until=None if final else now() + AGAIN_AFTER,
            error_code=error.code[:60],
            error=error.message[:500],
        )
        if changed and final:
            _record(pack, "evidence.failed", {"code": error.code})


def _record(pack: EvidencePack, action: str, details: dict[str, Any]) -> None:
    audit.record_system(
        action=action,
        object_type="evidence_pack",
        object_id=str(pack.pk),
        details={"camera": str(pack.camera_id), **details},
    )
