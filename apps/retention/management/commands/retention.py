"""`manage.py retention`: what would be deleted now; `--delete` does it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.context import audit_context, system_context
from apps.retention.selectors import dry_run, objects_waiting
from apps.retention.services import retention_sweep


class Command(BaseCommand):
    help = "Counts what every store holds and what is over its time; with --delete it goes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete", action="store_true", help="delete what is due, with certificates")
        parser.add_argument("--orphans", action="store_true", help="also objects that no row names")

    def handle(self, *args: Any, **options: Any) -> None:
        with audit_context(system_context("manage.py retention")):
            if options["delete"]:
                self._delete(orphans=options["orphans"])
            else:
                self._count()

    def _count(self) -> None:
        self.stdout.write(f"{'store':<24}{'rows':>10}{'due':>10}{'held':>10}  oldest")
        for row in dry_run():
            census = row.census
            oldest = census.oldest_at.isoformat(timespec="seconds") if census.oldest_at else "-"
            self.stdout.write(f"{row.name:<24}{census.total:>10}{census.due:>10}{census.held:>10}  {oldest}")
        self.stdout.write(f"objects that wait to be deleted: {objects_waiting()}")

    def _delete(self, *, orphans: bool) -> None:
        done = retention_sweep(orphans=orphans)
        counts = done.counts if done is not None else {}
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count} deleted")
        self.stdout.write(f"files deleted: {done.objects_gone if done is not None else 0}")
