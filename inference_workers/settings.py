"""Settings of the data plane, read once from the environment. It holds no database credentials."""

import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from inference_workers.contracts.environment import Environment, SettingError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What the data plane's processes need to know.

    Attributes:
        data_dir: folder for caches of this machine (`var/` in the checkout by default).
        shm_dir: folder of the shared-memory rings; must be a memory file system for speed.
        shm_budget_mb: how much of it all rings together may take.
        media_roots: folders below which FILE sources may lie; anything else is refused.
        providers: onnxruntime execution providers in order, for example `CUDAExecutionProvider`.
        batches_in_flight: micro-batches under way at once; one more than there are GPU workers.
        lease_key: Fernet key that opens sealed camera credentials.
        film_steps: segments of uploaded films that one inference worker works on at once, beside the cameras.
        ocr_backend: who recognises lines of text: "builtin", "easyocr" or "paddleocr".
        model_keys: public keys (hexadecimal) whose statements about models are believed.
        signed_models_only: files in the model directory without such a statement are refused.
    """

    data_dir: Path
    model_dir: Path
    shm_dir: Path
    shm_budget_mb: int
    media_roots: tuple[Path, ...]
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    object_store_url: str = field(repr=False)
    lease_key: str = field(repr=False)
    providers: tuple[str, ...]
    inference_threads: int
    batch_size: int
    batch_wait_ms: int
    batches_in_flight: int
    analyse_deadline_s: float
    shard: int
    shards: int
    log_level: str
    sentry_dsn: str = field(repr=False)
    ocr_backend: str = "builtin"
    film_steps: int = 1
    model_keys: tuple[str, ...] = ()
    signed_models_only: bool = False


def read(environment: Environment) -> WorkerSettings:
    """Raises SettingError when a variable holds nonsense."""
    data_dir = environment.path("VIDETTE_DATA_DIR", ROOT / "var")
    redis_url = environment.url("REDIS_URL", ("redis", "rediss", "unix"))
    shards = environment.integer("VIDETTE_STREAM_SHARDS", 1, minimum=1, maximum=256)
    return WorkerSettings(
        data_dir=data_dir,
        model_dir=environment.path("VIDETTE_MODEL_DIR", data_dir / "models"),
        shm_dir=environment.path("VIDETTE_SHM_DIR", Path("/dev/shm")),  # noqa: S108 - shared memory, not a temporary file
        shm_budget_mb=environment.integer("VIDETTE_SHM_BUDGET_MB", 1024, minimum=16, maximum=65536),
        media_roots=tuple(
            Path(word).expanduser().resolve()
            for word in environment.words("VIDETTE_MEDIA_ROOTS", (str(data_dir / "demo"),))
        ),
        redis_url=redis_url,
        broker_url=environment.text("CELERY_BROKER_URL", redis_url),
        object_store_url=environment.url("OBJECT_STORE_URL", ("file", "s3"), (data_dir / "objects").as_uri()),
        lease_key=environment.text("VIDETTE_LEASE_KEY"),
        providers=environment.words("VIDETTE_PROVIDERS", ("CPUExecutionProvider",)),
        inference_threads=environment.integer("VIDETTE_INFERENCE_THREADS", 1, minimum=1, maximum=64),
        batch_size=environment.integer("VIDETTE_BATCH_SIZE", 8, minimum=1, maximum=64),
        batch_wait_ms=environment.integer("VIDETTE_BATCH_WAIT_MS", 20, minimum=0, maximum=1000),
        batches_in_flight=environment.integer("VIDETTE_BATCHES_IN_FLIGHT", 2, minimum=1, maximum=64),
        analyse_deadline_s=environment.number("VIDETTE_ANALYSE_DEADLINE_S", 2.0, minimum=0.1, maximum=60),
        shard=environment.integer("VIDETTE_STREAM_SHARD", 0, minimum=0, maximum=shards - 1),
        shards=shards,
        log_level=environment.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
        sentry_dsn=environment.text("SENTRY_DSN", ""),
        film_steps=environment.integer("VIDETTE_FILM_STEPS", 1, minimum=1, maximum=64),
        ocr_backend=environment.choice("VIDETTE_OCR_BACKEND", ("builtin", "easyocr", "paddleocr"), "builtin"),
        model_keys=environment.words("VIDETTE_MODEL_KEYS"),
        signed_models_only=environment.flag("VIDETTE_SIGNED_MODELS_ONLY", False),
    )


@cache
def settings() -> WorkerSettings:
    return read(Environment())


def main() -> None:
    """Read everything once and say in one line what is wrong: for whoever is about to start the processes."""
    try:
        settings()
    except SettingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
