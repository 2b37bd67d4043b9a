"""What is kept of recognised text."""

import unicodedata

# Marks that steer display only: they would break search, and a sign must not steer our pages.
_BIDI_MARKS = dict.fromkeys([*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C])
MAX_CHARACTERS = 500


def clean(text: str) -> str:
    """Logical order kept, bidi marks and control characters dropped, spaces single, NFC, bounded."""
    text = unicodedata.normalize("NFC", text.translate(_BIDI_MARKS))
    kept = (c if unicodedata.category(c)[0] not in "CZ" else " " for c in text)
    return " ".join("".join(kept).split())[:MAX_CHARACTERS]
