#!/usr/bin/env python3
"""Checks an exported record of Vidette. Needs Python 3.9 or newer and the package `cryptography` alone.

    python3 verify_record.py EXPORT.zip
    python3 verify_record.py record.jsonl --checkpoints FOLDER --key PUBLIC_KEY

`--checkpoints` names the write-once folder of the installation, or a copy of it: with it, a record that was
rewritten as a whole before it was exported is found as well. `--key` is the public key that you noted down;
without it the key in the file is believed, and its fingerprint is printed for you to compare. `--language ru`
speaks Russian, as the language of the terminal does without it.

Exit status: 0 all is well, 1 something was changed (the first bad record is named), 2 it cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTHING_BEFORE = "0" * 64
STATEMENT_KINDS = ("vidette.record.checkpoint", "vidette.record.closing")


# The sentences in Russian; verify_record.html has the same list.
RUSSIAN = {
    "Record {0} {1}.": "Запись {0} {1}.",
    "Not intact: {0}.": "Нарушено: {0}.",
    "This cannot be checked: {0}": "Проверить это нельзя: {0}",
    "the whole record": "журнал целиком",
    "a part of the record": "часть журнала",
    "is missing": "отсутствует",
    "is missing: record {0} comes in its place": "отсутствует: на её месте стоит запись {0}",
    "is missing: the record goes on to {0}": "отсутствует: журнал продолжается до записи {0}",
    "is missing: checkpoint {0} names records up to {1}": (
        "отсутствует: контрольная точка {0} называет записи до {1}"
    ),
    "is covered by no checkpoint": "не покрыта ни одной контрольной точкой",
    "is proven by a checkpoint that does not cover it": (
        "подтверждается контрольной точкой, которая её не покрывает"
    ),
    "was changed: its hash does not fit its content": "изменена: её хеш не соответствует содержанию",
    "was rewritten: record {0} follows another one of that number": (
        "переписана: запись {0} следует за другой записью с этим номером"
    ),
    "was rewritten: checkpoint {0} holds another hash of it": (
        "переписана: в контрольной точке {0} другой её хеш"
    ),
    "was rewritten: it is not in the record that was signed": "переписана: в подписанном журнале её нет",
    "or one up to {0} was rewritten: the checkpoint differs": (
        "или одна из следующих до {0} переписана: контрольная точка не сходится"
    ),
    "cannot be read: {0}": "не читается: {0}",
    "stands where checkpoint {0} does not follow the one before": (
        "стоит там, где контрольная точка {0} не продолжает предыдущую"
    ),
    "checkpoint {0} is signed with a key that is not trusted": (
        "контрольная точка {0} подписана ключом, которому нет доверия"
    ),
    "the signature of checkpoint {0} does not hold": "подпись контрольной точки {0} не сходится",
    "the hashes of checkpoint {0} are not those that were signed": (
        "хеши контрольной точки {0} не те, что были подписаны"
    ),
    "a checkpoint in the file is none": "одна из контрольных точек файла ею не является",
    "something was added behind the end of the file": "после конца файла что-то добавлено",
    "the end of the file is missing": "конец файла отсутствует",
    "the signature at the end of the file does not hold": "подпись в конце файла не сходится",
    "the file was changed after it was signed": "файл изменён после подписания",
    "This is no export of a record: it is empty.": "Это не экспорт журнала: файл пуст.",
    "This is no export of a record: its first line is no header.": (
        "Это не экспорт журнала: первая строка не заголовок."
    ),
    "This is no export of a record, or one of a newer version of Vidette.": (
        "Это не экспорт журнала или экспорт более новой версии Vidette."
    ),
}
# Of this script alone.
RUSSIAN_HERE = {
    "{0} entries, {1}, exported at {2}: intact.": "Записей: {0}, {1}, экспорт от {2}: цело.",
    "{0} signed checkpoints agree with it.": "С ним сходятся подписанные контрольные точки: {0}.",
    "Signed with key {0}. Compare it with the key that you noted down.": (
        "Подписано ключом {0}. Сравните его с ключом, который вы записали."
    ),
    "the signature does not hold": "подпись не сходится",
    "{0} was changed after it was signed": "{0}: файл изменён после подписания",
    "{0} is as it was signed with key {1}.": "{0}: файл такой, каким его подписали ключом {1}.",
}
LANGUAGES = ("en", "ru")


def worded(sentence: Any, language: str = "en") -> str:
    """A sentence, which is (template, value, …), in `language`; a value may be a sentence itself."""
    if not isinstance(sentence, tuple):
        return str(sentence)
    template, *values = sentence
    if language == "ru":
        template = RUSSIAN.get(template) or RUSSIAN_HERE.get(template, template)
    return str(template).format(*(worded(value, language) for value in values))


def language_of_terminal() -> str:
    """As programs of Unix find it; English where it is none of ours."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return "ru" if os.environ[name].startswith("ru") else "en"
    return "en"


