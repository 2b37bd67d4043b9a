"""Logs and error reports of the data plane's processes: one line per message, no secret in it."""

import logging
import sys
from typing import Any

import sentry_sdk
import structlog

from inference_workers.contracts.reporting import sentry_options
from inference_workers.contracts.scrub import scrub
from inference_workers.settings import WorkerSettings


def configure(settings: WorkerSettings, process: str) -> None:
    """Set up logging and error reports of this process; called once, at its start.

    Args:
        process: name that appears in every line and report: "streams", "gpu", "decoder", …
    """
    configure_logging(process, level=settings.log_level, as_json=not sys.stderr.isatty())
    configure_sentry(settings.sentry_dsn, process)


def configure_sentry(dsn: str, process: str) -> None:
    """Reports errors to `dsn` through the scrubber; does nothing when it is empty."""
    if dsn:
        sentry_sdk.init(**sentry_options(dsn, process=process))


def configure_logging(process: str, *, level: str = "INFO", as_json: bool = True) -> None:
    """Sends every logger of this process to standard error: JSON lines, or readable text on a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(process, as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def formatter(process: str, *, as_json: bool) -> logging.Formatter:
    """The formatter of `configure_logging`, for whoever owns the handlers (Celery)."""

    def add_process(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {**event, "process": process}

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_process,
    ]
    final: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        scrub_processor,
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False),
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)


def scrub_processor(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The last step before rendering: the exception is text by then, so that it is scrubbed too."""
    scrubbed: dict[str, Any] = scrub(event)
    return scrubbed
