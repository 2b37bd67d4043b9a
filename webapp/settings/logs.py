"""Logs go to standard error, one scrubbed line each; who runs the process keeps them."""

from typing import Any

import structlog

from apps.monitoring.logs import final_processors, shared_processors
from webapp.settings.values import LOG_FORMAT, LOG_LEVEL

_SHARED: list[Any] = shared_processors()

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _SHARED,
            "processors": final_processors(LOG_FORMAT),
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own handlers would print a second line past the scrubber.
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "uvicorn": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "uvicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},  # one line per tick otherwise
        "celery.app.trace": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},  # tells each of its steps, and what of CSS it leaves out
        "fontTools": {"level": "ERROR"},
    },
}
