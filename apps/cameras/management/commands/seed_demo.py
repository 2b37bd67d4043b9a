"""`manage.py seed_demo`: the demonstration's people, sites and cameras. Safe to run again at every start."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.cameras.demo.footage import Wanted, clip_cameras, drawn_cameras
from apps.cameras.demo.own_camera import own_camera_add
from apps.cameras.demo.people import people_seed
from apps.cameras.demo.seeding import demo_show
from apps.core.context import audit_context, system_context
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Create the demo accounts, sites and cameras that are missing, and your own camera."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", type=Path, help="a folder of real clips instead of the drawn ones")
        parser.add_argument(
            "--source", help="your own camera: rtsp://…, http://…, a video file or /dev/video0"
        )

    def handle(self, *args: Any, demo: Path | str | None, source: str | None, **options: Any) -> None:
        try:
            with audit_context(system_context("seed_demo")):
                self._seed(Path(demo).resolve() if demo else None, source)
        except DomainError as error:
            raise CommandError(error.message) from error

    def _seed(self, demo: Path | None, source: str | None) -> None:
        accounts_path: Path = settings.DATA_DIR / "demo_accounts.json"
        footage, wanted = _footage(demo)
        people = people_seed(accounts_path)
        if demo_show(footage=footage, wanted=wanted, people=people):
            self.stdout.write(f"{len(wanted)} demo cameras are in place.")
        if source:
            camera = own_camera_add(typed=source, people=people)
            self.stdout.write(f"Your camera “{camera.name}” is in place.")
        self.stdout.write(f"Demo accounts: {accounts_path}")


def _footage(demo: Path | None) -> tuple[str, list[Wanted]]:
    if demo is not None:
        return str(demo), clip_cameras(demo)
    return "drawn", drawn_cameras((settings.DATA_DIR / "demo").resolve())
