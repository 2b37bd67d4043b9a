"""Lines of the data plane: JSON with the process in it, and no password, not even inside a traceback."""

import json
import logging

import pytest

from inference_workers.observability import formatter

CANARY = "CANARY-8d1e"


def record_with_exception() -> logging.LogRecord:
    logger = logging.getLogger("vidette.test.lines")
    try:
        raise RuntimeError(f"cannot open rtsp://user:{CANARY}@10.0.0.5/live")
    except RuntimeError as error:
        info = (type(error), error, error.__traceback__)
        return logger.makeRecord(
            logger.name, logging.ERROR, __file__, 1, "camera %s: password=%s", ("gate", CANARY), info
        )


@pytest.mark.parametrize("as_json", [True, False])
def test_a_line_holds_no_secret(as_json: bool) -> None:
    line = formatter("streams", as_json=as_json).format(record_with_exception())
    assert CANARY not in line
    assert "10.0.0.5" in line
    assert "RuntimeError" in line


def test_a_json_line_names_process_level_logger_and_time() -> None:
    entry = json.loads(formatter("streams", as_json=True).format(record_with_exception()))
    assert entry["process"] == "streams"
    assert entry["level"] == "error"
    assert entry["logger"] == "vidette.test.lines"
    assert entry["timestamp"].endswith("Z")
