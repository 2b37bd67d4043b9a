"""PDF from HTML. Nothing is fetched: a document carries its pictures inside, or it has none."""

from django.utils.translation import gettext as _

from apps.core.errors import Unavailable


def pdf_of(html: str) -> bytes:
    """The PDF of an HTML document; FatalURLFetchingError when it names anything outside of itself.

    The libraries are loaded when the first document is made: without them everything else still works.
    """
    try:
        from apps.core import pdf_layout
    except OSError as error:
        raise Unavailable(
            "pdf_unavailable",
            _(
                "PDF documents cannot be made here: libraries of the system are missing. An administrator "
                "can install them: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0."
            ),
        ) from error
    return pdf_layout.write(html)
