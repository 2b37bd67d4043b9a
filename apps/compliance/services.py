"""The pack for the day of an audit: a report, its data, the extract of the record; signed and on record."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.audit.chain import canonical, timestamp
from apps.audit.checkpoints import record_id
from apps.audit.export import export_lines
from apps.audit.export_files import render_csv
from apps.audit.selectors import records_search
from apps.compliance.contents import Contents, accesses_between, contents_of
from apps.compliance.files import data_files
from apps.core.clock import now
from apps.core.errors import DomainError, Invalid
from apps.core.ids import new_id
from apps.evidence.manifest import signature_of
from apps.evidence.standalone.verify_pack import FORMAT, MANIFEST, MANIFEST_KIND, RECORD, SIGNATURE
from apps.evidence.verifiers import verifier_files
from apps.evidence.writing import Measured, Source, archive_write, measure, of_bytes

MOST_ENTRIES = 200_000
LONGEST = timedelta(days=366)
REPORT, ACCESSES = "report.pdf", "data/accesses.csv"
SPOOL_BYTES = 8 * 1024 * 1024
_CHUNK = 256 * 1024
Report = Callable[[Contents], bytes]


@dataclass(frozen=True, slots=True)
class AuditPack:
    """A pack that is on record; `file` stands at its beginning and belongs to the caller."""

    file: IO[bytes]
    bytes: int
    sha256: str
    made_at: datetime


def audit_pack_make(*, acting_user: User, since: datetime, until: datetime, report: Report) -> AuditPack:
    """Makes the pack of a span; it is on record, with its hash, before anybody gets it.

    `report` lays the contents out as a PDF, in the language of the page.
    """
    require(acting_user, Capability.SEE_RECORD)
    until = min(until, now())
    _check(since, until)
    contents = contents_of(since, until)
    with tempfile.TemporaryFile() as record, tempfile.TemporaryFile() as accesses:
        filters: dict[str, Any] = {"since": since, "until": until}
        name = acting_user.get_username()
        export_lines(record, records_search(since=since, until=until), made_by=name, filters=filters)
        render_csv(accesses, accesses_between(since, until), name, filters)
        files = [of_bytes(REPORT, report(contents)), _of_file(ACCESSES, accesses)]
        files += [of_bytes(path, data) for path, data in data_files(contents)]
        files.append(_of_file(RECORD, record))
        files += [of_bytes(path, data) for path, data in verifier_files().items()]
        made = _written([measure(file) for file in files], contents, acting_user)
    with ExitStack() as unless_recorded:
        unless_recorded.enter_context(made.file)
        _record(acting_user, contents, made)
        unless_recorded.pop_all()
    return made


def _check(since: datetime, until: datetime) -> None:
    if not since < until or until - since > LONGEST:
        raise Invalid(
            "invalid_span",
            _("The span ends after its beginning, and covers %(most)d days at most.")
            % {"most": LONGEST.days},
            field="until",
        )
    if records_search(since=since, until=until).order_by()[: MOST_ENTRIES + 1].count() > MOST_ENTRIES:
        raise DomainError(
            "pack_too_large",
            _("A pack holds at most %(most)d entries of the record. Choose a shorter span.")
            % {"most": MOST_ENTRIES},
        )


def _of_file(name: str, file: IO[bytes]) -> Source:
    def parts() -> Iterator[bytes]:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk

    return Source(name, parts)


def _written(files: list[Measured], contents: Contents, user: User) -> AuditPack:
    manifest = canonical(_manifest(files, contents, user))
    head = [measure(of_bytes(MANIFEST, manifest)), measure(of_bytes(SIGNATURE, signature_of(manifest)))]
    file = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - the caller sends it and closes it
    sink: Any = file
    sha256, size = archive_write(sink, [*head, *files])
    file.seek(0)
    return AuditPack(file, size, sha256, contents.made_at)


def _manifest(files: Iterable[Measured], contents: Contents, user: User) -> dict[str, Any]:
    """As that of an evidence pack, so that the same verifiers check it. It shows no camera's pictures."""
    return {
        "kind": MANIFEST_KIND,
        "format": FORMAT,
        "pack": str(new_id()),
        "record": record_id(),
        "made_at": timestamp(contents.made_at),
        "asked_by": {"id": str(user.pk), "name": user.get_username()},
        "purpose": "audit",
        "case": "",
        "reason": "audit day",
        "camera": {"id": "", "name": "all cameras", "site": "all sites"},
        "from": timestamp(contents.since),
        "until": timestamp(contents.until),
        "redacted": True,
        "clock": {"offset_s": None, "compared_at": None},
        "models": {},
        "files": [
            {"name": file.source.name, "bytes": file.entry.size, "sha256": file.sha256, "kind": "data"}
            for file in files
        ],
    }


def _record(user: User, contents: Contents, made: AuditPack) -> None:
    with transaction.atomic():
        audit.record_access(
            action="audit_pack.export",
            object_type="record",
            object_id=made.sha256,
            details={
                "since": contents.since,
                "until": contents.until,
                "bytes": made.bytes,
                "sha256": made.sha256,
                "rows": {name: len(rows) for name, rows in contents.tables.items()},
                "intact": contents.verdict.ok,
            },
            acting_user=user,
        )
