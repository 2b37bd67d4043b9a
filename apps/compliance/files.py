"""The data files of an audit-day pack: JSON as it is, and CSV that a spreadsheet may open safely."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from apps.audit.chain import timestamp
from apps.audit.export_files import spreadsheet_cell
from apps.compliance.contents import Contents, Rows

FOLDER = "data"


def data_files(contents: Contents) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every table twice, as JSON and as CSV, and of what has no rows."""
    for name, rows in contents.tables.items():
        yield f"{FOLDER}/{name}.json", json_bytes(rows)
        yield f"{FOLDER}/{name}.csv", csv_bytes(rows)
    yield f"{FOLDER}/consents.json", json_bytes(contents.consents)
    verdict = contents.verdict
    verification = {
        "intact": verdict.ok,
        "checked": verdict.checked,
        "first_bad": verdict.first_bad_seq,
        "reason": verdict.reason,
        "checkpoints_compared": verdict.checkpoints,
        "covered_up_to": verdict.covered_seq,
        "checkpoints_not_outside": verdict.not_outside,
        "time_stamps": verdict.time_stamps,
        "bad_time_stamps": list(verdict.bad_time_stamps),
        **contents.chain,
    }
    yield f"{FOLDER}/verification.json", json_bytes(verification)


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain).encode()


def csv_bytes(rows: Rows) -> bytes:
    """UTF-8 with the mark that spreadsheets need; the columns are those of all rows, in their order."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([spreadsheet_cell(as_text(row.get(name))) for name in columns])
    return text.getvalue().encode("utf-8-sig")


def as_text(value: Any) -> str:
    """A value as a cell: times in UTC, lists with commas, tables as JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return timestamp(value)
        case list():
            return ", ".join(map(as_text, value))
        case dict():
            return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)
    return str(value)


def _plain(value: Any) -> str:
    return timestamp(value) if isinstance(value, datetime) else str(value)
