"""REST: files to redact. Uploads are stored while they arrive; every answer with a result is on record."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.core.api import ApiView, KeysetPagination, UnreadForm, unread_form
from apps.detections.api import PURPOSE
from apps.redactions import editing, media, services
from apps.redactions import serializers as forms
from apps.redactions.models import Redaction
from apps.redactions.options import models_now, options_checked
from apps.redactions.progress import progress_of
from apps.redactions.selectors import redaction_get, redactions_of
from apps.redactions.uploads import upload_received

WRITE = TokenAction.REDACTIONS_WRITE
MAY = Capability.REDACT_FILES
RANGE = OpenApiParameter(
    "Range", OpenApiTypes.STR, OpenApiParameter.HEADER, description="One range of bytes (RFC 9110)."
)
FILM: dict[Any, Any] = {
    (code, kind): OpenApiResponse(OpenApiTypes.BINARY, "The redacted film or picture, or a part of it.")
    for code in (200, 206)
    for kind in ("video/mp4", "image/jpeg", "image/png")
}


class AnyRenderer(BaseRenderer):
    """Films are answered past the renderers, whatever the client says that it takes; problems are JSON."""

    media_type = "*/*"
    format = "film"
    charset = None
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return bytes(JSONRenderer().render(data))


class RedactionsView(ApiView):
    capability = MAY
    required_action = WRITE
    parser_classes = [UnreadForm]
    pagination_class = KeysetPagination
    keyset_ordering = ("-created_at", "-id")

    @extend_schema(
        operation_id="redactions_list",
        parameters=[forms.RedactionsQuery],
        responses=forms.RedactionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Files and their work, newest first: a compliance officer's list is everybody's."""
        rows = redactions_of(user_of(request)).prefetch_related("edits")
        if state := checked(forms.RedactionsQuery, request.query_params).get("state"):
            rows = rows.filter(state=state)
        pages = KeysetPagination()
        found: list[Redaction] = pages.paginate_queryset(rows, request, view=self)
        progress = progress_of(found)
        return pages.get_paginated_response([forms.shown(row, progress[row.pk], request) for row in found])

    @extend_schema(
        operation_id="redactions_create",
        parameters=[PURPOSE],
        request={"multipart/form-data": forms.RedactionUpload},
        responses={202: forms.RedactionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Upload a picture or a film to be redacted. Send Content-Length; a film may be hours long.

        The answer is the ledger's row; ask for it again, or follow it over the websocket. The upload is
        deleted when the work ends, or some hours later when it is `editable`.
        """
        user, purpose = user_of(request), stated_purpose()
        models_now(("face",))
        with upload_received(request.META, unread_form(request)) as received:
            values = checked(forms.RedactionForm, received.fields)
            redaction = services.redaction_create(
                acting_user=user, received=received, options=options_checked(**values), purpose=purpose
            )
        response = _told(redaction, request, status.HTTP_202_ACCEPTED)
        response["Location"] = reverse("api:redaction", args=[redaction.pk], request=request)
        return response


def _told(redaction: Redaction, request: Request, code: int = status.HTTP_200_OK) -> Response:
    return Response(forms.shown(redaction, progress_of([redaction])[redaction.pk], request), status=code)


class RedactionView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(responses=forms.RedactionSerializer)
    def get(self, request: Request, redaction_id: UUID) -> Response:
        """One file, its progress, its edits."""
        return _told(redaction_get(user_of(request), redaction_id), request)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, redaction_id: UUID) -> Response:
        """Delete a finished redaction with everything that was stored for it."""
        user = user_of(request)
        services.redaction_delete(acting_user=user, redaction=redaction_get(user, redaction_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class _MoveView(ApiView):
    """One change of state; subclasses name the service."""

    capability = MAY
    required_action = WRITE
    parser_classes = [JSONParser]

    service: ClassVar[Callable[..., Redaction]]

    @extend_schema(request=None, responses=forms.RedactionSerializer)
    def post(self, request: Request, redaction_id: UUID) -> Response:
        user = user_of(request)
        return _told(self.service(acting_user=user, redaction=redaction_get(user, redaction_id)), request)


class PauseView(_MoveView):
    """Send nothing more to the workers; what they have in hand counts."""

    service = staticmethod(services.redaction_pause)


class ResumeView(_MoveView):
    """Go on after a pause."""

    service = staticmethod(services.redaction_resume)


class CancelView(_MoveView):
    """End the work and delete everything that was stored for it."""

    service = staticmethod(services.redaction_cancel)


class CloseView(_MoveView):
    """End the editing: the upload is deleted now, the result stays."""

    service = staticmethod(services.redaction_close)


class RenderView(_MoveView):
    """Make the film of the present edits; only segments whose covers changed are made anew."""

    service = staticmethod(editing.redaction_render)


class EditsView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(request=forms.EditInput, responses={201: forms.EditSerializer})
    def post(self, request: Request, redaction_id: UUID) -> Response:
        """Edit the result: the tracks follow at once, the film with `render`."""
        user = user_of(request)
        values = checked(forms.EditInput, request.data)
        redaction = redaction_get(user, redaction_id)
        made = editing.edit_make(acting_user=user, redaction=redaction, edit=editing.Edit(**values))
        return Response(forms.EditSerializer(made).data, status=status.HTTP_201_CREATED)


class UndoView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(request=None, responses=forms.EditSerializer)
    def post(self, request: Request, redaction_id: UUID) -> Response:
        """Take the newest edit back."""
        user = user_of(request)
        undone = editing.edit_undo(acting_user=user, redaction=redaction_get(user, redaction_id))
        return Response(forms.EditSerializer(undone).data)


def _wish(request: Request) -> media.Wish:
    download = checked(forms.ResultQuery, request.query_params)["download"]
    return media.Wish(request.headers.get("Range", ""), download, stated_purpose())


class ResultView(ApiView):
    capability = MAY
    required_action = WRITE
    renderer_classes = [AnyRenderer]

    @extend_schema(parameters=[PURPOSE, RANGE, forms.ResultQuery], responses=FILM)
    def get(self, request: Request, redaction_id: UUID) -> HttpResponseBase:
        """The redacted film or picture. Each request, ranges included, is one access on record."""
        user = user_of(request)
        return media.result_open(user, redaction_get(user, redaction_id), _wish(request))


class TracksView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(parameters=[PURPOSE, forms.ResultQuery], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, redaction_id: UUID) -> HttpResponseBase:
        """Where the covers are, over time. The access is recorded."""
        user = user_of(request)
        return media.tracks_open(user, redaction_get(user, redaction_id), _wish(request))


class ReportView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(parameters=[PURPOSE, forms.ResultQuery], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, redaction_id: UUID) -> HttpResponseBase:
        """The coverage report. The access is recorded."""
        user = user_of(request)
        return media.report_open(user, redaction_get(user, redaction_id), _wish(request))
