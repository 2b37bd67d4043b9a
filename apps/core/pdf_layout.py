"""The part of PDF that needs the libraries of text layout (Pango)."""

from typing import cast

from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher


class EmbeddedOnly(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Opens `data:` addresses and nothing else; WeasyPrint's own would read files of this machine."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False)

    def fetch(self, url: str, headers: object = None) -> object:
        if not url.lower().startswith("data:"):
            raise FatalURLFetchingError(f"expected a data: address, got {url[:60]!r}")
        return super().fetch(url, headers)


def write(html: str) -> bytes:
    return cast(bytes, HTML(string=html, url_fetcher=EmbeddedOnly()).write_pdf())
