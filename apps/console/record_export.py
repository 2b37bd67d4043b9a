"""Signed exports of the record: CSV, JSON and PDF, in an archive with the signature and the verifiers."""

import tempfile
from contextlib import ExitStack
from datetime import datetime
from typing import IO, Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.audit import services as audit
from apps.audit.export_files import Renderer, archive_write, render_csv, render_json
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.selectors import chain_state, checkpoint_state
from apps.console.downloads import SPOOL_BYTES, zip_response
from apps.core.clock import now
from apps.core.errors import DomainError, Invalid
from apps.core.pdf import pdf_of

MOST_ROWS = {"json": 200_000, "csv": 200_000, "pdf": 1_000}


def record_export(
    request: HttpRequest, user: User, rows: QuerySet[AuditRecord], kind: str, filters: dict[str, Any]
) -> HttpResponseBase:
    """The archive as a download. The export is on record, with its hash, before the first byte leaves."""
    render = _renderer(kind)
    name = f"record.{'jsonl' if kind == 'json' else kind}"
    if rows.order_by().values("seq")[: MOST_ROWS[kind] + 1].count() > MOST_ROWS[kind]:
        raise DomainError("export_too_large", _too_large(kind))
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.SpooledTemporaryFile(SPOOL_BYTES))
        count, sha256 = archive_write(file, name, render, rows, made_by=user.get_username(), filters=filters)
        with transaction.atomic():
            audit.record_access(
                action="record.export",
                object_type="record",
                object_id=sha256,
                details={"format": kind, "filters": filters, "records": count, "sha256": sha256},
                acting_user=user,
            )
        size = file.tell()
        file.seek(0)
        name = f"vidette-record-{now():%Y%m%d-%H%M%S}-{kind}.zip"
        response = zip_response(request, file, size, name)
        stack.pop_all()  # from here on the response closes the file
    return response


def _renderer(kind: str) -> Renderer:
    renderers: dict[str, Renderer] = {"json": render_json, "csv": render_csv, "pdf": render_pdf}
    if kind not in renderers:
        raise Invalid("export_format", _("The format is one of: csv, json, pdf."), field="format")
    return renderers[kind]


def _too_large(kind: str) -> str:
    return _(
        "An export of this kind holds at most %(most)d entries. Narrow the filters, or ask an administrator "
        "for `manage.py audit export`, which has no limit."
    ) % {"most": MOST_ROWS[kind]}


def render_pdf(file: IO[bytes], rows: QuerySet[AuditRecord], made_by: str, filters: dict[str, Any]) -> int:
    entries = list(rows.order_by("seq"))
    context = {
        "entries": entries,
        "made_by": made_by,
        "made_at": now(),
        "filters": {name: _shown(value) for name, value in filters.items()},
        "chain": chain_state(),
        "checkpoint": checkpoint_state(),
        "keys": public_keys(),
    }
    file.write(pdf_of(render_to_string("console/record_pdf.html", context)))
    return len(entries)


def _shown(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
