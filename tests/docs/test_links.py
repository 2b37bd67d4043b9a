"""Every link between our documents, and every file and make target that they name, is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)")
_PATH = re.compile(
    r"`((?:apps|inference_workers|webapp|tests|deploy|benchmarks|docs|static|templates|locale)/[\w./-]+)`"
)
_TARGET = re.compile(r"\bmake ([a-z]+)\b")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    links = _LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_named_files_exist(document: Path) -> None:
    paths = _PATH.findall(document.read_text())
    assert [path for path in paths if not (ROOT / path).exists() and "NAME" not in path] == []


def test_named_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for document in DOCUMENTS for target in _TARGET.findall(code_of(document))}
    assert named - targets == set()


def code_of(document: Path) -> str:
    return "\n".join(re.findall(r"`{1,3}[^`]+`{1,3}", document.read_text()))
