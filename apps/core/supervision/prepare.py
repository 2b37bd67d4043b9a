"""What has to be true before the processes start: folders, schema, static files, footage, first cameras."""

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.utils.translation import gettext as _

from apps.core.supervision.child import Child
from apps.core.supervision.plan import Installation, ProcessSpec, data_environment, module_arguments

REDIS_PATIENCE_S = 15.0
FOOTAGE_PATIENCE_S = 600.0


class PreparationFailed(RuntimeError):
    """A step before the start failed; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for on the command line."""

    demo: Path | None = None
    source: str | None = None


def make_folders(data_dir: Path) -> None:
    """All of it is for the owner alone: it holds keys, snapshots and the record."""
    for name in ("", "run", "log", "models", "objects", "demo"):
        folder = data_dir / name
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)


def wait_for_redis(client: redis.Redis, still_runs: Callable[[], bool]) -> None:
    """Until Redis answers; a large log takes a moment to be read again."""
    deadline = time.monotonic() + REDIS_PATIENCE_S
    while time.monotonic() < deadline and still_runs():
        try:
            client.ping()
        except redis.AuthenticationError as error:
            raise PreparationFailed(_("Redis refuses the password in REDIS_URL.")) from error
        except redis.RedisError:
            time.sleep(0.05)
        else:
            return
    message = _(
        "Redis does not answer within %(seconds)d s. Its log is %(path)s; check REDIS_URL if it is set."
    )
    facts = {"seconds": REDIS_PATIENCE_S, "path": settings.DATA_DIR / "log" / "redis.log"}
    raise PreparationFailed(message % facts)


def check_data_plane(variables: Mapping[str, str], installation: Installation) -> None:
    """Asks the data plane to read its settings, so that nonsense stops the start itself."""
    done = subprocess.run(
        module_arguments("inference_workers.settings"),
        cwd=installation.root,
        env=data_environment(variables, installation),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PreparationFailed(done.stderr.strip().splitlines()[-1])


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def collect_static(data_dir: Path) -> bool:
    """Collects static files when one of them changed; says whether it did."""
    stamp = data_dir / "run" / "static.stamp"
    fingerprint = _static_fingerprint()
    if stamp.exists() and stamp.read_text() == fingerprint and Path(settings.STATIC_ROOT).is_dir():
        return False
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(fingerprint)
    return True


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def has_footage(data_dir: Path) -> bool:
    return (data_dir / "demo" / "clips.json").exists()


def draw_footage(variables: Mapping[str, str], installation: Installation) -> None:
    """The demo's clips, drawn by the data plane in a process of its own; made once."""
    spec = ProcessSpec(
        "demo",
        module_arguments("inference_workers.demo", str(installation.data_dir / "demo")),
        data_environment(variables, installation),
    )
    child = Child(spec, root=installation.root, log_dir=installation.data_dir / "log")
    child.start()
    deadline = time.monotonic() + FOOTAGE_PATIENCE_S
    try:
        while child.runs() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        child.kill()  # its own helpers too, when Ctrl-C interrupts the drawing
    if child.exit_code() != 0:
        message = _("The demo footage could not be made; %(path)s says why.")
        raise PreparationFailed(message % {"path": child.log_path})


def seed(wishes: Wishes) -> None:
    """Sites, users and cameras of the demo, and the person's own camera; nothing is made twice."""
    options = {"demo": str(wishes.demo) if wishes.demo else None, "source": wishes.source}
    call_command("seed_demo", **{name: value for name, value in options.items() if value})
    # Without an entry in the register of purposes no camera streams; one's own gets a provisional one.
    call_command("seed_purposes", trial=bool(wishes.source))


def media_roots(data_dir: Path, wishes: Wishes) -> tuple[Path, ...]:
    """Folders below which video files may lie: remembered, because the cameras outlive this start."""
    memory = data_dir / "run" / "media_roots.json"
    roots = [data_dir / "demo"]
    if memory.exists():
        roots += [Path(name) for name in json.loads(memory.read_text())]
    if wishes.demo is not None:
        roots.append(wishes.demo)
    if wishes.source and Path(wishes.source).is_file():
        roots.append(Path(wishes.source).resolve().parent)
    unique = tuple(dict.fromkeys(root.resolve() for root in roots))
    memory.write_text(json.dumps([str(root) for root in unique]))
    return unique


def weights_beside(demo: Path) -> Path | None:
    """`DEMO=data/video` brings the models of `data/weights` along."""
    folder = demo.parent / "weights"
    return folder if folder.is_dir() else None
