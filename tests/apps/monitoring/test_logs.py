"""Lines of the control plane: with the request's id, without any secret."""

import json
import logging
from typing import Any

import pytest
import structlog

from apps.core.context import audit_context, system_context
from apps.monitoring.logs import final_processors, shared_processors

CANARY = "CANARY-20be"
URL = f"rtsp://user:{CANARY}@10.0.0.5/live"


def line(log_format: str) -> str:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared_processors(), processors=final_processors(log_format)
    )
    try:
        raise RuntimeError(f"cannot open {URL}")
    except RuntimeError as error:
        info: Any = (type(error), error, error.__traceback__)
    record = logging.LogRecord("apps.cameras", logging.ERROR, __file__, 1, "camera %s", (URL,), info)
    return formatter.format(record)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_line_with_a_traceback_holds_no_secret(log_format: str) -> None:
    written = line(log_format)
    assert CANARY not in written
    assert "10.0.0.5" in written
    assert "RuntimeError" in written


def test_a_line_names_its_request() -> None:
    context = system_context("recorder")
    with audit_context(context):
        assert json.loads(line("json"))["request_id"] == context.request_id
    assert "request_id" not in json.loads(line("json"))