class Told(Exception):
    """An error whose sentence can be said in both languages; `str` of it is English."""

    def __init__(self, template: str, *values: Any) -> None:
        super().__init__(worded((template, *values)))
        self.sentence = (template, *values)
        self.reason = str(self)


class Bad(Told):
    """Something was changed. `seq` is the first bad record, or None where no single record can be named."""

    def __init__(self, seq: int | None, template: str, *values: Any) -> None:
        super().__init__(template, *values)
        self.seq = seq

    @property
    def named(self) -> tuple[Any, ...]:
        """The whole sentence, with the record."""
        if self.seq is None:
            return ("Not intact: {0}.", self.sentence)
        return ("Record {0} {1}.", self.seq, self.sentence)


class Unreadable(Told):
    """This is no export of a record."""


# Canonical JSON: RFC 8785.
_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """The bytes that were hashed or signed."""
    return _canonical(value).encode()


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_encoder.encode(key)}:{_canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return number(value) if isinstance(value, float) else _encoder.encode(value)


def number(value: float) -> str:
    """A number in the spelling of ECMAScript, which RFC 8785 asks for."""
    if value == 0:
        return "0"
    sign, places, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, places))
    return "-" * sign + _spelled(digits, len(digits) + int(exponent))


def _spelled(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    shown = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{shown}e{'+' if point > 0 else '-'}{abs(point - 1)}"


class Parser:
    """Parses lines; knows whether the standard encoder writes the canonical form of what it parsed: where
    there is no fraction, and no character beyond the basic plane that could sort another way."""

    def __init__(self) -> None:
        self._plain = True

    def _fraction(self, text: str) -> float:
        self._plain = False
        return float(text)

    def parse(self, line: bytes) -> Any:
        text = line.decode()
        self._plain = text.isascii() or len(text.encode("utf-16-le")) == 2 * len(text)
        return json.loads(text, parse_float=self._fraction)

    def canonical(self, value: Any) -> bytes:
        """The canonical form of a part of the last line."""
        return _encoder.encode(value).encode() if self._plain else canonical(value)


def signed_by(public_key: str, content: bytes, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id_of(public_key: str) -> str:
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:16]


def _leaf(record_hash: str) -> bytes:
    return hashlib.sha256(b"\x00" + bytes.fromhex(record_hash)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(hashes: list[str]) -> str:
    """The root of RFC 6962 over record hashes."""
    level = [_leaf(value) for value in hashes]
    while len(level) > 1:
        pairs = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = [*pairs, level[-1]] if len(level) % 2 else pairs
    return level[0].hex()


def root_of_path(record_hash: str, index: int, size: int, path: list[str]) -> str:
    node, rest = _leaf(record_hash), iter(path)
    while size > 1:
        if index % 2:
            node = _node(bytes.fromhex(next(rest)), node)
        elif index + 1 < size:
            node = _node(node, bytes.fromhex(next(rest)))
        index, size = index // 2, (size + 1) // 2
    return node.hex()


class Checkpoints:
    """The signed statements about the record, in order, and those of a folder beside them."""

    def __init__(self, keys: dict[str, str], outside: dict[int, Any], *, complete: bool) -> None:
        self.keys = keys
        self._outside = outside
        self._complete = complete
        self.all: list[dict[str, Any]] = []

    def add(self, document: dict[str, Any]) -> None:
        statement = document["statement"]
        if statement.get("kind") not in STATEMENT_KINDS:
            raise Bad(None, "a checkpoint in the file is none")
        self._check_signature(document)
        hashes = document.get("hashes")
        if hashes and (tree_root(hashes) != statement["root"] or hashes[-1] != statement["hash"]):
            raise Bad(
                None, "the hashes of checkpoint {0} are not those that were signed", statement["number"]
            )
        if self._complete:
            self._check_order(statement)
        kept = self._outside.get(statement["number"])
        if kept is None or statement["kind"] != STATEMENT_KINDS[0]:
            self.all.append(document)
        else:
            self._check_signature(kept)
            self.all.append(kept)

    def _check_signature(self, document: dict[str, Any]) -> None:
        statement = document["statement"]
        key = self.keys.get(statement["key_id"])
        if key is None:
            raise Bad(None, "checkpoint {0} is signed with a key that is not trusted", statement["number"])
        if not signed_by(key, canonical(statement), document["signature"]):
            raise Bad(None, "the signature of checkpoint {0} does not hold", statement["number"])

    def _check_order(self, statement: dict[str, Any]) -> None:
        before = self.all[-1]["statement"] if self.all else None
        digest = hashlib.sha256(canonical(before)).hexdigest() if before else NOTHING_BEFORE
        first = before["last"] + 1 if before else 0
        if statement["previous"] != digest or statement["first"] != first:
            raise Bad(
                first, "stands where checkpoint {0} does not follow the one before", statement["number"]
            )

    def missing_behind(self, seq: int) -> dict[str, Any] | None:
        """A checkpoint of the folder that names a record behind the last one of the export."""
        last = max(self._outside.values(), key=lambda kept: kept["statement"]["last"], default=None)
        if last is not None and last["statement"]["last"] > seq:
            self._check_signature(last)
            return dict(last["statement"])
        return None


class Export:
    """One pass over the lines of a record.jsonl."""

    def __init__(self, *, key: str = "", outside: dict[int, Any] | None = None) -> None:
        self._key = key
        self._outside = outside or {}
        self._parser = Parser()
        self._lines = hashlib.sha256()
        self._next_seq = 0
        self._previous = NOTHING_BEFORE
        self._span: list[str] = []
        self._place = 0
        self.records = 0
        self.header: dict[str, Any] = {}
        self.checkpoints = Checkpoints({}, {}, complete=True)
        self.ended = False

    def read(self, stream: Iterable[bytes]) -> None:
        for line in stream:
            try:
                self._take(line.rstrip(b"\n"))
            except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
                raise Bad(
                    self._expected(), "cannot be read: {0}", f"{type(error).__name__} {error}"
                ) from error
        self._finish()

    def _expected(self) -> int | None:
        """The record that has to come next."""
        if self.header.get("complete", True):
            return self._next_seq
        numbers: list[int] = self.header["numbers"]
        return numbers[self.records] if self.records < len(numbers) else None

    def _take(self, line: bytes) -> None:
        content = self._parser.parse(line)
        kind = content.get("type")
        if not self.header and kind != "header":
            raise Unreadable("This is no export of a record: its first line is no header.")
        if self.ended:
            raise Bad(None, "something was added behind the end of the file")
        if kind == "end":
            self._end(content)
            return
        take = {"header": self._header, "checkpoint": self.checkpoints.add, "record": self._record}
        take[kind](content)
        self._lines.update(hashlib.sha256(line).digest())

    def _header(self, content: dict[str, Any]) -> None:
        if content.get("kind") != "vidette.record.export" or content.get("format") != 1:
            raise Unreadable("This is no export of a record, or one of a newer version of Vidette.")
        keys = {key_id_of(key): key for key in content["keys"]}
        if self._key:
            keys = {key_id_of(key): key for key in self._key.split(",")}
        self.checkpoints = Checkpoints(keys, self._outside, complete=content["complete"])
        self.header = {"numbers": [], **content}

    def _record(self, content: dict[str, Any]) -> None:
        record, stored = content["record"], content["hash"]
        seq = record["seq"]
        expected = self._expected()
        if seq != expected:
            raise Bad(expected, "is missing: record {0} comes in its place", seq)
        if hashlib.sha256(self._parser.canonical(record)).hexdigest() != stored:
            raise Bad(seq, "was changed: its hash does not fit its content")
        if self.header["complete"]:
            self._link(seq, record["previous_hash"], stored)
        else:
            self._prove(seq, stored, content)
        self.records += 1

    def _link(self, seq: int, previous: str, stored: str) -> None:
        if previous != self._previous:
            raise Bad(max(seq - 1, 0), f"was rewritten: record {seq} follows another one of that number")
        self._next_seq, self._previous = seq + 1, stored
        self._compare(seq, stored)

    def _compare(self, seq: int, stored: str) -> None:
        if self._place >= len(self.checkpoints.all):
            raise Bad(seq, "is covered by no checkpoint")
        document = self.checkpoints.all[self._place]
        statement, hashes = document["statement"], document.get("hashes")
        if hashes and hashes[seq - statement["first"]] != stored:
            raise Bad(seq, "was rewritten: checkpoint {0} holds another hash of it", statement["number"])
        self._span.append(stored)
        if seq == statement["last"]:
            if stored != statement["hash"] or tree_root(self._span) != statement["root"]:
                raise Bad(statement["first"], "or one up to {0} was rewritten: the checkpoint differs", seq)
            self._span, self._place = [], self._place + 1

    def _prove(self, seq: int, stored: str, content: dict[str, Any]) -> None:
        statement = self.checkpoints.all[content["checkpoint"]]["statement"]
        first, last = statement["first"], statement["last"]
        if not first <= seq <= last:
            raise Bad(seq, "is proven by a checkpoint that does not cover it")
        if root_of_path(stored, seq - first, last - first + 1, content["path"]) != statement["root"]:
            raise Bad(seq, "was rewritten: it is not in the record that was signed")

    def _end(self, content: dict[str, Any]) -> None:
        signed = {name: content[name] for name in ("kind", "records", "lines", "key_id")}
        key = self.checkpoints.keys.get(content["key_id"])
        self.ended = True
        self._check_count()
        if key is None or not signed_by(key, canonical(signed), content["signature"]):
            raise Bad(None, "the signature at the end of the file does not hold")
        if self._lines.hexdigest() != content["lines"] or self.records != content["records"]:
            raise Bad(None, "the file was changed after it was signed")

    def _check_count(self) -> None:
        if not self.header["complete"]:
            if self.records < len(self.header["numbers"]):
                raise Bad(self.header["numbers"][self.records], "is missing")
            return
        last = max([self.header["head"]["seq"], *(d["statement"]["last"] for d in self.checkpoints.all)])
        if self._next_seq <= last:
            raise Bad(self._next_seq, "is missing: the record goes on to {0}", last)
        behind = self.checkpoints.missing_behind(self._next_seq - 1)
        if behind is not None:
            raise Bad(
                self._next_seq,
                "is missing: checkpoint {0} names records up to {1}",
                behind["number"],
                behind["last"],
            )

    def _finish(self) -> None:
        if not self.header:
            raise Unreadable("This is no export of a record: it is empty.")
        if not self.ended:
            self._check_count()
            raise Bad(None, "the end of the file is missing")


def checkpoints_of(folder: str | Path) -> dict[int, Any]:
    """The checkpoints of a write-once folder, number → document."""
    documents = (json.loads(path.read_bytes()) for path in sorted(Path(folder).glob("*.json")))
    return {document["statement"]["number"]: document for document in documents}


def check_path(
    path: str | Path, *, key: str = "", outside: dict[int, Any] | None = None, say: Callable[[Any], Any]
) -> None:
    """Checks an export, says what it is, and raises Bad for what was changed."""
    path = Path(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "record.jsonl" in archive.namelist():
                with archive.open("record.jsonl") as stream:
                    _check_lines(stream, key, outside, say)
            signature = json.loads(archive.read("signature.json"))
            _check_file(archive.read(signature["statement"]["file"]), signature, key, say)
    elif path.suffix == ".jsonl":
        with path.open("rb") as stream:
            _check_lines(stream, key, outside, say)
    else:
        signature = json.loads(path.with_name("signature.json").read_bytes())
        _check_file(path.read_bytes(), signature, key, say)


def _check_lines(
    stream: IO[bytes], key: str, outside: dict[int, Any] | None, say: Callable[[Any], Any]
) -> None:
    export = Export(key=key, outside=outside)
    export.read(stream)
    what = "the whole record" if export.header["complete"] else "a part of the record"
    made_at = export.header["made_at"]
    say(("{0} entries, {1}, exported at {2}: intact.", export.records, (what,), made_at))
    say(("{0} signed checkpoints agree with it.", len(export.checkpoints.all)))
    if not key:
        for key_id in export.checkpoints.keys:
            say(("Signed with key {0}. Compare it with the key that you noted down.", key_id))


def _check_file(data: bytes, signature: dict[str, Any], key: str, say: Callable[[Any], Any]) -> None:
    """A file that is signed by the signature.json beside it: record.csv, record.pdf."""
    statement, public_key = signature["statement"], str(key or signature["public_key"])
    if not signed_by(public_key, canonical(statement), signature["signature"]):
        raise Bad(None, "the signature does not hold")
    if hashlib.sha256(data).hexdigest() != statement["sha256"]:
        raise Bad(None, "{0} was changed after it was signed", statement["file"])
    say(("{0} is as it was signed with key {1}.", statement["file"], key_id_of(public_key)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="EXPORT.zip, record.jsonl, or record.csv beside its signature.json")
    parser.add_argument("--checkpoints", help="the write-once folder of checkpoints, or a copy of it")
    parser.add_argument("--key", default="", help="the public key that you trust; several with commas")
    parser.add_argument("--language", choices=LANGUAGES, default=language_of_terminal())
    options = parser.parse_args(arguments)

    def say(sentence: Any) -> None:
        print(worded(sentence, options.language))  # noqa: T201 - what it found is its output

    try:
        outside = checkpoints_of(options.checkpoints) if options.checkpoints else None
        check_path(options.file, key=options.key, outside=outside, say=say)
    except Bad as bad:
        say(bad.named)
        return 1
    except (Unreadable, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        say(("This cannot be checked: {0}", getattr(error, "sentence", error)))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
