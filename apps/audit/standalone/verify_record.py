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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTHING_BEFORE = "0" * 64
CHECKPOINT, CLOSING = "vidette.record.checkpoint", "vidette.record.closing"
LEAF, NODE = b"\x00", b"\x01"

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
    "is missing: checkpoint {0} names records up to {1}":
        "отсутствует: контрольная точка {0} называет записи до {1}",
    "is covered by no checkpoint": "не покрыта ни одной контрольной точкой",
    "is proven by a checkpoint that does not cover it":
        "подтверждается контрольной точкой, которая её не покрывает",
    "was changed: its hash does not fit its content": "изменена: её хеш не соответствует содержанию",
    "was rewritten: record {0} follows another one of that number":
        "переписана: запись {0} следует за другой записью с этим номером",
    "was rewritten: checkpoint {0} holds another hash of it":
        "переписана: в контрольной точке {0} другой её хеш",
    "was rewritten: it is not in the record that was signed": "переписана: в подписанном журнале её нет",
    "or one up to {0} was rewritten: the checkpoint differs":
        "или одна из следующих до {0} переписана: контрольная точка не сходится",
    "cannot be read: {0}": "не читается: {0}",
    "stands where checkpoint {0} does not follow the one before":
        "стоит там, где контрольная точка {0} не продолжает предыдущую",
    "checkpoint {0} is signed with a key that is not trusted":
        "контрольная точка {0} подписана ключом, которому нет доверия",
    "the signature of checkpoint {0} does not hold": "подпись контрольной точки {0} не сходится",
    "the hashes of checkpoint {0} are not those that were signed":
        "хеши контрольной точки {0} не те, что были подписаны",
    "a checkpoint in the file is none": "одна из контрольных точек файла ею не является",
    "something was added behind the end of the file": "после конца файла что-то добавлено",
    "the end of the file is missing": "конец файла отсутствует",
    "the signature at the end of the file does not hold": "подпись в конце файла не сходится",
    "the file was changed after it was signed": "файл изменён после подписания",
    "This is no export of a record: it is empty.": "Это не экспорт журнала: файл пуст.",
    "This is no export of a record: its first line is no header.":
        "Это не экспорт журнала: первая строка не заголовок.",
    "This is no export of a record, or one of a newer version of Vidette.":
        "Это не экспорт журнала или экспорт более новой версии Vidette.",
}  # fmt: skip
RUSSIAN_HERE = {  # of this script alone
    "{0} entries, {1}, exported at {2}: intact.": "Записей: {0}, {1}, экспорт от {2}: цело.",
    "{0} signed checkpoints agree with it.": "С ним сходятся подписанные контрольные точки: {0}.",
    "Signed with key {0}. Compare it with the key that you noted down.":
        "Подписано ключом {0}. Сравните его с ключом, который вы записали.",
    "the signature does not hold": "подпись не сходится",
    "{0} was changed after it was signed": "{0}: файл изменён после подписания",
    "{0} is as it was signed with key {1}.": "{0}: файл такой, каким его подписали ключом {1}.",
}  # fmt: skip


def worded(sentence: Any, language: str = "en") -> str:
    """A sentence, which is (template, value, …), in `language`; a value may be a sentence itself."""
    if not isinstance(sentence, tuple):
        return str(sentence)
    template, *values = sentence
    words = RUSSIAN | RUSSIAN_HERE if language == "ru" else {}
    return str(words.get(template, template)).format(*(worded(value, language) for value in values))


def language_of_terminal() -> str:
    """As programs of Unix find it; English where it is none of ours."""
    found = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ru" if next(filter(None, found), "").startswith("ru") else "en"


class Told(Exception):
    """An error whose arguments are a sentence for `worded`; `str` of it is English."""

    def __str__(self) -> str:
        return worded(self.args)


