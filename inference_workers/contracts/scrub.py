"""Takes secrets out of text and of nested values before they reach a log, an error report or a person.

Both planes use this one scrubber. It prefers hiding too much: what looks like the user part of an address,
a header, an assignment or a sealed token is replaced, and so is every value below a key with a telling name.
It never raises, because it stands in the path of error reports.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden]"
MAX_TEXT_CHARACTERS = 50_000
MAX_DEPTH = 16

_LONGEST_RUN = 2000  # bounds the work on hostile text
_TELLING_NAMES = (
    r"passw(?:or)?d|passwd|passphrase|pwd|secret|token|authorization|cookie|credential|api_?key|private_?key"
    r"|field_?key|lease_?key|sessionid|session_?key|csrf|sealed|dsn"
)
_SECRET_KEY = re.compile(_TELLING_NAMES, re.IGNORECASE)
# Up to the last @ before a blank or quote: a password may itself hold / or @.
_USER_IN_URL = re.compile(rf"(?i)\b([a-z][a-z0-9+.-]{{0,20}}://)[^\s'\"<>]{{0,{_LONGEST_RUN}}}@")
_USER_IN_QUOTED_URL = re.compile(rf"(?i)(%3A%2F%2F)[^\s'\"<>&]{{0,{_LONGEST_RUN}}}%40")
_HEADER = re.compile(
    r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie)(\\?[\"']?\s*[:=]\s*\\?[\"']?)[^\r\n\"']+"
)
_SCHEME_AND_TOKEN = re.compile(r"(?i)\b(bearer|basic|digest|token)\s+[a-z0-9+/_.=-]{12,}")
# What stands before a telling name in its word is left out: it stays, and to look for it from every letter of
# a long word would take a time that grows with the square of its length.
_REST_OF_NAME = rf"[\w-]{{0,{_LONGEST_RUN}}}"
_QUOTED_VALUE = re.compile(
    rf"(?i)((?:{_TELLING_NAMES}){_REST_OF_NAME}\\?[\"']\s*:\s*)(\\?[\"'])(?:(?!\2).)*(\2|$)"
)
_ASSIGNED_VALUE = re.compile(
    rf"(?i)((?:{_TELLING_NAMES}){_REST_OF_NAME}=)(?:\\?\"[^\"]*\"?|\\?'[^']*'?|[^\s&,;)\"']+)"
)
_FERNET = re.compile(r"\bgAAAA[\w-]{40,}={0,2}")


def scrub_text(text: str) -> str:
    """`text` without credentials in addresses, headers, assignments and sealed tokens."""
    if len(text) > MAX_TEXT_CHARACTERS:
        text = f"{text[:MAX_TEXT_CHARACTERS]}… (cut)"
    text = _USER_IN_URL.sub(rf"\1{HIDDEN}@", text)
    text = _USER_IN_QUOTED_URL.sub(rf"\1{HIDDEN}%40", text)
    is_telling = _may_tell(text)
    if is_telling:
        text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _SCHEME_AND_TOKEN.sub(rf"\1 {HIDDEN}", text)
    if is_telling:
        text = _QUOTED_VALUE.sub(rf"\1\2{HIDDEN}\2", text)
        text = _ASSIGNED_VALUE.sub(rf"\1{HIDDEN}", text)
    return _FERNET.sub(HIDDEN, text)


def _may_tell(text: str) -> bool:
    """Whether a header, a quoted or an assigned value can be in it: those three patterns need a telling name
    and one of these marks, and cost far more than this question on a plain id or hash."""
    return (":" in text or "=" in text) and _SECRET_KEY.search(text) is not None


def scrub(value: Any, depth: int = 0) -> Any:
    """A copy of `value` in plain types with every secret hidden.

    Mappings, lists, tuples and sets are walked (sets become lists); numbers, booleans and None stay; anything
    else becomes its scrubbed text.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return scrub_text(value)
    if depth >= MAX_DEPTH:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {_name(key): _entry(key, item, depth) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [scrub(item, depth + 1) for item in value]
    return scrub_text(_text(value))


def _entry(key: Any, item: Any, depth: int) -> Any:
    if isinstance(key, str) and _SECRET_KEY.search(key) and not isinstance(item, (bool, type(None))):
        return HIDDEN
    return scrub(item, depth + 1)


def _name(key: Any) -> str:
    return scrub_text(key if isinstance(key, str) else _text(key))


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value[:MAX_TEXT_CHARACTERS]).decode("utf-8", "replace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not break an error report
        return f"[unprintable {type(value).__name__}]"
