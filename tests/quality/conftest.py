"""The shared measurement data: real pictures and weights that are not part of the product."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """`VIDETTE_TEST_DATA`, else `../shared/data` beside the checkout; without it nothing can be measured."""
    folder = Path(os.environ.get("VIDETTE_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "weights" / "MODELS.json").is_file():
        pytest.skip(f"quality is measured on data that is not in this checkout; expected it in {folder}")
    return folder