class Bad(Told):
    """Something was changed. `seq` is the first bad record, or None where no single record can be named."""

    def __init__(self, seq: int | None, template: str, *values: Any) -> None:
        super().__init__(template, *values)
        self.seq = seq

    @property
    def named(self) -> tuple[Any, ...]:
        """The whole sentence, with the record."""
        if self.seq is None:
            return ("Not intact: {0}.", self.args)
        return ("Record {0} {1}.", self.seq, self.args)


class Unreadable(Told):
    """This is no export of a record."""


def canonical(statement: Any) -> bytes:
    """The bytes that were signed: RFC 8785 for a statement of texts and whole numbers."""
    return json.dumps(statement, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def spelled(line: bytes) -> bytes:
    """The record as it was hashed: a line is canonical JSON, so `type` alone comes behind `record`."""
    return line.partition(b'"record":')[2].removesuffix(b',"type":"record"}')


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def signed_by(public_key: str, content: bytes, signature: str) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), content)
        return True
    except (InvalidSignature, ValueError):
        return False


def key_id_of(public_key: str) -> str:
    return sha256(bytes.fromhex(public_key)).hex()[:16]


def tree_root(hashes: list[str]) -> str:
    """The root of the Merkle tree of RFC 6962 over record hashes."""
    level = [sha256(LEAF, bytes.fromhex(value)) for value in hashes]
    while len(level) > 1:
        alone = level[-1:] if len(level) % 2 else []
        level = [sha256(NODE, *level[at : at + 2]) for at in range(0, len(level) - 1, 2)] + alone
    return level[0].hex()


def root_of_path(record_hash: str, index: int, size: int, path: list[str]) -> str:
    """The root of such a tree of `size` hashes by the way from one of them, which has the place `index`."""
    node, beside = sha256(LEAF, bytes.fromhex(record_hash)), map(bytes.fromhex, path)
    while size > 1:
        if index % 2:
            node = sha256(NODE, next(beside), node)
        elif index + 1 < size:
            node = sha256(NODE, node, next(beside))
        index, size = index // 2, (size + 1) // 2
    return node.hex()


class Checkpoints:
    """The signed statements about the record, in order; a copy of a folder is believed before the file."""

    def __init__(self, keys: dict[str, str], outside: dict[int, Any], *, complete: bool) -> None:
        self.keys, self._outside, self._complete = keys, outside, complete
        self.all: list[dict[str, Any]] = []

    def add(self, document: dict[str, Any]) -> None:
        statement, hashes = document["statement"], document.get("hashes")
        if statement.get("kind") not in (CHECKPOINT, CLOSING):
            raise Bad(None, "a checkpoint in the file is none")
        number = statement["number"]
        self._check_signature(document)
        if hashes and (tree_root(hashes) != statement["root"] or hashes[-1] != statement["hash"]):
            raise Bad(None, "the hashes of checkpoint {0} are not those that were signed", number)
        if self._complete:
            self._check_order(statement)
        if statement["kind"] == CHECKPOINT and number in self._outside:
            document = self._outside[number]
            self._check_signature(document)
        self.all.append(document)

    def _check_signature(self, document: dict[str, Any]) -> None:
        statement = document["statement"]
        key = self.keys.get(statement["key_id"])
        if key is None:
            raise Bad(None, "checkpoint {0} is signed with a key that is not trusted", statement["number"])
        if not signed_by(key, canonical(statement), document["signature"]):
            raise Bad(None, "the signature of checkpoint {0} does not hold", statement["number"])

    def _check_order(self, statement: dict[str, Any]) -> None:
        before = self.all[-1]["statement"] if self.all else None
        previous = sha256(canonical(before)).hex() if before else NOTHING_BEFORE
        first = before["last"] + 1 if before else 0
        if statement["previous"] != previous or statement["first"] != first:
            number = statement["number"]
            raise Bad(first, "stands where checkpoint {0} does not follow the one before", number)

    def check_end(self, seq: int, head: int) -> None:
        """`seq` is the record that would come next: no statement may know it, and `head` was the last one."""
        last = max([head, *(document["statement"]["last"] for document in self.all)])
        if seq <= last:
            raise Bad(seq, "is missing: the record goes on to {0}", last)
        kept = max(self._outside.values(), key=lambda kept: kept["statement"]["last"], default=None)
        if kept is not None and seq <= kept["statement"]["last"]:
            self._check_signature(kept)
            number, last = kept["statement"]["number"], kept["statement"]["last"]
            raise Bad(seq, "is missing: checkpoint {0} names records up to {1}", number, last)


