"""Which processes an installation on one machine consists of, and what each may know."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The data plane sees raw faces, so it gets no key to the database: these names and no others.
_DATA_PLANE_NAMES = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV",
    "LOG_LEVEL", "LOG_FORMAT", "SENTRY_DSN", "TESSDATA_PREFIX", "SSL_CERT_FILE", "SSL_CERT_DIR",
}  # fmt: skip
_DATA_PLANE_PREFIXES = ("LC_", "VIDETTE_", "CUDA_", "NVIDIA_", "OMP_", "ORT_", "AWS_")
_CONTROL_PLANE_ONLY = {
    "VIDETTE_FIELD_KEY",
    "VIDETTE_RECORD_KEY",
    "VIDETTE_MASTER_KEY",
    "VIDETTE_REDIS_PASSWORD",
    "VIDETTE_RUNTIME_PASSWORD",
}


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process. `heartbeat` is its field in the hash of heartbeats; `url` answers while it is well."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    heartbeat: str | None = None
    url: str | None = None
    last_to_stop: bool = False


@dataclass(frozen=True, slots=True)
class Installation:
    """What the processes need to know about this machine."""

    root: Path
    data_dir: Path
    port: int
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    object_store_url: str = field(repr=False)
    lease_key: str = field(repr=False)
    model_dir: Path
    media_roots: tuple[Path, ...] = ()
    model_keys: tuple[str, ...] = ()


def control_environment(variables: Mapping[str, str], installation: Installation) -> dict[str, str]:
    """What the web, the recorder and the housekeeping see: everything, with this start's choices."""
    return {
        **variables,
        "VIDETTE_DATA_DIR": str(installation.data_dir),
        "PORT": str(installation.port),
        "PYTHONUNBUFFERED": "1",
    }


def data_plane_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that a process of the data plane may know: nothing that is not named."""
    return {
        name: value
        for name, value in variables.items()
        if (name in _DATA_PLANE_NAMES or name.startswith(_DATA_PLANE_PREFIXES))
        and name not in _CONTROL_PLANE_ONLY
    }


def data_environment(variables: Mapping[str, str], installation: Installation) -> dict[str, str]:
    """What streams and the GPU worker see: no database, no field key."""
    return data_plane_variables(variables) | {
        "VIDETTE_DATA_DIR": str(installation.data_dir),
        "VIDETTE_MODEL_DIR": str(installation.model_dir),
        "VIDETTE_MEDIA_ROOTS": ",".join(map(str, installation.media_roots)),
        "VIDETTE_MODEL_KEYS": variables.get("VIDETTE_MODEL_KEYS") or ",".join(installation.model_keys),
        "VIDETTE_LEASE_KEY": installation.lease_key,
        "REDIS_URL": installation.redis_url,
        "CELERY_BROKER_URL": installation.broker_url,
        "OBJECT_STORE_URL": installation.object_store_url,
        "PYTHONUNBUFFERED": "1",
    }


def processes(variables: Mapping[str, str], installation: Installation) -> list[ProcessSpec]:
    """All processes but the embedded Redis, in the order in which they start."""
    control = control_environment(variables, installation)
    data = data_environment(variables, installation)
    return [
        ProcessSpec("web", _python("-m", "webapp.server"), control, url="/healthz"),
        ProcessSpec("recorder", _python("manage.py", "recorder"), control, "recorder", last_to_stop=True),
        ProcessSpec(
            "control", _worker("webapp.celery", "control", "threads", "--concurrency=2"), control, "control"
        ),
        ProcessSpec("beat", _celery("webapp.celery", "beat", "--pidfile="), control, "beat"),
        ProcessSpec("gpu", _worker("inference_workers.celery_app", "gpu", *_gpu_pool(data)), data, "gpu"),
        ProcessSpec("streams", _python("-m", "inference_workers.streams"), data, "streams"),
    ]


def _gpu_pool(variables: Mapping[str, str]) -> tuple[str, ...]:
    """One thread per GPU; on a CPU two, so that faces are looked for while a long line is read."""
    providers = variables.get("VIDETTE_PROVIDERS", "CPUExecutionProvider")
    return ("solo",) if "CUDA" in providers or "Tensorrt" in providers else ("threads", "--concurrency=2")


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def module_arguments(module: str, *arguments: str) -> tuple[str, ...]:
    return _python("-m", module, *arguments)


def command_arguments(*arguments: str) -> tuple[str, ...]:
    return _python("manage.py", *arguments)


def _celery(app: str, *arguments: str) -> tuple[str, ...]:
    return _python("-m", "celery", "-A", app, *arguments)


def _worker(app: str, queue: str, pool: str, *arguments: str) -> tuple[str, ...]:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return _celery(app, "worker", "-Q", queue, "-n", f"{queue}@%h", "--pool", pool, *quiet, *arguments)
