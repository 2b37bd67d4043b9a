"""The offline page says the same as the Python verifier, for every kind of tampering."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from apps.audit.chain import canonical
from apps.audit.standalone import verify_record
from tests.e2e.browser.chromium import launch

LATIN_SENTENCE = re.compile(r"[a-z]{2,} [a-z]{2,}")
HERE = Path(__file__).resolve().parents[1] / "apps/audit/exported"
PAGE = Path(verify_record.__file__).with_suffix(".html")


@pytest.fixture(scope="module")
def page(playwright_driver: Playwright) -> Iterator[Page]:
    browser = launch(playwright_driver)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    yield page
    browser.close()


def said_by_page(page: Page, data: bytes, *, key: str = "", outside: list[Path] | None = None) -> str:
    page.reload()
    page.fill("#key", key)
    if outside:
        page.set_input_files("#outside", outside)
    page.set_input_files("#file", {"name": "record.jsonl", "mimeType": "application/json", "buffer": data})
    page.wait_for_selector("#verdict[data-state=good], #verdict[data-state=bad]")
    return page.inner_text("#verdict")


def said_by_script(data: bytes, language: str = "en", **options: Any) -> str:
    try:
        verify_record.Export(**options).read(data.splitlines(keepends=True))
    except verify_record.Bad as bad:
        return verify_record.worded(bad.named, language)
    return "Intact"


def changed(lines: list[bytes], seq: int, **values: Any) -> list[bytes]:
    place = place_of(lines, seq)
    content = json.loads(lines[place])
    content["record"] |= values
    return [*lines[:place], canonical(content) + b"\n", *lines[place + 1 :]]


def place_of(lines: list[bytes], seq: int) -> int:
    parsed = (json.loads(line) for line in lines)
    return next(place for place, row in enumerate(parsed) if row.get("record", {}) and _is(row, seq))


def _is(row: dict[str, Any], seq: int) -> bool:
    return row["type"] == "record" and row["record"]["seq"] == seq


def swapped(lines: list[bytes], first: int, second: int) -> list[bytes]:
    one, two = place_of(lines, first), place_of(lines, second)
    copy = list(lines)
    copy[one], copy[two] = copy[two], copy[one]
    return copy


def flipped(lines: list[bytes], place: int) -> list[bytes]:
    data = bytearray(b"".join(lines))
    data[place] ^= 1
    return bytes(data).splitlines(keepends=True)


TAMPERINGS = {
    "nothing": lambda lines: lines,
    "a changed field": lambda lines: changed(lines, 7, actor_name="nobody"),
    "a changed fraction": lambda lines: changed(lines, 7, details={"share": 0.1}),
    "another spelling": lambda lines: [json.dumps(json.loads(line)).encode() + b"\n" for line in lines],
    "a removed row": lambda lines: [line for line in lines if line != lines[place_of(lines, 7)]],
    "two swapped rows": lambda lines: swapped(lines, 4, 8),
    "a cut tail": lambda lines: lines[: place_of(lines, 10)],
    "a cut middle": lambda lines: [*lines[: place_of(lines, 10)], lines[-1]],
    "another signature": lambda lines: flipped(lines, -40),
    "something behind the end": lambda lines: [*lines, lines[-1]],
}


@pytest.mark.parametrize("name", ["whole", "part"])
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_page_and_script_agree(page: Page, name: str, tampering: str) -> None:
    lines = (HERE / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
    data = b"".join(TAMPERINGS[tampering](lines))
    expected = said_by_script(data)
    assert expected.startswith("Intact") == (tampering == "nothing")
    assert said_by_page(page, data).startswith(expected)


def numbers_of(lines: list[bytes]) -> list[int]:
    parsed = (json.loads(line) for line in lines)
    return [row["record"]["seq"] for row in parsed if row["type"] == "record"]


def rewritten(lines: list[bytes], first: int) -> list[bytes]:
    """Record `first` with another content, and all behind it chained anew, as the owner of the file would."""
    copy, previous = list(lines), None
    for seq in [seq for seq in numbers_of(lines) if seq >= first]:
        content = json.loads(copy[place_of(copy, seq)])
        if previous is None:
            content["record"]["actor_name"] = "nobody"
        elif json.loads(lines[0])["complete"]:
            content["record"]["previous_hash"] = previous
        else:
            break
        previous = hashlib.sha256(canonical(content["record"])).hexdigest()
        content["hash"] = previous
        copy[place_of(copy, seq)] = canonical(content) + b"\n"
    return copy


def mutations(lines: list[bytes]) -> Iterator[tuple[str, int, list[bytes]]]:
    """(what was done, the record that has to be named, the lines): each kind at each record."""
    numbers = numbers_of(lines)
    fields = [name for name in json.loads(lines[place_of(lines, numbers[0])])["record"] if name != "seq"]
    for place, seq in enumerate(numbers):
        for name in fields:
            yield f"{name} of {seq}", seq, changed(lines, seq, **{name: "changed"})
        yield f"{seq} removed", seq, [line for line in lines if line != lines[place_of(lines, seq)]]
        yield f"cut before {seq}", seq, lines[: place_of(lines, seq)]
        yield f"cut before {seq}, with the end", seq, [*lines[: place_of(lines, seq)], lines[-1]]
        yield f"rewritten from {seq}", seq, rewritten(lines, seq)
        for other in numbers[place + 1 :]:
            yield f"{seq} and {other} swapped", seq, swapped(lines, seq, other)


# The page's own function, without reading a file by hand each time.
CHECK = """async (text) => {
  try { await check(new Blob([text]), "", new Map(), () => {}); } catch (error) {
    if (!(error instanceof Bad)) return String(error);
    return ["en", "ru"].map((spoken) => worded(error.named, spoken)).join("\\n");
  }
  return "Intact";
}"""


def in_both(data: bytes) -> str:
    said = said_by_script(data)
    return said if said == "Intact" else f"{said}\n{said_by_script(data, 'ru')}"


@pytest.mark.parametrize("name", ["whole", "part"])
def test_every_mutation_names_its_record_in_page_and_script_and_in_both_languages(
    page: Page, name: str
) -> None:
    lines = (HERE / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
    assert page.evaluate(CHECK, b"".join(lines).decode()) == said_by_script(b"".join(lines)) == "Intact"
    wrong, count = {}, 0
    for what, seq, mutated in mutations(lines):
        data = b"".join(mutated)
        by_page, by_script = page.evaluate(CHECK, data.decode()), in_both(data)
        count += 1
        named = by_script.startswith(f"Record {seq} ") and f"\nЗапись {seq} " in by_script
        if by_page != by_script or not named:
            wrong[what] = (by_script, by_page)
    assert count > 100
    assert wrong == {}


def test_flipped_bits_are_found(page: Page) -> None:
    lines = (HERE / "part.jsonl").read_bytes().splitlines(keepends=True)
    size = sum(map(len, lines))
    for place in range(5, size - 1, size // 20):
        data = b"".join(flipped(lines, place))
        assert not said_by_page(page, data).startswith("Intact"), f"byte {place}"


def test_a_rewritten_record_is_named_by_the_folder(page: Page) -> None:
    """The export of a chain that was rewritten as a whole, with its checkpoints: only the folder can tell."""
    rewritten = (HERE / "rewritten.jsonl").read_bytes()
    kept = sorted(HERE.glob("checkpoint-*.json"))
    outside = {number: json.loads(path.read_bytes()) for number, path in enumerate(kept)}
    assert said_by_script(rewritten) == "Intact"
    assert said_by_page(page, rewritten).startswith("Intact")
    expected = said_by_script(rewritten, outside=outside)
    assert expected.startswith("Record 4 was rewritten")
    assert said_by_page(page, rewritten, outside=kept) == expected


def test_another_key_than_the_one_noted_down_is_refused(page: Page) -> None:
    data = (HERE / "whole.jsonl").read_bytes()
    assert "not trusted" in said_by_page(page, data, key="ab" * 32)
    key = json.loads(data.splitlines()[0])["keys"][0]
    assert said_by_page(page, data, key=key).startswith("Intact")


def test_what_is_no_export_is_said(page: Page) -> None:
    assert "no export of a record" in said_by_page(page, b"{}\n")


def test_the_page_speaks_russian_too(page: Page) -> None:
    """Switched after the check as well: nothing has to be chosen again."""
    lines = (HERE / "whole.jsonl").read_bytes().splitlines(keepends=True)
    data = b"".join(changed(lines, 7, actor_name="nobody"))
    english = said_by_page(page, data)
    assert (page.title(), page.inner_text("h1")) == (
        "Check an exported record of Vidette",
        "Check an exported record",
    )
    page.click("nav button[lang=ru]")
    assert page.inner_text("#verdict") == said_by_script(data, "ru")
    assert page.inner_text("#verdict").startswith("Запись 7 изменена")
    assert (page.title(), page.inner_text("h1")) == (
        "Проверка экспорта журнала Vidette",
        "Проверка экспорта журнала",
    )
    assert page.get_attribute("html", "lang") == "ru"
    assert LATIN_SENTENCE.search(page.inner_text("body").replace("English", "")) is None
    page.click("nav button[lang=en]")
    assert page.inner_text("#verdict") == english


def test_a_browser_in_russian_begins_in_russian(page: Page) -> None:
    context = page.context.browser.new_context(offline=True, locale="ru-RU")  # type: ignore[union-attr]
    russian = context.new_page()
    russian.goto(PAGE.as_uri())
    assert russian.inner_text("#verdict") == "Выберите файл."
    context.close()
