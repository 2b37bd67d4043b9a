"""The table in docs/operations.md names exactly the settings that the code reads."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "C": (ROOT / "webapp/settings/values.py", ROOT / "webapp/settings/env.py"),
    "D": (ROOT / "inference_workers/settings.py",),
}
_READ = re.compile(
    r"\b(?:ENV|env|environment)\.(?:text|choice|flag|integer|number|words|path|url)\(\s*\"(\w+)\""
)
_SECRET = re.compile(r"read_secret\(ENV, \"(\w+)\"")
_ROW = re.compile(r"^\| `(\w+)` \| ([CD ]+) \|", re.MULTILINE)


def read_by_the_code() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for plane, paths in SOURCES.items():
        for path in paths:
            text = path.read_text()
            for name in [*_READ.findall(text), *_SECRET.findall(text)]:
                found.setdefault(name, set()).add(plane)
    return found


def test_the_table_names_every_setting_with_its_plane() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    table = {name: set(planes.split()) for name, planes in _ROW.findall(text)}
    assert table == read_by_the_code()
