"""`manage.py datasets`: labelled sets for the comparison of models (docs/model-quality.md)."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.context import audit_context, system_context
from apps.core.errors import DomainError
from apps.evaluations.formats import Where, must_pass_hashes, read_set
from apps.evaluations.models import SetVersion
from apps.evaluations.sets import USUAL_DAYS, set_add


class Command(BaseCommand):
    help = "Imports and lists labelled sets of pictures."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("list", help="every version of every set, and whether it may be used")
        add = commands.add_parser(
            "add", help="import a COCO file with its pictures, or a folder in YOLO's form"
        )
        add.add_argument("name")
        add.add_argument("path", type=Path, help="the folder with the pictures")
        add.add_argument(
            "--annotations", type=Path, help="the COCO file, where it does not lie in the folder"
        )
        add.add_argument("--camera", default="", help="the camera that the pictures are from, as a slice")
        add.add_argument(
            "--time-in-name", default="", help="how names tell the time, as cam7_%%Y%%m%%d-%%H%%M%%S; UTC"
        )
        add.add_argument("--must-pass", type=Path, help="a text file: one picture's name per line")
        add.add_argument("--keep-days", type=int, default=USUAL_DAYS, help="the pictures are deleted then")

    def handle(self, *args: Any, **options: Any) -> None:
        with audit_context(system_context("manage.py datasets")):
            getattr(self, f"_{options['command']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        for version in SetVersion.objects.select_related("labelled_set"):
            self.stdout.write(
                f"{version}: {version.pictures} pictures, {version.objects_labelled} objects, "
                f"{version.state}, kept until {version.keep_until:%Y-%m-%d}, labels {version.sha256[:12]}"
            )
            for problem in version.problems[:5]:
                self.stdout.write(f"  {problem}")

    def _add(self, options: dict[str, Any]) -> None:
        try:
            where = Where(options["path"], options["annotations"], options["camera"], options["time_in_name"])
            read = read_set(where)
            version = set_add(
                read=read,
                name=options["name"],
                keep_days=options["keep_days"],
                must_pass=must_pass_hashes(read, _names(options["must_pass"])),
            )
        except (DomainError, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{version}: {version.pictures} pictures, {version.objects_labelled} objects; "
            "a GPU worker opens every picture now, then the set can be used"
        )
        if blind := version.pictures - version.placed:
            self.stdout.write(
                f"{blind} of {version.pictures} pictures name neither their source nor a camera of this "
                "house and the time: no erasure can find a person in them, and every preview will say so"
            )


def _names(path: Path | None) -> list[str]:
    if path is None:
        return []
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
