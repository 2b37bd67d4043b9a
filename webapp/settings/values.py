"""What differs between machines: read from the environment, typed, refused when it is nonsense."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from inference_workers.contracts.environment import SettingError
from webapp.settings import env as _env

ENV = _env.environment()
BASE_DIR = _env.ROOT

try:
    MODE = _env.read_mode(ENV)
    _PRODUCTION = MODE == "production"
    DATA_DIR: Path = ENV.path("VIDETTE_DATA_DIR", BASE_DIR / "var")
    _generated = {} if _PRODUCTION else _env.embedded_secrets(DATA_DIR)
    SECRET_KEY = _env.read_secret(ENV, "SECRET_KEY", _generated)
    FIELD_KEY = _env.read_secret(ENV, "VIDETTE_FIELD_KEY", _generated)
    LEASE_KEY = _env.read_secret(ENV, "VIDETTE_LEASE_KEY", _generated)
    RECORD_KEY = _env.read_secret(ENV, "VIDETTE_RECORD_KEY", _generated)
    MASTER_KEY = _env.read_secret(ENV, "VIDETTE_MASTER_KEY", _generated)
    REDIS_URL = ENV.url(
        "REDIS_URL",
        ("redis", "rediss", "unix"),
        None if _PRODUCTION else _env.embedded_redis_url(DATA_DIR, _generated),
    )
    # None: somebody else runs the Redis that REDIS_URL names.
    EMBEDDED_REDIS_SOCKET = (
        None if _PRODUCTION or ENV.text("REDIS_URL", "") else _env.embedded_redis_socket(DATA_DIR)
    )
    EMBEDDED_REDIS_PASSWORD = _generated.get("VIDETTE_REDIS_PASSWORD", "")
    CELERY_BROKER_URL = ENV.url(
        "CELERY_BROKER_URL",
        ("redis", "rediss", "redis+socket", "amqp", "amqps"),
        _env.broker_url(REDIS_URL),
    )
    OBJECT_STORE_URL = ENV.url("OBJECT_STORE_URL", ("file", "s3"), (DATA_DIR / "objects").as_uri())
    CHECKPOINT_URL = ENV.url("VIDETTE_CHECKPOINT_URL", ("file", "s3"), (DATA_DIR / "checkpoints").as_uri())
    CHECKPOINT_RECORDS = ENV.integer("VIDETTE_CHECKPOINT_RECORDS", 100, minimum=1, maximum=1000)
    CHECKPOINT_MINUTES = ENV.integer("VIDETTE_CHECKPOINT_MINUTES", 5, minimum=1, maximum=1440)
    TSA_URL = ENV.text("VIDETTE_TSA_URL", "")
    TSA_ROOTS = ENV.text("VIDETTE_TSA_ROOTS", "")
    DATABASES = {
        "default": _env.database(ENV.text("DATABASE_URL", None if _PRODUCTION else "sqlite://"), DATA_DIR)
    }
    BIND = ENV.text("VIDETTE_BIND", "127.0.0.1")
    PORT = ENV.integer("PORT", 8000, minimum=1, maximum=65535)
    DEBUG = ENV.flag("DEBUG", False)
    ALLOWED_HOSTS = list(
        ENV.words("ALLOWED_HOSTS", () if _PRODUCTION else ("localhost", "127.0.0.1", "[::1]"))
    )
    TRUSTED_ORIGINS = list(
        ENV.words(
            "TRUSTED_ORIGINS",
            () if _PRODUCTION else (f"http://localhost:{PORT}", f"http://127.0.0.1:{PORT}"),
        )
    )
    HTTPS_ONLY = ENV.flag("HTTPS_ONLY", _PRODUCTION)
    TRUSTED_PROXIES = list(ENV.words("TRUSTED_PROXIES"))
    SENTRY_DSN = ENV.text("SENTRY_DSN", "")
    LOG_LEVEL = ENV.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
    LOG_FORMAT = ENV.choice("LOG_FORMAT", ("json", "text"), "json" if _PRODUCTION else "text")
    LEASE_TTL_S = ENV.integer("VIDETTE_LEASE_TTL_S", 20, minimum=5, maximum=600)
    UNMASK_GRANT_S = ENV.integer("VIDETTE_UNMASK_GRANT_S", 900, minimum=60, maximum=3600)
    UNMASK_OPEN_WITHIN_S = ENV.integer("VIDETTE_UNMASK_OPEN_WITHIN_S", 28800, minimum=300, maximum=86400)
    METRICS_TOKEN = ENV.text("METRICS_TOKEN", "")
    LEAK_SAMPLES_PER_H = ENV.integer("VIDETTE_LEAK_SAMPLES_PER_H", 30, minimum=0, maximum=3600)
    ROLLOUT_HEARTBEAT_S = ENV.number("VIDETTE_ROLLOUT_HEARTBEAT_S", 60.0, minimum=15, maximum=3600)
    LEAK_LIMIT_PER_10000 = ENV.number("VIDETTE_LEAK_LIMIT_PER_10000", 50.0, minimum=0, maximum=10_000)
    LEAK_RAISES_POLICY = ENV.flag("VIDETTE_LEAK_RAISES_POLICY", False)
    REDACTION_MAX_MB = ENV.integer("VIDETTE_REDACTION_MAX_MB", 20_480, minimum=1, maximum=1_048_576)
    REDACTION_ORIGINAL_H = ENV.integer("VIDETTE_REDACTION_ORIGINAL_H", 24, minimum=1, maximum=720)
    EVALUATIONS_AT_ONCE = ENV.integer("VIDETTE_EVALUATIONS_AT_ONCE", 1, minimum=1, maximum=16)
    REDACTION_STEPS_AT_ONCE = ENV.integer("VIDETTE_REDACTION_STEPS_AT_ONCE", 1, minimum=1, maximum=64)
    MODEL_MAX_MB = ENV.integer("VIDETTE_MODEL_MAX_MB", 1024, minimum=1, maximum=1024)
    MODEL_DIR: Path = ENV.path("VIDETTE_MODEL_DIR", DATA_DIR / "models")
    STATIC_ROOT: Path = ENV.path("VIDETTE_STATIC_ROOT", DATA_DIR / "staticfiles")
    SHM_DIR: Path = ENV.path("VIDETTE_SHM_DIR", Path("/dev/shm"))  # noqa: S108 - shared memory, not a temporary file
except SettingError as error:
    raise ImproperlyConfigured(str(error)) from error
