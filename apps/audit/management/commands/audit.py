"""`manage.py audit verify` checks the chain; `manage.py audit show` prints its last entries."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from apps.audit.models import AuditRecord
from apps.audit.selectors import chain_verify, records_search


class Command(BaseCommand):
    help = "Checks the record (verify) or prints its last entries (show)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="what", required=True)
        verify = actions.add_parser("verify", help="name the first record that is not what was written")
        verify.add_argument("--since", type=int, default=0, help="number of the first record to check")
        show = actions.add_parser("show", help="print the last records")
        show.add_argument("--last", type=int, default=20, help="how many")
        show.add_argument("--text", default="", help="only records that contain this")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "verify":
            self._verify(options["since"])
        else:
            self._show(options["last"], options["text"])

    def _verify(self, since: int) -> None:
        started = time.monotonic()
        verdict = chain_verify(since=since)
        if verdict.first_bad_seq is not None:
            found = f"record {verdict.first_bad_seq} {verdict.reason}"
            raise CommandError(f"{found} ({verdict.checked} records before it are good)", returncode=1)
        seconds = time.monotonic() - started
        self.stdout.write(
            f"The chain is good: {verdict.checked} records up to {verdict.head_seq}, {seconds:.1f} s."
        )
        if connection.vendor == "sqlite":
            self.stdout.write("On SQLite the record is tamper-evident, not tamper-proof.")

    def _show(self, last: int, text: str) -> None:
        for record in reversed(records_search(text=text)[: max(last, 0)]):
            self.stdout.write(_line(record))


def _line(record: AuditRecord) -> str:
    parts = [
        f"#{record.seq}",
        record.at.isoformat(timespec="seconds"),
        record.kind,
        record.action,
        record.actor_name,
        f"{record.object_type}:{record.object_id}" if record.object_id else "-",
        json.dumps(record.details, ensure_ascii=True),
    ]
    return " ".join(parts)
