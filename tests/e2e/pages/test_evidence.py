"""Evidence the whole way: asked for on recordings, ready without a reload, taken out, checked offline."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from apps.evidence.building import packs_sweep
from tests.apps.evidence.conftest import apply, checkpoints, filmed, granted, recorded  # noqa: F401

pytestmark = pytest.mark.timeout(180)


def test_a_pack_from_the_recordings_page_to_the_offline_verifier(
    visit,
    bob,
    camera,
    filmed,  # noqa: F811 - the fixture
    tmp_path,
):
    seen = visit(bob, f"/cameras/{camera.pk}/recordings/")
    page = seen.page
    page.get_by_role("link", name="Evidence pack").click()
    page.fill("[name=case]", "2026/17")
    page.fill("[name=reason]", "theft at the door")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("h1 .badge")).to_have_text("Waiting")
    assert packs_sweep() == 1
    expect(page.locator("h1 .badge")).to_have_text("Ready", timeout=10_000)
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download").click()
    with page.expect_download() as verifier:
        page.get_by_role("link", name="verify.html").click()
    key = page.locator("dt", has_text="Public key").locator("+ dd").inner_text()
    pack, checker = tmp_path / "pack.zip", tmp_path / "verify.html"
    taken.value.save_as(pack)
    verifier.value.save_as(checker)
    assert _said(page, checker, pack, key).startswith("Intact: 8 files")
    flipped = bytearray(pack.read_bytes())
    flipped[flipped.index(b"redacted video") + 7] ^= 16
    pack.write_bytes(flipped)
    assert _said(page, checker, pack, key).startswith("segment-0001")


def _said(page, checker: Path, pack: Path, key: str) -> str:
    offline = page.context.browser.new_context(offline=True)
    opened = offline.new_page()
    opened.goto(checker.as_uri())
    opened.fill("#key", key)
    opened.set_input_files("#file", pack)
    opened.wait_for_selector("#verdict[data-state=good], #verdict[data-state=bad]")
    said = opened.inner_text("#verdict")
    offline.close()
    return said
