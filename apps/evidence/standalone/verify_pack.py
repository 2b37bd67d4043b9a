#!/usr/bin/env python3
"""Checks an evidence pack of Vidette. Needs Python 3.9 or newer and the package `cryptography` alone.

    python3 verify_pack.py PACK.zip
    python3 verify_pack.py PACK.zip --key PUBLIC_KEY

Every byte of the pack is checked, those between the files too: the names, sizes and checksums of the archive
follow from the signed manifest, so a single flipped bit names the file that it is in. `--key` is the public
key that you noted down; without it the key in the pack is believed, and its fingerprint is printed for you
to compare. With verify_record.py beside this script the extract of the record inside is checked as well.
`--language ru` speaks Russian, as the language of the terminal does without it.

Take both scripts from the installation or from somebody you trust, not from the pack that you check.

Exit status: 0 all is well, 1 something was changed (it is named), 2 it cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST, SIGNATURE, RECORD = "manifest.json", "signature.json", "record.jsonl"
DIRECTORY = "the archive's list of files"
MANIFEST_KIND, SIGNATURE_KIND = "vidette.evidence.manifest", "vidette.evidence.pack"
FORMAT = 1
MOST_BYTES = 64 * 1024 * 1024  # of the manifest and of the signature
_CHUNK = 1024 * 1024
_UTF8_NAMES, _VERSION, _DAY = 0x0800, 20, 0x0021  # 1 January 1980: the times are in the manifest
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")


# The sentences in Russian; verify.html has the same list.
RUSSIAN = {
    "{0} {1}.": "{0} {1}.",
    "This cannot be checked: {0}": "Проверить это нельзя: {0}",
    DIRECTORY: "список файлов архива",
    "was changed": "изменён",
    "is cut or changed": "обрезан или изменён",
    "was changed: its size cannot be": "изменён: такого размера быть не может",
    "is cut: {0} of {1} bytes are there": "обрезан: есть байтов {0} из {1}",
    "was changed: its SHA-256 is not the one that was signed":
        "изменён: его SHA-256 не тот, что был подписан",
    "was changed: it is not the one that was signed": "изменён: подписан был другой",
    "has a changed header in the archive": "имеет изменённый заголовок в архиве",
    "is made with key {0}, which is not trusted": "подписан ключом {0}, которому нет доверия",
    "does not hold": "не сходится",
    "is that of something else": "подписывает что-то другое",
    "is not what was chained: record {0} {1}": "не то, что было в цепочке: запись {0} {1}",
    "is not what was chained: {0}": "не то, что было в цепочке: {0}",
    "cannot be read: {0}": "не читается: {0}",
    "This is no evidence pack.": "Это не пакет доказательств.",
    "This pack is of another version of Vidette.": "Этот пакет от другой версии Vidette.",
    "Entries of the record in it: {0}, proven by signed checkpoints: {1}.":
        "Записей журнала в нём: {0}, подтверждающих их подписанных контрольных точек: {1}.",
    "which you gave": "который вы указали",
    "which the pack brings: compare it with the one that you noted down":
        "который приложен к пакету: сравните его с ключом, который вы записали",
    "Signed with key {0}, {1}.": "Подписано ключом {0}, {1}.",
    "Intact: {0} files, pack {1}.": "Цело: файлов {0}, пакет {1}.",
}  # fmt: skip
RUSSIAN_HERE = {  # of this script alone
    "Its extract of the record was not checked: verify_record.py does not lie beside this script.":
        "Выписка из журнала не проверена: рядом с этой программой нет verify_record.py.",
    "{0} cannot be loaded.": "{0} не загружается.",
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
    """Something was changed. `name` is the file that it is in."""

    def __init__(self, name: str, template: str, *values: Any) -> None:
        super().__init__(template, *values)
        self.name = name

    @property
    def named(self) -> tuple[Any, ...]:
        """The whole sentence, with the file."""
        return ("{0} {1}.", (self.name,) if self.name == DIRECTORY else self.name, self.args)


class Unreadable(Told):
    """This is no evidence pack."""


@dataclass(frozen=True)
class Entry:
    """One file of the archive, stored as it is; the times and attributes are the same for all."""

    name: str
    crc: int
    size: int

    def header(self) -> bytes:
        name = self.name.encode()
        return (
            _LOCAL.pack(
                0x04034B50, _VERSION, _UTF8_NAMES, 0, 0, _DAY, self.crc, self.size, self.size, len(name), 0
            )
            + name
        )

    def listed(self, offset: int) -> bytes:
        name = self.name.encode()
        fixed = (0x02014B50, 0x0300 | _VERSION, _VERSION, _UTF8_NAMES, 0, 0, _DAY)
        sizes = (self.crc, self.size, self.size, len(name), 0, 0, 0, 0, 0o100644 << 16, offset)
        return _CENTRAL.pack(*fixed, *sizes) + name


def directory(entries: list[Entry]) -> bytes:
    """All that follows the files: the list of them, and the end of the archive."""
    offset, listed = 0, b""
    for entry in entries:
        listed += entry.listed(offset)
        offset += len(entry.header()) + entry.size
    count = len(entries)
    return listed + _END.pack(0x06054B50, 0, 0, count, count, len(listed), offset, 0)


def canonical(value: Any) -> bytes:
    """The bytes that were signed: RFC 8785 for a statement of texts and whole numbers."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_id_of(public_key: str) -> str:
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:16]


