"""REST: what was recorded, and the files. Redacted, as everything that leaves by the API."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.clock import now
from apps.core.context import current_context
from apps.detections.api import PURPOSE, REDACTION
from apps.detections.looks import NOT_STATED
from apps.recordings import media, selectors
from apps.recordings.serializers import SegmentQuery, SegmentSerializer

READ = TokenAction.RECORDINGS_READ
VIDEO: dict[Any, Any] = {
    (200, "video/mp4"): OpenApiResponse(OpenApiTypes.BINARY, "Redacted video, H.264 in fragmented MP4."),
    (206, "video/mp4"): OpenApiResponse(OpenApiTypes.BINARY, "The part that the header Range asks for."),
}


class Mp4Renderer(BaseRenderer):
    """Lets `Accept: video/mp4` through; files are answered past the renderers, problems are JSON."""

    media_type = "video/mp4"
    format = "mp4"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return bytes(JSONRenderer().render(data))


class SegmentsView(ApiView):
    capability = Capability.SEE_RECORDINGS
    required_action = READ
    pagination_class = KeysetPagination
    keyset_ordering = ("-started_at", "-id")

    @extend_schema(
        operation_id="segments_list", parameters=[SegmentQuery], responses=SegmentSerializer(many=True)
    )
    def get(self, request: Request, camera_id: UUID) -> Response:
        """Recorded segments of a camera, newest first; of the last day unless `since` says otherwise."""
        user = user_of(request)
        camera = access_camera(
            user, camera_id, purpose=current_context().purpose, capability=Capability.SEE_RECORDINGS
        )
        query = checked(SegmentQuery, request.query_params)
        until = query.get("until") or now()
        since = query.get("since") or until - timedelta(days=1)
        purpose = current_context().purpose or NOT_STATED
        segments = selectors.segments_seen(user, camera, since, until, purpose)
        return page_of(self, request, segments, SegmentSerializer)


class SegmentVideoView(ApiView):
    capability = Capability.SEE_RECORDINGS
    required_action = READ
    renderer_classes = [Mp4Renderer]

    @extend_schema(parameters=[PURPOSE, REDACTION], responses=VIDEO)
    def get(self, request: Request, segment_id: UUID) -> HttpResponseBase:
        """The file of a segment. Takes a header Range. Each answer is an entry in the record."""
        wanted = request.headers.get("Range", "")
        return media.segment_response(user_of(request), segment_id, stated_purpose(), wanted)
