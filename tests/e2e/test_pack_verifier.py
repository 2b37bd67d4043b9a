"""The offline page for packs says the same as the Python verifier: of a good pack, and of a changed one."""

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from apps.audit.keys import public_keys
from apps.evidence.standalone.verify_pack import DIRECTORY, Bad, Pack, Unreadable, worded
from apps.evidence.verifiers import PAGE, verifier_files
from tests.apps.conftest import adam, bob, camera, redis, site_a  # noqa: F401 - fixtures
from tests.apps.evidence.conftest import (  # noqa: F401 - fixtures
    apply,
    checkpoints,
    data,
    filmed,
    granted,
    pack,
    recorded,
    resigned,
    wanted,
)
from tests.e2e.browser.chromium import launch
from tests.e2e.pages.conftest import orm_beside_playwright  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.database_neutral]
FLIPS = 24


@pytest.fixture(scope="module")
def page(playwright_driver: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    path: Path = tmp_path_factory.mktemp("verifier") / PAGE
    path.write_bytes(verifier_files()[PAGE])
    browser = launch(playwright_driver)
    page = browser.new_context(offline=True).new_page()
    page.goto(path.as_uri())
    yield page
    browser.close()


def said_by_page(page: Page, data: bytes, key: str = "") -> str:  # noqa: F811 - a pack, not the fixture
    page.reload()
    page.fill("#key", key)
    page.set_input_files("#file", {"name": "pack.zip", "mimeType": "application/zip", "buffer": data})
    page.wait_for_selector("#verdict[data-state=good], #verdict[data-state=bad]")
    return page.inner_text("#verdict")


def said_by_script(data: bytes, language: str = "en") -> str:  # noqa: F811
    try:
        found = Pack(io.BytesIO(data)).check()
    except Bad as bad:
        found = [bad]
    except Unreadable as error:
        return worded(("This cannot be checked: {0}", error.args), language)
    return "\n".join(worded(bad.named, language) for bad in found) or "Intact"


def test_a_good_pack_is_intact_and_told_of(page: Page, data: bytes) -> None:  # noqa: F811
    said = said_by_page(page, data)
    assert said.startswith("Intact: 8 files")
    assert "Entries of the record in it: 1, proven by signed checkpoints: 1." in said
    assert "which the pack brings" in said
    assert said_by_script(data) == "Intact"
    facts = page.inner_text("#facts")
    assert "Lobby, Site A" in facts
    assert "2026/17" in facts
    assert "which you gave" in said_by_page(page, data, key=next(iter(public_keys().values())))


def test_a_good_pack_is_told_of_in_russian(page: Page, data: bytes) -> None:  # noqa: F811
    said_by_page(page, data)
    page.click("nav button[lang=ru]")
    said, facts = page.inner_text("#verdict"), page.inner_text("#facts")
    assert said.startswith("Цело: файлов 8")
    assert "Записей журнала в нём: 1, подтверждающих их подписанных контрольных точек: 1." in said
    assert "который приложен к пакету" in said
    assert "Часы камеры" in facts
    assert "Lobby, Site A" in facts


def test_flipped_bits_are_named_as_the_script_names_them(page: Page, data: bytes) -> None:  # noqa: F811
    """Seeded, one in each file and in the list at the end, and others anywhere."""
    infos = zipfile.ZipFile(io.BytesIO(data)).infolist()
    names = {DIRECTORY, *(info.filename for info in infos)}
    chance = random.Random(20261127)
    places = [info.header_offset + 40 for info in infos] + [len(data) - 30]
    places += [chance.randrange(len(data)) for _flip in range(FLIPS - len(places))]
    named = set()
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << chance.randrange(8)
        said = said_by_page(page, bytes(flipped))
        assert said == said_by_script(bytes(flipped)), f"byte {place}"
        page.click("nav button[lang=ru]")
        assert page.inner_text("#verdict") == said_by_script(bytes(flipped), "ru"), f"byte {place}"
        assert said != "Intact"
        named.add(next(name for name in names if said.startswith(name)))
    assert named == names


@pytest.mark.parametrize("cut", [1, 40, 30_000], ids=lambda cut: f"{cut} bytes less")
def test_a_cut_pack_is_named_as_the_script_names_it(page: Page, data: bytes, cut: int) -> None:  # noqa: F811
    said = said_by_page(page, data[:-cut])
    assert said == said_by_script(data[:-cut])
    assert not said.startswith("Intact")


def test_a_forged_entry_of_the_record_is_named(page: Page, data: bytes) -> None:  # noqa: F811
    lines = zipfile.ZipFile(io.BytesIO(data)).read("record.jsonl")
    forged = resigned(data, "record.jsonl", lines.replace(b"incident investigation", b"maintenance"))
    assert said_by_script(forged) == "Intact", "the files are those that were signed"
    assert said_by_page(page, forged).startswith("record.jsonl is not what was chained: record")


def test_another_key_than_the_one_noted_down_is_refused(page: Page, data: bytes) -> None:  # noqa: F811
    assert "not trusted" in said_by_page(page, data, key="ab" * 32)


def test_what_is_no_pack_is_said(page: Page) -> None:
    assert "no evidence pack" in said_by_page(page, b"{}")
    assert "no evidence pack" in said_by_page(page, b"")


def test_a_browser_without_ed25519_says_so_and_calls_nothing_bad(page: Page, data: bytes) -> None:  # noqa: F811
    context = page.context.browser.new_context(offline=True)  # type: ignore[union-attr]
    old = context.new_page()
    old.add_init_script(
        "crypto.subtle.importKey = () => Promise.reject(new DOMException('', 'NotSupportedError'))"
    )
    old.goto(page.url)
    assert "This browser knows no Ed25519" in said_by_page(old, data)
    context.close()
