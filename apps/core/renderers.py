"""What an address that answers with a picture accepts; its errors are problem+json all the same."""

from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer


class JpegRenderer(BaseRenderer):
    """Lets `Accept: image/jpeg` through. Pictures are answered past the renderers; problems are JSON."""

    media_type = "image/jpeg"
    format = "jpeg"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return bytes(JSONRenderer().render(data))


class PdfRenderer(JpegRenderer):
    """The same for documents."""

    media_type = "application/pdf"
    format = "pdf"


class OctetRenderer(JpegRenderer):
    """The same for files that are only saved."""

    media_type = "application/octet-stream"
    format = "bin"
