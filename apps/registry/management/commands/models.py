"""`manage.py models`: what lies in the model directory.

The work is done by the data plane's own command in a process of its own, because the control plane loads no
engine. Installing and removing is on record, and the running GPU worker announces the change by itself.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.context import audit_context, system_context
from apps.core.crypto import signing_public_keys
from apps.core.errors import DomainError
from apps.registry.installing import version_installed, versions_sign_again
from apps.registry.mlflow import version_export, version_fetch
from apps.registry.services import directory_changed, version_removable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Command(BaseCommand):
    help = "Lists, adds, fetches and removes models."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("list", help="what is installed, and what is wrong with it")
        add = commands.add_parser("add", help="install a file, or every known file of a folder")
        add.add_argument("path")
        add.add_argument("--side-file")
        add.add_argument("--name")
        fetch = commands.add_parser("pull", help="fetch a known model from its upstream address")
        fetch.add_argument("name")
        fetch.add_argument("--from", dest="base", action="append", default=[], help="a mirror")
        commands.add_parser("key", help="the public keys for VIDETTE_MODEL_KEYS")
        commands.add_parser("sign", help="sign every installed version again, after a change of the key")
        for word, about in (
            ("mlflow-export", "put an installed version into MLflow"),
            ("mlflow-import", "fetch a version from MLflow, check it, install it"),
        ):
            exchange = commands.add_parser(word, help=about)
            exchange.add_argument("name", help="the name that the version has, or will have, here")
            exchange.add_argument("--uri", required=True, help="of the tracking server, or file:///folder")
            exchange.add_argument("--python", required=True, help="a Python with requirements/mlflow.txt")
        exchange.add_argument("--model", required=True, help="the registered model")
        exchange.add_argument("--version", dest="number", required=True)
        remove = commands.add_parser("remove", help="delete a model that serves nothing")
        remove.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        with audit_context(system_context("manage.py models")):
            try:
                getattr(self, f"_{options['command'].replace('-', '_')}")(options)
            except DomainError as error:
                raise CommandError(error.message) from error

    def _list(self, options: dict[str, Any]) -> None:
        self._run("list")

    def _add(self, options: dict[str, Any]) -> None:
        words = ["add", str(Path(options["path"]).resolve())]
        words += ["--side-file", options["side_file"]] if options["side_file"] else []
        words += ["--name", options["name"]] if options["name"] else []
        self._installed(self._answer("--json", *words))
        directory_changed("add", options["name"] or Path(options["path"]).name)

    def _pull(self, options: dict[str, Any]) -> None:
        mirrors = [word for base in options["base"] for word in ("--from", base)]
        self._installed(self._answer("--json", "pull", options["name"], *mirrors))
        directory_changed("pull", options["name"])

    def _mlflow_export(self, options: dict[str, Any]) -> None:
        place = {"uri": options["uri"], "python": options["python"], "folder": _folder()}
        answer = version_export(options["name"], **place)
        self.stdout.write(
            f"{options['name']}: {answer['model']} version {answer['version']}, run {answer['run_id']}"
        )

    def _mlflow_import(self, options: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="vidette-mlflow-") as folder:
            place = {"uri": options["uri"], "python": options["python"], "folder": Path(folder)}
            path = version_fetch(options["model"], options["number"], **place)
            self._installed(self._answer("--json", "add", str(path), "--name", options["name"]))
        directory_changed("import", options["name"])

    def _key(self, options: dict[str, Any]) -> None:
        self.stdout.write(",".join(signing_public_keys()))

    def _sign(self, options: dict[str, Any]) -> None:
        for name in versions_sign_again(_folder()):
            self.stdout.write(f"{name}: signed")

    def _installed(self, answer: str) -> None:
        """Register and sign what the data plane's command has checked and installed."""
        for line in answer.splitlines():
            version = version_installed(json.loads(line), _folder())
            checked = f"{len(version.checks)} checks passed" if version.checks else "known bytes"
            self.stdout.write(
                f"{version.name}: {version.task}, {version.family}, {version.licence}, "
                f"sha256 {version.sha256[:12]}: {checked}, signed"
            )

    def _remove(self, options: dict[str, Any]) -> None:
        name = options["name"]
        path = _folder() / f"{name}.onnx"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise CommandError(f"{name}: there is no such file in {_folder()}; `models list` names them")
        if not version_removable(name):
            raise CommandError(
                f"{name}: it serves a stage or a zone, or was assigned to one; "
                "let two persons assign another version first (page Models or Rollouts)"
            )
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)
        path.with_suffix(".statement").unlink(missing_ok=True)
        directory_changed("remove", name)
        self.stdout.write(f"{name}: removed")

    def _run(self, *words: str) -> None:
        self.stdout.write(self._answer(*words), ending="")

    def _answer(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "inference_workers.models", *words],
            cwd=settings.BASE_DIR,
            env=_environment(),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            self.stdout.write("" if "--json" in words else done.stdout, ending="")
            raise CommandError(
                done.stderr.strip() or f"the data plane's command ended with {done.returncode}"
            )
        return done.stdout


def _folder() -> Path:
    return Path(settings.MODEL_DIR)


def _environment() -> dict[str, str]:
    """What the data plane needs; none of the control plane's secrets."""
    hidden = {"DATABASE_URL", "SECRET_KEY", "VIDETTE_FIELD_KEY", "VIDETTE_RECORD_KEY", "VIDETTE_MASTER_KEY"}
    return {name: value for name, value in os.environ.items() if name not in hidden} | {
        "VIDETTE_DATA_DIR": str(settings.DATA_DIR),
        "VIDETTE_MODEL_DIR": str(_folder()),
        "VIDETTE_LEASE_KEY": settings.LEASE_KEY,
        "REDIS_URL": settings.REDIS_URL,
    }
