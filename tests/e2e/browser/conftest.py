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
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of a product with its demonstration; the first start draws the footage."""
    if "VIDETTE_E2E" in os.environ:
        url, _, folder = os.environ["VIDETTE_E2E"].partition(",")
        yield url, Path(folder)
        return
    product = Product(tmp_path_factory.mktemp("browser") / "var")
    product.start()
    try:
        yield product.url, product.folder
    finally:
        product.stop()


@pytest.fixture(scope="package")
def people(running: tuple[str, Path], playwright_driver: Playwright) -> Iterator[People]:
    url, folder = running
    browser = launch(playwright_driver)
    try:
        yield People(browser, url, demo_passwords(folder))
    finally:
        browser.close()