class Export:
    """One pass over the lines of a record.jsonl: a header, the checkpoints, the records, the end."""

    def __init__(self, *, key: str = "", outside: dict[int, Any] | None = None) -> None:
        self._key, self._outside = key, outside or {}
        self._lines, self._previous = hashlib.sha256(), NOTHING_BEFORE
        self._span: list[str] = []  # the hashes since the last checkpoint, which is number `_place` - 1
        self._place = 0
        self.header: dict[str, Any] = {}
        self.checkpoints = Checkpoints({}, {}, complete=True)
        self.records, self.ended = 0, False

    def read(self, stream: Iterable[bytes]) -> None:
        for line in stream:
            try:
                self._take(line.rstrip(b"\n"))
            except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as error:
                raise Bad(self._expected(), "cannot be read: {0}", repr(error)) from error
        if not self.header:
            raise Unreadable("This is no export of a record: it is empty.")
        if not self.ended:
            self._check_count()
            raise Bad(None, "the end of the file is missing")

    def _expected(self) -> int | None:
        """The record that has to come next; those of the whole record are numbered from 0."""
        if self.header.get("complete", True):
            return self.records
        numbers: list[int] = self.header["numbers"]
        return numbers[self.records] if self.records < len(numbers) else None

    def _take(self, line: bytes) -> None:
        content = json.loads(line)
        kind = content.get("type")
        if not self.header and kind != "header":
            raise Unreadable("This is no export of a record: its first line is no header.")
        if self.ended:
            raise Bad(None, "something was added behind the end of the file")
        if kind == "record":
            self._record(content, line)
        else:
            take = {"header": self._header, "checkpoint": self.checkpoints.add, "end": self._end}
            take[kind](content)
        self._lines.update(sha256(line))  # the end was checked without itself

    def _header(self, content: dict[str, Any]) -> None:
        if content.get("kind") != "vidette.record.export" or content.get("format") != 1:
            raise Unreadable("This is no export of a record, or one of a newer version of Vidette.")
        trusted = self._key.split(",") if self._key else content["keys"]
        keys = {key_id_of(key): key for key in trusted}
        self.checkpoints = Checkpoints(keys, self._outside, complete=content["complete"])
        self.header = {"numbers": [], **content}

    def _record(self, content: dict[str, Any], line: bytes) -> None:
        record, stored = content["record"], content["hash"]
        seq, expected = record["seq"], self._expected()
        if seq != expected:
            raise Bad(expected, "is missing: record {0} comes in its place", seq)
        if sha256(spelled(line)).hex() != stored or json.loads(spelled(line)) != record:
            raise Bad(seq, "was changed: its hash does not fit its content")
        if self.header["complete"]:
            self._link(seq, record["previous_hash"], stored)
        else:
            self._prove(seq, stored, content)
        self.records += 1

    def _link(self, seq: int, previous: str, stored: str) -> None:
        if previous != self._previous:
            raise Bad(max(seq - 1, 0), "was rewritten: record {0} follows another one of that number", seq)
        if self._place >= len(self.checkpoints.all):
            raise Bad(seq, "is covered by no checkpoint")
        document = self.checkpoints.all[self._place]
        statement, hashes = document["statement"], document.get("hashes")
        if hashes and hashes[seq - statement["first"]] != stored:
            raise Bad(seq, "was rewritten: checkpoint {0} holds another hash of it", statement["number"])
        self._previous = stored
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
        self.ended = True
        self._check_count()
        signed = {name: content[name] for name in ("kind", "records", "lines", "key_id")}
        key = self.checkpoints.keys.get(content["key_id"])
        if key is None or not signed_by(key, canonical(signed), content["signature"]):
            raise Bad(None, "the signature at the end of the file does not hold")
        if self._lines.hexdigest() != content["lines"] or self.records != content["records"]:
            raise Bad(None, "the file was changed after it was signed")

    def _check_count(self) -> None:
        if self.header["complete"]:
            self.checkpoints.check_end(self.records, self.header["head"]["seq"])
        elif (missing := self._expected()) is not None:
            raise Bad(missing, "is missing")