@dataclass
class Pack:
    """One pass over a pack; what does not fit is gathered in `found`, in the order of the archive."""

    stream: IO[bytes]
    keys: tuple[str, ...] = ()
    found: list[Bad] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
    signed_with: str = ""
    record_at: tuple[int, int] = (0, 0)  # where the extract of the record lies, and how long it is
    _entries: list[Entry] = field(default_factory=list)

    def check(self) -> list[Bad]:
        """Raises Unreadable, and Bad when the manifest itself is not what was signed."""
        content = self._head(MANIFEST)
        signature = self._head(SIGNATURE)
        self.signed_with = check_signature(content, signature, self.keys)
        self.manifest = json.loads(content)
        if self.manifest.get("kind") != MANIFEST_KIND or self.manifest.get("format") != FORMAT:
            raise Unreadable("This pack is of another version of Vidette.")
        for told in self.manifest["files"]:
            self._file(told["name"], told["bytes"], told["sha256"])
        expected = directory(self._entries)
        rest = self.stream.read(len(expected) + 1)
        if not self.found and rest != expected:
            self.found.append(Bad(DIRECTORY, "was changed"))
        return self.found

    def _head(self, name: str) -> bytes:
        """A file at the front, whose size only its own header tells."""
        length = _LOCAL.size + len(name)
        header = self.stream.read(length)
        if len(header) < length or (name == MANIFEST and not header.startswith(b"PK")):
            if name == MANIFEST and header[_LOCAL.size :] != name.encode():
                raise Unreadable("This is no evidence pack.")
            raise Bad(name, "is cut or changed")
        size = _LOCAL.unpack(header[: _LOCAL.size])[7]
        if size > MOST_BYTES:
            raise Bad(name, "was changed: its size cannot be")
        content = self.stream.read(size)
        entry = Entry(name, zlib.crc32(content), len(content))
        if header != entry.header():
            raise Bad(name, "was changed")
        self._entries.append(entry)
        return content

    def _file(self, name: str, size: int, sha256: str) -> None:
        header = self.stream.read(_LOCAL.size + len(name.encode()))
        if name == RECORD:
            self.record_at = (self.stream.tell(), size)
        digest, crc, got = hashlib.sha256(), 0, 0
        for chunk in self._chunks(size):
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
            got += len(chunk)
        entry = Entry(name, crc, size)
        self._entries.append(entry)
        if got != size:
            self.found.append(Bad(name, "is cut: {0} of {1} bytes are there", got, size))
        elif digest.hexdigest() != sha256:
            self.found.append(Bad(name, "was changed: its SHA-256 is not the one that was signed"))
        elif header != entry.header():
            self.found.append(Bad(name, "has a changed header in the archive"))

    def _chunks(self, size: int) -> Iterator[bytes]:
        while size > 0:
            chunk = self.stream.read(min(size, _CHUNK))
            if not chunk:
                return
            size -= len(chunk)
            yield chunk


