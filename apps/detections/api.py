"""REST: events, snapshots, readings, the state of streams, and the feed."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.context import current_context
from apps.core.pictures import REDACTION_HEADER, jpeg_response
from apps.core.renderers import JpegRenderer
from apps.detections import looks, media, selectors, services
from apps.detections import serializers as forms
from apps.detections.accounts import accounting_for

READ, WRITE = TokenAction.EVENTS_READ, TokenAction.EVENTS_WRITE
PURPOSE = OpenApiParameter(
    "X-Vidette-Purpose",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=False,
    description="What the access is for; it goes into the record. A page's session may state it instead.",
)
PICTURE: dict[Any, Any] = {
    (200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY, "A redacted JPEG."),
}
REDACTION = OpenApiParameter(
    REDACTION_HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200],
    description="How people are covered: tracks, mosaic, image or redacted.",
)


class EventsView(ApiView):
    capability = Capability.SEE_EVENTS
    required_action = READ
    pagination_class = KeysetPagination
    keyset_ordering = ("-first_seen_at", "-id")

    @extend_schema(
        operation_id="events_list",
        parameters=[forms.EventQuery],
        responses=forms.EventSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Events, newest first. The search and the cameras whose events it shows are recorded."""
        user, query = user_of(request), checked(forms.EventQuery, request.query_params)
        events = selectors.events_search(user, **query)
        seen = partial(looks.events_seen, user, terms=query, purpose=current_context().purpose)
        return page_of(self, request, events, forms.EventSerializer, seen=seen)


class EventView(ApiView):
    capability = Capability.SEE_EVENTS
    required_action = READ

    @extend_schema(parameters=[PURPOSE], responses=forms.EventDetailSerializer)
    def get(self, request: Request, event_id: UUID) -> Response:
        """One event with its path, readings and flags. The access is recorded."""
        event = selectors.event_get(user_of(request), event_id, stated_purpose())
        return Response(forms.EventDetailSerializer(event).data)


class EventSnapshotView(ApiView):
    capability = Capability.SEE_EVENTS
    required_action = READ
    renderer_classes = [JpegRenderer]

    @extend_schema(parameters=[PURPOSE, REDACTION], responses=PICTURE)
    def get(self, request: Request, event_id: UUID) -> HttpResponse:
        """The redacted picture of an event. The access is recorded."""
        snapshot = media.snapshot_open(user_of(request), event_id, stated_purpose())
        return jpeg_response(snapshot.jpeg, snapshot.redaction)


class EventStatusView(ApiView):
    capability = Capability.TRIAGE_EVENTS
    required_action = WRITE

    @extend_schema(request=forms.StatusInput, responses=forms.EventSerializer)
    def post(self, request: Request, event_id: UUID) -> Response:
        user = user_of(request)
        event = selectors.event_look_up(user, event_id)
        values = checked(forms.StatusInput, request.data)
        services.event_set_status(acting_user=user, event=event, **values)
        return Response(forms.EventSerializer(event).data)


class EventFlagsView(ApiView):
    capability = Capability.FLAG_EVENTS
    required_action = WRITE

    @extend_schema(request=forms.FlagInput, responses={201: forms.FlagSerializer})
    def post(self, request: Request, event_id: UUID) -> Response:
        user = user_of(request)
        event = selectors.event_look_up(user, event_id)
        values = checked(forms.FlagInput, request.data)
        flag = services.event_flag(acting_user=user, event=event, **values)
        return Response(forms.FlagSerializer(flag).data, status=status.HTTP_201_CREATED)


class ReadingsView(ApiView):
    capability = Capability.SEE_EVENTS
    required_action = READ
    pagination_class = KeysetPagination
    keyset_ordering = ("-read_at", "-id")

    @extend_schema(
        operation_id="readings_list",
        parameters=[forms.ReadingQuery],
        responses=forms.ReadingSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Readings, newest first. The search and the cameras whose readings it shows are recorded."""
        user, query = user_of(request), checked(forms.ReadingQuery, request.query_params)
        readings = selectors.readings_search(user, **query)
        seen = partial(looks.readings_seen, user, terms=query, purpose=current_context().purpose)
        return page_of(self, request, readings, forms.ReadingSerializer, seen=seen)


class ReadingSnapshotView(ApiView):
    capability = Capability.SEE_EVENTS
    required_action = READ
    renderer_classes = [JpegRenderer]

    @extend_schema(parameters=[PURPOSE, REDACTION], responses=PICTURE)
    def get(self, request: Request, reading_id: UUID) -> HttpResponse:
        """The redacted picture in which a text was read. The access is recorded."""
        snapshot = media.reading_snapshot_open(user_of(request), reading_id, stated_purpose())
        return jpeg_response(snapshot.jpeg, snapshot.redaction)


class StatesView(ApiView):
    capability = Capability.SEE_CAMERAS
    required_action = TokenAction.CAMERAS_READ

    @extend_schema(operation_id="streams_list", responses=forms.StateSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The newest state of every camera that is open to you and has reported."""
        states = selectors.camera_states(user_of(request)).values()
        return Response(forms.StateSerializer(list(states), many=True).data)


class StreamView(ApiView):
    capability = Capability.SEE_CAMERAS
    required_action = TokenAction.CAMERAS_READ

    @extend_schema(responses=forms.StreamSerializer)
    def get(self, request: Request, camera_id: UUID) -> Response:
        """The state of one stream and where its frames went."""
        camera = access_camera(
            user_of(request),
            camera_id,
            purpose=current_context().purpose,
            capability=Capability.SEE_CAMERAS,
        )
        state = selectors.camera_states(user_of(request)).get(camera.pk)
        stream = {"state": state, "accounting": accounting_for(camera)}
        return Response(forms.StreamSerializer(stream).data)


class FeedView(ApiView):
    capability = Capability.SEE_EVENTS
    required_action = READ

    @extend_schema(parameters=[forms.FeedQuery], responses=forms.FeedPage)
    def get(self, request: Request) -> Response:
        """What happened after a number, oldest first, at most 200 entries: the catch-up of the websocket."""
        after = checked(forms.FeedQuery, request.query_params)["after"]
        head = selectors.feed_head()
        user = user_of(request)
        entries = selectors.feed_after(user, after)
        looks.feed_seen(user, entries, current_context().purpose)
        return Response(forms.FeedPage({"head": head, "entries": entries}).data)


class ProbePreviewView(ApiView):
    capability = Capability.MANAGE_CAMERAS
    required_action = TokenAction.CAMERAS_WRITE
    renderer_classes = [JpegRenderer]

    @extend_schema(parameters=[REDACTION], responses=PICTURE)
    def get(self, request: Request, probe_id: UUID) -> HttpResponse:
        """The picture of a camera's test, covered as a whole. The access is recorded."""
        return jpeg_response(media.preview_open(user_of(request), str(probe_id)), "mosaic")
