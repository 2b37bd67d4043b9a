#!/usr/bin/env python3
"""Checks an exported record of Vidette. Needs Python 3.9 or newer and the package `cryptography` alone.

    python3 verify_record.py EXPORT.zip
    python3 verify_record.py record.jsonl --checkpoints FOLDER --key PUBLIC_KEY

`--checkpoints` names the write-once folder of the installation, or a copy of it: with it, a record that was
rewritten as a whole before it was exported is found as well. `--key` is the public key that you noted down;
without it the key in the file is believed, and its fingerprint is printed for you to compare.

Exit status: 0 all is well, 1 something was changed (the first bad record is named), 2 it cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
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


class Bad(Exception):
    """Something was changed. `seq` is the first bad record, or None where no single record can be named."""

    def __init__(self, seq: int | None, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq
        self.reason = reason


class Unreadable(Exception):
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
            raise Bad(None, f"the hashes of checkpoint {statement['number']} are not those that were signed")
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
            raise Bad(None, f"checkpoint {statement['number']} is signed with a key that is not trusted")
        if not signed_by(key, canonical(statement), document["signature"]):
            raise Bad(None, f"the signature of checkpoint {statement['number']} does not hold")

    def _check_order(self, statement: dict[str, Any]) -> None:
        before = self.all[-1]["statement"] if self.all else None
        digest = hashlib.sha256(canonical(before)).hexdigest() if before else NOTHING_BEFORE
        first = before["last"] + 1 if before else 0
        if statement["previous"] != digest or statement["first"] != first:
            raise Bad(first, f"checkpoint {statement['number']} does not follow the one before")

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
                raise Bad(self._expected(), f"cannot be read: {type(error).__name__} {error}") from error
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
            raise Bad(expected, f"is missing: record {seq} comes in its place")
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
            raise Bad(seq, f"was rewritten: checkpoint {statement['number']} holds another hash of it")
        self._span.append(stored)
        if seq == statement["last"]:
            if stored != statement["hash"] or tree_root(self._span) != statement["root"]:
                raise Bad(statement["first"], f"or one up to {seq} was rewritten: the checkpoint differs")
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
            raise Bad(self._next_seq, f"is missing: the record goes on to {last}")
        behind = self.checkpoints.missing_behind(self._next_seq - 1)
        if behind is not None:
            raise Bad(
                self._next_seq,
                f"is missing: checkpoint {behind['number']} names records up to {behind['last']}",
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
    path: str | Path, *, key: str = "", outside: dict[int, Any] | None = None, say: Callable[[str], Any]
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
    stream: IO[bytes], key: str, outside: dict[int, Any] | None, say: Callable[[str], Any]
) -> None:
    export = Export(key=key, outside=outside)
    export.read(stream)
    what = "the whole record" if export.header["complete"] else "a part of the record"
    say(f"{export.records} entries, {what}, exported at {export.header['made_at']}: intact.\n")
    say(f"{len(export.checkpoints.all)} signed checkpoints agree with it.\n")
    if not key:
        for key_id in export.checkpoints.keys:
            say(f"Signed with key {key_id}. Compare it with the key that you noted down.\n")


def _check_file(data: bytes, signature: dict[str, Any], key: str, say: Callable[[str], Any]) -> None:
    """A file that is signed by the signature.json beside it: record.csv, record.pdf."""
    statement, public_key = signature["statement"], str(key or signature["public_key"])
    if not signed_by(public_key, canonical(statement), signature["signature"]):
        raise Bad(None, "the signature does not hold")
    if hashlib.sha256(data).hexdigest() != statement["sha256"]:
        raise Bad(None, f"{statement['file']} was changed after it was signed")
    say(f"{statement['file']} is as it was signed with key {key_id_of(public_key)}.\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="EXPORT.zip, record.jsonl, or record.csv beside its signature.json")
    parser.add_argument("--checkpoints", help="the write-once folder of checkpoints, or a copy of it")
    parser.add_argument("--key", default="", help="the public key that you trust; several with commas")
    options = parser.parse_args(arguments)
    say = sys.stdout.write
    try:
        outside = checkpoints_of(options.checkpoints) if options.checkpoints else None
        check_path(options.file, key=options.key, outside=outside, say=say)
    except Bad as bad:
        named = f"Record {bad.seq} {bad.reason}" if bad.seq is not None else f"Not intact: {bad.reason}"
        say(named + ".\n")
        return 1
    except (Unreadable, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        say(f"This cannot be checked: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