def check_signature(manifest: bytes, signature: bytes, keys: tuple[str, ...]) -> str:
    """The public key that signed the manifest. Raises Bad when the signature does not hold."""
    try:
        document = json.loads(signature)
        statement, public_key = document["statement"], document["public_key"]
        value = bytes.fromhex(document["signature"])
        spelled = {"statement": statement, "signature": value.hex(), "public_key": public_key}
        known = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        is_text = all(isinstance(text, str) for text in statement.values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Bad(SIGNATURE, "was changed") from error
    if not is_text or canonical(spelled) != signature or bytes.fromhex(public_key).hex() != public_key:
        raise Bad(SIGNATURE, "was changed")
    if keys and public_key not in keys:
        raise Bad(SIGNATURE, "is made with key {0}, which is not trusted", key_id_of(public_key))
    try:
        known.verify(value, canonical(statement))
    except InvalidSignature as error:
        raise Bad(SIGNATURE, "does not hold") from error
    if statement.get("kind") != SIGNATURE_KIND or statement.get("key_id") != key_id_of(public_key):
        raise Bad(SIGNATURE, "is that of something else")
    if statement.get("manifest_sha256") != hashlib.sha256(manifest).hexdigest():
        raise Bad(MANIFEST, "was changed: it is not the one that was signed")
    return str(public_key)


def main(arguments: list[str] | None = None) -> int:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("file", help="PACK.zip")
    parser.add_argument("--key", default="", help="the public key that you trust; several with commas")
    parser.add_argument("--language", choices=("en", "ru"), default=language_of_terminal())
    options = parser.parse_args(arguments)
    keys = tuple(key.strip() for key in options.key.split(",") if key.strip())
    try:
        with Path(options.file).open("rb") as stream:
            status, said = verdict(Pack(stream, keys))
    except Bad as bad:
        status, said = 1, [bad.named]
    except (Unreadable, OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        what = error.args if isinstance(error, Told) else error
        status, said = 2, [("This cannot be checked: {0}", what)]
    for sentence in said:
        print(worded(sentence, options.language))  # noqa: T201 - what it found is its output
    return status


def verdict(pack: Pack) -> tuple[int, list[Any]]:
    """The exit status and what there is to say. Raises Bad and Unreadable."""
    found = pack.check()
    if found:
        return 1, [bad.named for bad in found]
    brought = ("which the pack brings: compare it with the one that you noted down",)
    return 0, [
        ("Intact: {0} files, pack {1}.", len(pack.manifest["files"]), pack.manifest["pack"]),
        _record_said(pack),
        (
            "Signed with key {0}, {1}.",
            key_id_of(pack.signed_with),
            ("which you gave",) if pack.keys else brought,
        ),
    ]


def _record_said(pack: Pack) -> tuple[Any, ...]:
    path = Path(__file__).with_name("verify_record.py")
    if path.is_file():
        return check_record(pack, _loaded(path))
    return ("Its extract of the record was not checked: verify_record.py does not lie beside this script.",)


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Unreadable("{0} cannot be loaded.", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_record(pack: Pack, verifier: Any) -> tuple[Any, ...]:
    """What the extract of the record in an intact pack is worth; `verifier` is the module verify_record.

    Raises Bad where an entry is not the one that was signed.
    """
    start, size = pack.record_at
    pack.stream.seek(start)
    export = verifier.Export(key=",".join(pack.keys))
    RUSSIAN_HERE.update(verifier.RUSSIAN)
    try:
        export.read(io.BytesIO(pack.stream.read(size)))
    except verifier.Bad as bad:
        if bad.seq is None:
            raise Bad(RECORD, "is not what was chained: {0}", bad.args) from bad
        raise Bad(RECORD, "is not what was chained: record {0} {1}", bad.seq, bad.args) from bad
    except verifier.Unreadable as error:
        raise Bad(RECORD, "cannot be read: {0}", error.args) from error
    proofs = len(export.checkpoints.all)
    return ("Entries of the record in it: {0}, proven by signed checkpoints: {1}.", export.records, proofs)


if __name__ == "__main__":
    sys.exit(main())
