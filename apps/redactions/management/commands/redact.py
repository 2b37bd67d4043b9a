"""`manage.py redact IN OUT`: one file at the terminal, by the data plane's own command in a child process.

Nothing of it goes into the ledger or the object store: the person who runs it has both files anyway.
"""

import os
import signal
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.supervision.plan import data_plane_variables

PATIENCE_S = 15.0
_OF_THE_TERMINAL = ("TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES")


class Command(BaseCommand):
    help = "Covers people in a picture or film: manage.py redact IN OUT [--cover face] [--style mosaic] …"

    def run_from_argv(self, argv: list[str]) -> None:
        """The words go on as they are: the data plane's command knows them and says what is wrong."""
        sys.exit(_run(argv[2:]))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        """For `call_command("redact", IN, OUT, …)`."""
        if code := _run([str(word) for word in options["words"]]):
            raise CommandError("the file was not redacted", returncode=code)


def _run(words: list[str]) -> int:
    """The child's exit code. Ctrl-C reaches the child as well; it is given time to end by itself."""
    with subprocess.Popen(
        [sys.executable, "-m", "inference_workers.redact", *words],
        env=_environment(),
    ) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            return _ended(child)


def _ended(child: "subprocess.Popen[bytes]") -> int:
    """A second Ctrl-C, or one that only we received, must not leave it running."""
    child.send_signal(signal.SIGINT)
    try:
        return child.wait(PATIENCE_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        child.kill()
        return 130


def _environment() -> dict[str, str]:
    """What the data plane needs to find its models; none of the control plane's secrets."""
    terminal = {name: os.environ[name] for name in _OF_THE_TERMINAL if name in os.environ}
    return (
        data_plane_variables(os.environ)
        | terminal
        | {
            "VIDETTE_DATA_DIR": str(settings.DATA_DIR),
            "VIDETTE_MODEL_DIR": str(settings.MODEL_DIR),
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(settings.BASE_DIR), os.environ.get("PYTHONPATH")))
            ),
        }
    )
