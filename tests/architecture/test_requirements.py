"""The locks: pinned with hashes, the web without an engine, never two packages for one folder."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((REQUIREMENTS / f"{lock}.txt").read_text()))


def test_there_is_a_lock_for_every_list() -> None:
    lists = {path.stem for path in REQUIREMENTS.glob("*.in")} - {"engine"}  # a part of cpu and gpu
    assert {path.stem for path in LOCKS} == lists


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_requirement_is_pinned_with_a_hash(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]


def test_the_web_carries_no_engine() -> None:
    engine = {
        "torch",
        "onnxruntime",
        "onnxruntime-gpu",
        "opencv-python-headless",
        "numpy",
        "av",
        "onnx",
        "rapidocr",
    }
    assert engine & pins("base").keys() == set()


def test_the_two_onnxruntimes_never_meet() -> None:
    assert "onnxruntime" in pins("cpu")
    assert "onnxruntime-gpu" not in pins("cpu")
    assert "onnxruntime-gpu" in pins("gpu")
    assert "onnxruntime" not in pins("gpu")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_no_lock_brings_the_desktop_opencv(lock: Path) -> None:
    assert pins(lock.stem).keys() & {"opencv-python", "opencv-contrib-python"} == set()


@pytest.mark.parametrize("lock", ["cpu", "gpu", "test"])
def test_the_other_locks_agree_with_the_web(lock: str) -> None:
    base = pins("base")
    assert {name: version for name, version in pins(lock).items() if name in base} == base


def test_the_product_names_no_package_index() -> None:
    for path in (*REQUIREMENTS.iterdir(), REQUIREMENTS.parent / "package.json"):
        if path.is_file():
            assert not re.search(r"--(extra-)?index-url|--find-links|\"registry\"", path.read_text()), path
