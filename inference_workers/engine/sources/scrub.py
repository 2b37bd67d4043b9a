"""Takes credentials out of text before anybody sees it."""

import re
from collections.abc import Iterable
from urllib.parse import quote

_IN_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@'\"<>]*(?:@[^\s/@'\"<>]*)*@")
_HEADER = re.compile(r"(?im)\b((?:proxy-)?authorization\s*[:=]\s*)[^\r\n]+")
HIDDEN = "[hidden]"


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace known secrets (also URL-quoted), `scheme://user:pass@` and Authorization headers."""
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    text = _IN_URL.sub(rf"\1{HIDDEN}@", text)
    return _HEADER.sub(rf"\1{HIDDEN}", text)
