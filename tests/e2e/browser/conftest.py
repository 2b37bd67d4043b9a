"""One product and one browser for all tests of this folder.

`VIDETTE_E2E=http://127.0.0.1:8000,var` tries the pages of a product that runs already, with its folder.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.browser.chromium import People, launch
from tests.product import Product


def demo_passwords(folder: Path) -> dict[str, str]:
    rows = json.loads((folder / "demo_accounts.json").read_text())
    return {row["username"]: row["password"] for row in rows}


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product with its demonstration, in an empty folder; the first start draws the footage."""
    found = Product(tmp_path_factory.mktemp("browser") / "var")
    found.start()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="package")
def running(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Address and folder of that product, or of the one that runs already."""
    if "VIDETTE_E2E" in os.environ:
        url, _, folder = os.environ["VIDETTE_E2E"].partition(",")
        return url, Path(folder)
    product: Product = request.getfixturevalue("product")
    return product.url, product.folder


@pytest.fixture(scope="package")
def people(running: tuple[str, Path], playwright_driver: Playwright) -> Iterator[People]:
    url, folder = running
    browser = launch(playwright_driver)
    try:
        yield People(browser, url, demo_passwords(folder))
    finally:
        browser.close()
