"""`manage.py recorder`: results from the data plane into the database."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.context import audit_context, system_context
from apps.core.redis import client
from apps.dispatch.recorder import Recorder


class Command(BaseCommand):
    help = "Records what the data plane reports, until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--drain", action="store_true", help="record what is there now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        recorder = Recorder(client())
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: recorder.stop.set())
        with audit_context(system_context("recorder")):
            recorder.drain() if options["drain"] else recorder.run()
