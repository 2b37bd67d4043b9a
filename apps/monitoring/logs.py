"""Logs of the control plane: one line per message, with the request's id and without secrets.

Only the request's id is added: resolving the actor here could query the database from within a line that the
database itself writes.
"""

from typing import Any

import structlog

from apps.core.context import current_request_id
from inference_workers.contracts.scrub import scrub


def add_request(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Names the request in which a line was written."""
    request_id = current_request_id()
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def scrub_processor(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The last step before rendering: the exception is text by then, so that it is scrubbed too."""
    scrubbed: dict[str, Any] = scrub(event)
    return scrubbed


def shared_processors() -> list[Any]:
    """Run on every line, whether it came through structlog or through logging."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_request,
    ]


def final_processors(log_format: str) -> list[Any]:
    """From the event to its line: `log_format` is "json" or "text"."""
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        scrub_processor,
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False),
    ]
