"""The offline verifiers speak two languages: every sentence has its Russian, the same in page and script."""

import ast
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from apps.audit.standalone import verify_record
from apps.evidence.standalone import verify_pack

PAIRS = [
    (verify_record, Path(verify_record.__file__).with_suffix(".html"), "RUSSIAN"),
    (verify_pack, Path(verify_pack.__file__).with_name("verify.html"), "RUSSIAN_OF_PACKS"),
]
# A sentence is given to an error after what it is about, begins a tuple in Python and a list in the page.
_IN_PAGE = re.compile(
    r'new (?:Bad|Changed|Unreadable)\((?:[^"]*?,\s*)?"([^"]+)"'
    r'|(?:show\("\w+", |say\(|report\(|\? |: |\|\| |^\s+)\["([^"]+)"',
    re.MULTILINE,
)


def page_words(path: Path, name: str) -> dict[str, str]:
    """The table of a page, which is JSON but for the comma before its end."""
    found = re.search(rf"const {name} = (\{{\n.*?\n\}});", path.read_text(), re.DOTALL)
    assert found is not None
    table: dict[str, str] = json.loads(re.sub(r",\n\}", "\n}", found[1]))
    return table


def sentences_of(path: Path) -> set[str]:
    """The first value of each tuple that begins with a sentence, and the template of each error."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(text)), *_]) if " " in text:
                found.add(text)
            case ast.Call(func=ast.Name(id="Bad" | "Unreadable" as name), args=given):
                template = given[0 if name == "Unreadable" else 1]
                assert isinstance(template, ast.Constant), f"line {node.lineno}: expected a plain text"
                found.add(str(template.value))
    return found


@pytest.mark.parametrize(("script", "page", "name"), PAIRS, ids=["record", "pack"])
def test_page_and_script_have_the_same_words(script: ModuleType, page: Path, name: str) -> None:
    assert page_words(page, name) == script.RUSSIAN


@pytest.mark.parametrize(("script", "page", "name"), PAIRS, ids=["record", "pack"])
def test_every_sentence_has_its_russian(script: ModuleType, page: Path, name: str) -> None:
    said = sentences_of(Path(str(script.__file__)))
    assert len(said) > 15
    assert said <= script.RUSSIAN.keys() | script.RUSSIAN_HERE.keys()
    text = page.read_text()
    shown = {next(filter(None, found)) for found in _IN_PAGE.findall(text)}
    assert len(shown) > 8
    own = set(
        re.findall(r'"([^"]+)": "', text + PAIRS[0][1].read_text())
    )  # one page holds the other's checks
    assert shown <= own


@pytest.mark.parametrize(("script", "page", "name"), PAIRS, ids=["record", "pack"])
def test_the_russian_holds_the_same_values(script: ModuleType, page: Path, name: str) -> None:
    for english, russian in (script.RUSSIAN | script.RUSSIAN_HERE).items():
        places = re.findall(r"\{\d\}", english)
        assert sorted(places) == sorted(re.findall(r"\{\d\}", russian)), english
        assert re.search("[а-я]", russian) or english == "{0} {1}."


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "ru_RU.UTF-8"}, "ru"), ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}, "en"), ({}, "en")],
)
def test_the_scripts_speak_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], language: str
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert verify_record.language_of_terminal() == verify_pack.language_of_terminal() == language


def test_a_verdict_in_russian(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record.jsonl"
    path.write_text("{}\n")
    assert verify_record.main([str(path), "--language", "ru"]) == 2
    assert (
        capsys.readouterr().out
        == "Проверить это нельзя: Это не экспорт журнала: первая строка не заголовок.\n"
    )
    assert verify_pack.main([str(path), "--language", "ru"]) == 2
    assert capsys.readouterr().out == "Проверить это нельзя: Это не пакет доказательств.\n"