def checkpoints_of(folder: str | Path) -> dict[int, Any]:
    """The checkpoints of a write-once folder, number → document."""
    documents = (json.loads(path.read_bytes()) for path in sorted(Path(folder).glob("*.json")))
    return {document["statement"]["number"]: document for document in documents}


def check_path(path: Path, key: str, outside: dict[int, Any]) -> list[Any]:
    """What an export is, in sentences. Raises Bad for what was changed."""
    if path.suffix == ".jsonl":
        with path.open("rb") as stream:
            return _lines_said(stream, key, outside)
    if not zipfile.is_zipfile(path):
        signature = json.loads(path.with_name("signature.json").read_bytes())
        return _file_said(path.read_bytes(), signature, key)
    with zipfile.ZipFile(path) as archive:
        said = []
        if "record.jsonl" in archive.namelist():
            said = _lines_said(archive.open("record.jsonl"), key, outside)
        signature = json.loads(archive.read("signature.json"))
        return said + _file_said(archive.read(signature["statement"]["file"]), signature, key)


def _lines_said(stream: Iterable[bytes], key: str, outside: dict[int, Any]) -> list[Any]:
    export = Export(key=key, outside=outside)
    export.read(stream)
    what = ("the whole record",) if export.header["complete"] else ("a part of the record",)
    keys = [] if key else export.checkpoints.keys
    return [
        ("{0} entries, {1}, exported at {2}: intact.", export.records, what, export.header["made_at"]),
        ("{0} signed checkpoints agree with it.", len(export.checkpoints.all)),
        *(("Signed with key {0}. Compare it with the key that you noted down.", key_id) for key_id in keys),
    ]


def _file_said(data: bytes, signature: dict[str, Any], key: str) -> list[Any]:
    """A file that is signed by the signature.json beside it: record.csv, record.pdf."""
    statement, trusted = signature["statement"], key.split(",") if key else [signature["public_key"]]
    signers = [one for one in trusted if signed_by(one, canonical(statement), signature["signature"])]
    if not signers:
        raise Bad(None, "the signature does not hold")
    if sha256(data).hex() != statement["sha256"]:
        raise Bad(None, "{0} was changed after it was signed", statement["file"])
    return [("{0} is as it was signed with key {1}.", statement["file"], key_id_of(signers[0]))]


def main(arguments: list[str] | None = None) -> int:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("file", help="EXPORT.zip, record.jsonl, or record.csv beside its signature.json")
    parser.add_argument("--checkpoints", help="the write-once folder of checkpoints, or a copy of it")
    parser.add_argument("--key", default="", help="the public key that you trust; several with commas")
    parser.add_argument("--language", choices=("en", "ru"), default=language_of_terminal())
    options = parser.parse_args(arguments)
    try:
        outside = checkpoints_of(options.checkpoints) if options.checkpoints else {}
        status, said = 0, check_path(Path(options.file), options.key, outside)
    except Bad as bad:
        status, said = 1, [bad.named]
    except (Unreadable, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        what = error.args if isinstance(error, Told) else error
        status, said = 2, [("This cannot be checked: {0}", what)]
    for sentence in said:
        print(worded(sentence, options.language))  # noqa: T201 - what it found is its output
    return status


if __name__ == "__main__":
    sys.exit(main())
