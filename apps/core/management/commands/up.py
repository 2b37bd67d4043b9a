"""`manage.py up`: everything on one machine, from an empty folder to pictures in the browser."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from apps.core.crypto import signing_public_keys
from apps.core.supervision import prepare
from apps.core.supervision.child import Child
from apps.core.supervision.embedded_redis import FolderNotPrivate, redis_process
from apps.core.supervision.errands import Errands
from apps.core.supervision.greeting import greeting
from apps.core.supervision.lock import AlreadyRunning, PortTaken, check_port, take_lock
from apps.core.supervision.plan import Installation, processes
from apps.core.supervision.status import StatusBoard
from apps.core.supervision.supervisor import Supervisor


class Command(BaseCommand):
    help = "Prepare this machine's installation, start its processes, watch them, stop them on Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="where the pages listen")
        parser.add_argument("--demo", type=Path, help="a folder of real clips instead of the drawn ones")
        parser.add_argument("--source", help="your own camera: rtsp://…, a video file or /dev/video0")

    def handle(self, *args: Any, **options: Any) -> None:
        wishes = _wishes(options["demo"], options["source"])
        try:
            Start(wishes, options["port"]).run()
        except (prepare.PreparationFailed, AlreadyRunning, PortTaken, FolderNotPrivate) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write(_("Stopped before everything had started."))


def _wishes(demo: Path | None, source: str | None) -> prepare.Wishes:
    if demo is not None and not demo.is_dir():
        raise CommandError(_("DEMO: expected a folder of video files, got %(path)s") % {"path": demo})
    return prepare.Wishes(demo.resolve() if demo else None, source or None)


class Start:
    """One start, from the lock to the last process."""

    def __init__(self, wishes: prepare.Wishes, port: int) -> None:
        self._wishes = wishes
        self._variables = dict(os.environ)
        self._board = StatusBoard(sys.stdout, in_place=sys.stdout.isatty())
        self._data_dir: Path = settings.DATA_DIR
        prepare.make_folders(self._data_dir)
        self._lock = take_lock(self._data_dir / "run" / "up.lock")
        check_port(settings.BIND, port)
        self._installation = Installation(
            root=settings.BASE_DIR,
            data_dir=self._data_dir,
            port=port,
            redis_url=settings.REDIS_URL,
            broker_url=settings.CELERY_BROKER_URL,
            object_store_url=settings.OBJECT_STORE_URL,
            lease_key=settings.LEASE_KEY,
            model_dir=settings.MODEL_DIR,
            media_roots=prepare.media_roots(self._data_dir, wishes),
            model_keys=signing_public_keys(),
        )
        self._redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)

    def run(self) -> None:
        prepare.check_data_plane(self._variables, self._installation)
        children = self._embedded_redis()
        supervisor = Supervisor(
            children,
            board=self._board,
            redis_client=self._redis,
            host="127.0.0.1" if settings.BIND in ("0.0.0.0", "") else settings.BIND,  # noqa: S104
            port=self._installation.port,
        )
        try:
            supervisor.start()
            self._prepare(children)
            _stop_on_signals(supervisor)
            supervisor.add([self._child(spec) for spec in processes(self._variables, self._installation)])
            supervisor.start()
            self._greet()
            errands = Errands(self._installation, self._variables, self._wishes, self._board)
            supervisor.on_tick.append(errands.tick)
            supervisor.run()
            errands.stop()
        finally:
            supervisor.stop_all()
        self._board.say(_("Stopped."))

    def _embedded_redis(self) -> list[Child]:
        """Started here unless REDIS_URL names one that somebody else runs."""
        if settings.EMBEDDED_REDIS_SOCKET is None:
            return []
        spec = redis_process(
            socket=settings.EMBEDDED_REDIS_SOCKET,
            password=settings.EMBEDDED_REDIS_PASSWORD,
            data_dir=self._data_dir,
            variables=self._variables,
        )
        return [self._child(spec)]

    def _child(self, spec: Any) -> Child:
        return Child(
            spec, root=self._installation.root, log_dir=self._data_dir / "log", keep_open=(self._lock,)
        )

    def _prepare(self, children: list[Child]) -> None:
        prepare.wait_for_redis(self._redis, lambda: all(child.runs() for child in children))
        self._board.say(_("Checking the database …"))
        prepare.migrate()
        if prepare.collect_static(self._data_dir):
            self._board.say(_("Static files are new."))
        if self._wishes.demo is None and not prepare.has_footage(self._data_dir):
            self._board.say(_("Drawing the demo footage; this happens once and takes about a minute …"))
        if self._wishes.demo is None:
            prepare.draw_footage(self._variables, self._installation)
        prepare.seed(self._wishes)

    def _greet(self) -> None:
        accounts = self._data_dir / "demo_accounts.json"
        self._board.say(
            greeting(
                host=settings.BIND,
                port=self._installation.port,
                accounts_path=accounts,
                log_dir=self._data_dir / "log",
            )
        )


def _stop_on_signals(supervisor: Supervisor) -> None:
    """The first signal stops in order; a second one during that is the default: at once."""

    def handle(number: int, _frame: Any) -> None:
        supervisor.stop_soon()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
