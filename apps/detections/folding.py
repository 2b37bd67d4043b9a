"""Text as it is searched: letters that look alike are one letter, whatever script they were read in.

A camera reads the plate А123ВС with Latin or with Cyrillic letters, depending on its reader and its
settings (MODELS §5), and a person types either. Both sides are folded by the same table.
"""

import unicodedata

MAX_FOLDED = 500
# Cyrillic and Greek small letters that look like a Latin letter, at least as capitals.
_LOOKS_LIKE = str.maketrans(
    "авекмнорстухіѕјԁһԛԝ" + "αβεζηικμνορτυχ",
    "abekmhopctyxisjdhqw" + "abezhikmnoptyx",
)
_DIGIT_LIKE = str.maketrans("o", "0")  # readers confuse the letter and the digit more than any other pair


def fold(text: str) -> str:
    """Letters and digits of `text`, compatibility forms and case removed, look-alikes replaced."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LOOKS_LIKE).translate(_DIGIT_LIKE)
    return "".join(letter for letter in plain if _kept(letter))[:MAX_FOLDED]


def _kept(letter: str) -> bool:
    """Letters, digits and the marks that some scripts write their vowels with."""
    return unicodedata.category(letter)[0] in "LNM"
