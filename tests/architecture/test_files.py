"""The house rules that a machine can see: sizes, names, and what must never stand in a file."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "util.py", "helper.py", "misc.py", "common.py"}
SOURCES = ("apps", "webapp", "inference_workers", "benchmarks", "requirements", "deploy")


def tracked(*folders: str) -> list[Path]:
    """Files that git knows, so that what set-up brings along is left out."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True)
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    found = [path for path in tracked(*SOURCES) if path.suffix == ".py" and "migrations" not in path.parts]
    assert len(found) > 50
    return found


def functions(path: Path) -> list[tuple[str, int]]:
    """(name, lines) of every function; a docstring is not counted."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            body = node.body[1:] if documented and len(node.body) > 1 else node.body
            first = body[0].lineno if documented else node.lineno
            found.append((node.name, (node.end_lineno or first) - first + 1))
    return found


def test_no_file_is_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{name}": length
        for path in python_files()
        for name, length in functions(path)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_functions_are_small_on_the_whole() -> None:
    lengths = sorted(length for path in python_files() for _name, length in functions(path))
    median, p95 = lengths[len(lengths) // 2], lengths[int(len(lengths) * 0.95)]
    assert median <= 12, f"median {median} lines"
    assert p95 <= 40, f"p95 {p95} lines"


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    assert [str(path) for path in tracked() if path.name in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
        ("a token of a forge", r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bglpat-[A-Za-z0-9_-]{20,}"),
        ("a cloud key", r"\bAKIA[0-9A-Z]{16}\b"),
        ("a package index", r"https?://[a-z0-9.-]*(artifactory|nexus|devpi)[a-z0-9.-]*/|--extra-index-url"),
        ("a resolved address in a lock", r"\"resolved\": \"https?://(?!registry\.npmjs\.org/)"),
    ],
)
def test_no_file_holds(what: str, pattern: str) -> None:
    sought = re.compile(pattern)
    me = Path(__file__).resolve()
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.resolve() != me and path.stat().st_size < 2_000_000 and sought.search(_text(path))
    ]
    assert found == [], what


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="ignore")


def test_the_desktop_opencv_is_not_installed() -> None:
    """It overwrites the headless cv2 and needs libraries that servers lack."""
    from importlib.metadata import distributions

    names = {(found.metadata["Name"] or "").lower() for found in distributions()}
    assert names & {"opencv-python", "opencv-contrib-python"} == set()
