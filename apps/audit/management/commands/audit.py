"""`manage.py audit`: check the chain, show its last entries, sign a checkpoint, show the public keys."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from apps.audit.checkpoints import checkpoints_make
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.selectors import chain_verify, checkpoint_state, records_search
from apps.audit.verdict import Verdict
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Checks the record (verify), shows it (show), signs a checkpoint, shows the public keys (keys)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="what", required=True)
        verify = actions.add_parser("verify", help="name the first record that is not what was written")
        verify.add_argument("--since", type=int, default=0, help="number of the first record to check")
        show = actions.add_parser("show", help="print the last records")
        show.add_argument("--last", type=int, default=20, help="how many")
        show.add_argument("--text", default="", help="only records that contain this")
        actions.add_parser("checkpoint", help="sign a checkpoint up to the last record now")
        actions.add_parser("keys", help="print the public keys that sign checkpoints and exports")

    def handle(self, *args: Any, **options: Any) -> None:
        what = options["what"]
        try:
            if what == "verify":
                self._verify(options["since"])
            elif what == "show":
                self._show(options["last"], options["text"])
            else:
                {"checkpoint": self._checkpoint, "keys": self._keys}[what]()
        except DomainError as error:
            raise CommandError(error.message) from error

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
        self.stdout.write(_covered(verdict))
        if connection.vendor == "sqlite":
            self.stdout.write("On SQLite the record is tamper-evident, not tamper-proof.")

    def _show(self, last: int, text: str) -> None:
        for record in reversed(records_search(text=text)[: max(last, 0)]):
            self.stdout.write(_line(record))

    def _checkpoint(self) -> None:
        made = checkpoints_make(force=True)
        state = checkpoint_state()
        if state.uncovered:
            raise CommandError(
                f"{state.uncovered} records are covered by no checkpoint; the log says why", returncode=1
            )
        self.stdout.write(f"{made} checkpoints made; number {state.number} covers record {state.last}.")

    def _keys(self) -> None:
        for key_id, public_key in public_keys().items():
            self.stdout.write(f"{key_id} {public_key}")


def _covered(verdict: Verdict) -> str:
    if verdict.covered_seq is None:
        return "No checkpoint covers it: a chain that was rewritten as a whole would not be found."
    text = f"{verdict.checkpoints} signed checkpoints agree with it, up to record {verdict.covered_seq}."
    if verdict.not_outside:
        text += f" {verdict.not_outside} of them are missing outside of the database."
    return text


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
