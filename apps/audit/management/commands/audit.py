"""`manage.py audit`: check the chain, show its last entries, sign a checkpoint, show the public keys."""

import getpass
import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils.dateparse import parse_datetime

from apps.audit.checkpoints import checkpoints_make
from apps.audit.export_files import archive_write, render_csv, render_json
from apps.audit.keys import public_keys
from apps.audit.models import AuditRecord
from apps.audit.selectors import chain_verify, checkpoint_state, records_search
from apps.audit.services import record_system
from apps.audit.verdict import Verdict
from apps.core.context import audit_context, system_context
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
        export = actions.add_parser("export", help="write a signed archive of the record, or of a part")
        export.add_argument("file", type=Path, help="a new file, for example record.zip")
        export.add_argument("--format", choices=("json", "csv"), default="json")
        export.add_argument("--camera", type=UUID, help="only records of this camera, by its id")
        for name in ("actor", "action"):
            export.add_argument(f"--{name}", default="", help=f"only records of this {name}")
        export.add_argument("--since", type=_moment, help="from this time on: 2026-05-03T12:00+02:00")
        export.add_argument("--until", type=_moment, help="before this time")
        actions.add_parser("keys", help="print the public keys that sign checkpoints and exports")

    def handle(self, *args: Any, **options: Any) -> None:
        what = options["what"]
        try:
            if what == "verify":
                self._verify(options["since"])
            elif what == "show":
                self._show(options["last"], options["text"])
            elif what == "export":
                self._export(options)
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
        if verdict.bad_time_stamps:
            raise CommandError(_bad_time_stamps(verdict.bad_time_stamps), returncode=1)

    def _show(self, last: int, text: str) -> None:
        for record in reversed(records_search(text=text)[: max(last, 0)]):
            self.stdout.write(_line(record))

    def _export(self, options: dict[str, Any]) -> None:
        filters = {
            "camera_id": options["camera"], "actor": options["actor"], "action": options["action"],
            "since": options["since"], "until": options["until"],
        }  # fmt: skip
        filters = {name: value for name, value in filters.items() if value}
        kind = options["format"]
        name, render = ("record.csv", render_csv) if kind == "csv" else ("record.jsonl", render_json)
        made_by = f"{getpass.getuser()} at the terminal"
        try:
            file = options["file"].open("xb")
        except OSError as error:
            raise CommandError(f"expected a new file that can be written: {error}") from error
        with ExitStack() as unless_recorded:
            unless_recorded.callback(options["file"].unlink)
            with file:
                count, sha256 = archive_write(
                    file, name, render, records_search(**filters), made_by=made_by, filters=filters
                )
            details = {"format": kind, "filters": filters, "records": count, "sha256": sha256}
            with audit_context(system_context(made_by)), transaction.atomic():
                record_system(action="record.export", object_type="record", object_id=sha256, details=details)
            unless_recorded.pop_all()
        self.stdout.write(f"{count} records, SHA-256 {sha256}, in {options['file']}.")

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


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None or found.tzinfo is None:
        raise ArgumentTypeError(f"expected a time with its zone, as 2026-05-03T12:00+02:00, got {text!r}")
    return found


def _covered(verdict: Verdict) -> str:
    if verdict.covered_seq is None:
        return "No checkpoint covers it: a chain that was rewritten as a whole would not be found."
    text = f"{verdict.checkpoints} signed checkpoints agree with it, up to record {verdict.covered_seq}."
    if verdict.not_outside:
        text += f" {verdict.not_outside} of them are missing outside of the database."
    if verdict.time_stamps:
        text += f" {verdict.time_stamps} time stamps of a foreign authority hold."
    return text


def _bad_time_stamps(numbers: tuple[int, ...]) -> str:
    named = ", ".join(map(str, numbers[:10])) + (" and others" if numbers[10:] else "")
    return (
        f"The chain is good, but {len(numbers)} time stamps do not fit their checkpoints ({named}): "
        "somebody put others in their place, or VIDETTE_TSA_ROOTS does not name the authority that gave them"
    )


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
