"""One start per installation, and a port that is free."""

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

import psutil
from django.utils.translation import gettext as _


class AlreadyRunning(RuntimeError):
    """Another start holds the installation, or its processes are still ending."""


class PortTaken(RuntimeError):
    """Somebody else listens on the port."""


def take_lock(path: Path, *, patience_s: float = 10.0) -> int:
    """Locks the installation until every process that inherits the descriptor is gone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES) or time.monotonic() > deadline:
                raise AlreadyRunning(_already_running(descriptor, path)) from error
            time.sleep(0.2)
        else:
            os.truncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            return descriptor


def _already_running(descriptor: int, path: Path) -> str:
    holder = os.pread(descriptor, 32, 0).decode(errors="replace") or "?"
    message = _(
        "Vidette already runs with the data in %(folder)s (process %(holder)s). Stop it with Ctrl-C there, "
        "or choose another folder: VIDETTE_DATA_DIR=/path make run"
    )
    return message % {"folder": path.parent.parent, "holder": holder}


def check_port(host: str, port: int) -> None:
    """Raises PortTaken that names who listens there, as far as the system tells."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            message = _("Port %(port)d is reserved for the system. Choose one above 1023: PORT=8001 make run")
            raise PortTaken(message % {"port": port}) from error
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                message = _("VIDETTE_BIND: expected an address of this machine, got %(host)s")
                raise PortTaken(message % {"host": host}) from error
            message = _(
                "Port %(port)d is taken by %(who)s. Stop that, or choose another: PORT=%(next)d make run"
            )
            facts = {"port": port, "who": _listener(port), "next": port + 1 if port < 65535 else 8001}
            raise PortTaken(message % facts) from error


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} ({connection.pid})"
    except (psutil.Error, PermissionError):
        pass
    return _("another program")
