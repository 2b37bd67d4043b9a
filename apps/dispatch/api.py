"""REST: pictures to analyse, and the ledger of that work."""

from collections.abc import Iterable
from typing import IO, Any, cast
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cameras.models import Script
from apps.core.api import ApiView
from apps.core.errors import Invalid
from apps.core.pictures import jpeg_response
from apps.core.renderers import JpegRenderer
from apps.detections.api import PICTURE, PURPOSE, REDACTION
from apps.detections.serializers import BoxField, ServedField
from apps.dispatch import uploads
from apps.dispatch.models import WorkItem, WorkState

_CHUNK = 64 * 1024
_FORM_OVERHEAD = 64 * 1024
_FINAL = (WorkState.DONE, WorkState.FAILED)


class ImageParser(BaseParser):
    """A raw picture as the body: handed on unread, so that its size is counted while it is stored."""

    media_type = "image/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, IO[Any]]:
        return {"image": stream}


class FrameQuery(serializers.Serializer[Any]):
    script = serializers.ChoiceField(choices=Script.choices, default=Script.LATIN.value)


class FrameForm(serializers.Serializer[Any]):
    image = serializers.FileField()


class FoundSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]  # a field's own label
    score = serializers.FloatField()
    box_xyxy = BoxField()
    text = serializers.CharField(allow_null=True)
    script = serializers.CharField(allow_null=True)


_DONE = {
    "id": "3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10",
    "state": "done",
    "created_at": "2026-11-24T08:00:00Z",
    "finished_at": "2026-11-24T08:00:01Z",
    "width": 1280,
    "height": 720,
    "detections": [
        {"label": "person", "score": 0.9, "box_xyxy": [0.1, 0.2, 0.2, 0.6], "text": None, "script": None}
    ],
    "readings": [
        {"label": "text", "score": 0.97, "box_xyxy": [0.4, 0.1, 0.6, 0.2], "text": "EXIT", "script": "latin"}
    ],
    "redaction": "image",
    "redacted_image": "http://localhost:8000/api/v1/work/3f1d2c84-6f0e-4d7b-9a40-2f8f2c6f3a10/picture",
    "served": {"faces": "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"},
    "error_code": "",
    "error": "",
}


@extend_schema_serializer(examples=[OpenApiExample("Done", value=_DONE, response_only=True)])
class WorkSerializer(serializers.Serializer[Any]):
    """One uploaded picture. `redacted_image` is null until the work is done."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=WorkState.choices)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    detections = FoundSerializer(many=True)
    readings = FoundSerializer(many=True)
    redaction = serializers.CharField()
    redacted_image = serializers.CharField(allow_null=True)
    served = ServedField()
    error_code = serializers.CharField()
    error = serializers.CharField()


def _shown(item: WorkItem, request: Request) -> dict[str, Any]:
    result = item.result
    found = result.get("found", [])
    done = item.state == WorkState.DONE
    link = reverse("api:work-picture", args=[item.pk], request=request) if done else None
    values = {
        "id": item.pk,
        "state": item.state,
        "created_at": item.created_at,
        "finished_at": item.finished_at,
        "width": result.get("width", 0),
        "height": result.get("height", 0),
        "detections": [row for row in found if row["text"] is None],
        "readings": [row for row in found if row["text"] is not None],
        "redaction": result.get("redaction", ""),
        "redacted_image": link,
        "served": result.get("served", {}),
        "error_code": item.error_code,
        "error": item.error,
    }
    return dict(WorkSerializer(values).data)


def _answer(item: WorkItem, request: Request) -> Response:
    """200 with the answer, 202 while it is being worked on."""
    finished = item.state in _FINAL
    response = Response(
        _shown(item, request), status=status.HTTP_200_OK if finished else status.HTTP_202_ACCEPTED
    )
    if not finished:
        response["Location"] = reverse("api:work", args=[item.pk], request=request)
        response["Retry-After"] = "2"
    return response


class FramesView(ApiView):
    capability = {"POST": Capability.ANALYSE_FRAMES}
    required_action = {"POST": TokenAction.FRAMES_WRITE}
    parser_classes = [MultiPartParser, ImageParser]

    @extend_schema(
        operation_id="frames_analyse",
        parameters=[
            FrameQuery,
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="The same key with the same picture gives the same work; with another, 409.",
            ),
        ],
        request={"multipart/form-data": FrameForm, "image/jpeg": OpenApiTypes.BINARY},
        responses={200: WorkSerializer, 202: WorkSerializer},
    )
    def post(self, request: Request) -> Response:
        """Analyse one JPEG, PNG or WebP picture: the answer within eight seconds, else 202 and a ledger id.

        The picture is deleted once it is analysed; the redacted one is kept for a week.
        """
        self._refuse_large(request)
        script = checked(FrameQuery, request.query_params)["script"]
        with uploads.upload_received(_chunks(request)) as upload:
            item = uploads.frame_submit(
                acting_user=user_of(request),
                upload=upload,
                script=script,
                idempotency_key=request.headers.get("Idempotency-Key", ""),
            )
        return _answer(item, request)

    def _refuse_large(self, request: Request) -> None:
        """Before the body is parsed."""
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if length.isdecimal() and int(length) > uploads.MAX_UPLOAD_BYTES + _FORM_OVERHEAD:
            raise uploads.too_large()


def _chunks(request: Request) -> Iterable[bytes]:
    image = request.data.get("image") if hasattr(request.data, "get") else None
    if isinstance(image, UploadedFile):
        return image.chunks(_CHUNK)
    if image is None or not hasattr(image, "read"):
        raise Invalid(
            "image_missing",
            _("Expected a picture as the body, or as the file “image” of a form."),
            field="image",
        )
    stream = cast(IO[bytes], image)
    return iter(lambda: stream.read(_CHUNK), b"")


class WorkView(ApiView):
    capability = {"GET": Capability.ANALYSE_FRAMES}
    required_action = {"GET": TokenAction.FRAMES_WRITE}

    @extend_schema(responses={200: WorkSerializer})
    def get(self, request: Request, work_id: UUID) -> Response:
        """One's own work, finished or not. The access is recorded."""
        return Response(_shown(uploads.work_read(user_of(request), work_id), request))


class WorkPictureView(ApiView):
    capability = {"GET": Capability.ANALYSE_FRAMES}
    required_action = {"GET": TokenAction.FRAMES_WRITE}
    renderer_classes = [JpegRenderer]

    @extend_schema(parameters=[PURPOSE, REDACTION], responses=PICTURE)
    def get(self, request: Request, work_id: UUID) -> HttpResponse:
        """The redacted picture of one's own work. The access is recorded."""
        snapshot = uploads.work_picture_open(user_of(request), work_id, stated_purpose())
        return jpeg_response(snapshot.jpeg, snapshot.redaction)
