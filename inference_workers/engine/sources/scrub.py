"""Takes credentials that we know out of text, besides those that look like some (`contracts.scrub`)."""

from collections.abc import Iterable
from urllib.parse import quote

from inference_workers.contracts.scrub import HIDDEN, scrub_text


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace known secrets, plain and URL-quoted, then everything that looks like a credential."""
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return scrub_text(text)
