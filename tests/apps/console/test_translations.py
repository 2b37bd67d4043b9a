"""Russian is complete: every sentence of the product has one, with its plural forms, and none is a guess."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

pytestmark = pytest.mark.database_neutral
ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = Path("locale/ru/LC_MESSAGES/django.po")
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[.\d]*[a-z]|%[sd]|\{[a-z_]+\}")
SOURCES = ("apps", "webapp", "templates", "manage.py")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(ROOT / CATALOGUE))


def _texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_sentence_is_translated(catalogue: polib.POFile) -> None:
    assert len(catalogue) > 500
    assert [entry.msgid for entry in catalogue if not all(_texts(entry))] == []
    assert [entry.msgid for entry in catalogue if entry.fuzzy] == []


def test_plurals_have_the_forms_of_russian(catalogue: polib.POFile) -> None:
    plurals = [entry for entry in catalogue if entry.msgid_plural]
    assert plurals
    assert all(set(entry.msgstr_plural) == {0, 1, 2, 3} for entry in plurals)


def test_a_translation_keeps_the_places_of_values(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        for text in _texts(entry):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(entry.msgid)), entry.msgid


@pytest.fixture
def collected(tmp_path: Path) -> polib.POFile:
    """The catalogue as makemessages would leave it now, made in a copy."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / CATALOGUE).parent.mkdir(parents=True)
    shutil.copy(ROOT / CATALOGUE, tmp_path / CATALOGUE)
    command = [sys.executable, "-m", "django", "makemessages", "-l", "ru", "--no-obsolete"]
    # Without settings: the copy holds only what is searched for sentences.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return polib.pofile(str(tmp_path / CATALOGUE))


def test_nothing_is_missing_and_nothing_is_left_over(
    catalogue: polib.POFile, collected: polib.POFile
) -> None:
    stored = {entry.msgid for entry in catalogue}
    found = {entry.msgid for entry in collected}
    assert sorted(found - stored) == []
    assert sorted(stored - found) == []
