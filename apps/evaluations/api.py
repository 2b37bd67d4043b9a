"""REST: comparisons, replays and variants of models, so that a build server can drive them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.context import current_context
from apps.detections.api import PURPOSE
from apps.evaluations import comparing, results, selectors, serializers, sets, variants
from apps.registry.models import ModelVersion
from apps.registry.selectors import version_get

READ, WRITE = TokenAction.MODELS_READ, TokenAction.EVALUATIONS_WRITE
PAGE_PICTURES = 100
SEE, MAY = Capability.SEE_MODELS, Capability.EVALUATE_MODELS
JPEG: dict[Any, Any] = {
    (200, "image/jpeg"): OpenApiResponse(OpenApiTypes.BINARY, "A picture with its faces covered.")
}


class VersionView(ApiView):
    capability = SEE
    required_action = READ

    @extend_schema(responses=serializers.VersionWithGateSerializer)
    def get(self, request: Request, version_id: UUID) -> Response:
        """One version: its card, the lines of its check, and where its gate stands."""
        found = version_get(user_of(request), version_id)
        return Response(serializers.VersionWithGateSerializer(found).data)


class EvaluationsView(ApiView):
    capability = SEE
    required_action = READ
    pagination_class = KeysetPagination
    keyset_ordering = ("-created_at", "-id")

    @extend_schema(
        operation_id="evaluations_list",
        parameters=[serializers.EvaluationsQuery],
        responses=serializers.EvaluationSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Jobs of all kinds, newest first."""
        wanted = checked(serializers.EvaluationsQuery, request.query_params)
        rows = selectors.evaluations_for(user_of(request)).filter(**wanted)
        return page_of(self, request, rows, serializers.EvaluationSerializer)


class EvaluationView(ApiView):
    capability = SEE
    required_action = READ

    @extend_schema(responses=serializers.EvaluationSerializer)
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        """One job with its progress and its figures in short."""
        found = selectors.evaluation_get(user_of(request), evaluation_id)
        return Response(serializers.EvaluationSerializer(found).data)


class EvaluationResultView(ApiView):
    capability = SEE
    required_action = READ

    @extend_schema(parameters=[PURPOSE], responses=serializers.ResultField())
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        """The whole result: intervals, slices, classes, boxes of the pictures that got worse."""
        user = user_of(request)
        found = selectors.evaluation_get(user, evaluation_id)
        return Response(results.result_open(user, found, current_context().purpose))


class EvaluationPictureView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(parameters=[PURPOSE], responses=JPEG)
    def get(self, request: Request, evaluation_id: UUID, number: int) -> HttpResponse:
        """A picture that the result shows, faces covered. Every look is on record."""
        user, purpose = user_of(request), stated_purpose()
        return results.picture_open(user, selectors.evaluation_get(user, evaluation_id), number, purpose)


class EvaluationCancelView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(request=None, responses=serializers.EvaluationSerializer)
    def post(self, request: Request, evaluation_id: UUID) -> Response:
        """End a job that waits or runs."""
        user = user_of(request)
        found = selectors.evaluation_get(user, evaluation_id)
        comparing.evaluation_cancel(acting_user=user, evaluation=found)
        return Response(serializers.EvaluationSerializer(selectors.evaluation_get(user, evaluation_id)).data)


class _AskView(ApiView):
    capability = MAY
    required_action = WRITE

    def told(self, found: Any) -> Response:
        return Response(serializers.EvaluationSerializer(found).data, status=status.HTTP_202_ACCEPTED)

    def version(self, request: Request, key: object) -> ModelVersion:
        return version_get(user_of(request), key)


class ComparisonsView(_AskView):
    @extend_schema(request=serializers.ComparisonForm, responses={202: serializers.EvaluationSerializer})
    def post(self, request: Request) -> Response:
        """Compare a candidate with a base on a labelled set. Ask for the answer's id until it is done."""
        user, asked = user_of(request), checked(serializers.ComparisonForm, request.data)
        job = comparing.comparison_create(
            acting_user=user,
            candidate=self.version(request, asked["candidate"]),
            base=self.version(request, asked["base"]),
            set_version=selectors.set_get(user, asked["set_version"]),
            terms=comparing.Terms(asked["resamples"], asked["seed"], asked["margin"]),
        )
        return self.told(job)


class ReplaysView(_AskView):
    @extend_schema(
        parameters=[PURPOSE],
        request=serializers.ReplayForm,
        responses={202: serializers.EvaluationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Run a recorded window of a camera through two versions."""
        user, asked = user_of(request), checked(serializers.ReplayForm, request.data)
        purpose = stated_purpose()
        camera = access_camera(user, asked["camera"], purpose=purpose, capability=MAY)
        job = comparing.replay_create(
            acting_user=user,
            candidate=self.version(request, asked["candidate"]),
            base=self.version(request, asked["base"]),
            camera=camera,
            since=asked["since"],
            until=asked["until"],
            purpose=purpose,
        )
        return self.told(job)


class VariantsView(_AskView):
    @extend_schema(request=serializers.VariantForm, responses={202: serializers.EvaluationSerializer})
    def post(self, request: Request) -> Response:
        """Make an int8, fp16 or cleaned file of a version; the gate follows by itself."""
        user, asked = user_of(request), checked(serializers.VariantForm, request.data)
        gate_set = asked.get("gate_set")
        job = variants.variant_create(
            acting_user=user,
            parent=self.version(request, asked["version"]),
            kind=asked["kind"],
            calibration_set=selectors.set_get(user, asked["calibration_set"]),
            gate_set=selectors.set_get(user, gate_set) if gate_set else None,
            calibration=asked["calibration"],
        )
        return self.told(job)


class SetsView(ApiView):
    capability = SEE
    required_action = READ
    pagination_class = KeysetPagination
    keyset_ordering = ("-created_at", "-pk")

    @extend_schema(
        operation_id="labelled_sets_list",
        parameters=[serializers.SetsQuery],
        responses=serializers.SetSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Versions of labelled sets. They are imported with `manage.py datasets add`."""
        rows = selectors.sets_for(user_of(request)).filter(
            **checked(serializers.SetsQuery, request.query_params)
        )
        return page_of(self, request, rows, serializers.SetSerializer)


class SetView(ApiView):
    capability = SEE
    required_action = READ

    @extend_schema(responses=serializers.SetSerializer)
    def get(self, request: Request, set_id: UUID) -> Response:
        return Response(serializers.SetSerializer(selectors.set_get(user_of(request), set_id)).data)


class SetPicturesView(ApiView):
    capability = SEE
    required_action = READ

    @extend_schema(parameters=[serializers.PicturesQuery], responses=serializers.SetPicturesSerializer)
    def get(self, request: Request, set_id: UUID) -> Response:
        """What the labels say of the pictures, 100 at a time; no picture is shown."""
        user, asked = user_of(request), checked(serializers.PicturesQuery, request.query_params)
        found = selectors.set_get(user, set_id)
        rows = selectors.pictures_of(user, found, search=asked["search"], marked=asked["marked"])
        end = asked["start"] + PAGE_PICTURES
        answer = {
            "count": len(rows),
            "next_start": end if len(rows) > end else None,
            "results": rows[asked["start"] : end],
        }
        return Response(serializers.SetPicturesSerializer(answer).data)


class MustPassView(ApiView):
    capability = MAY
    required_action = WRITE

    @extend_schema(request=serializers.MustPassForm, responses=serializers.SetSerializer)
    def put(self, request: Request, set_id: UUID) -> Response:
        """Say that no version may miss an object on one picture, or take that back."""
        user, asked = user_of(request), checked(serializers.MustPassForm, request.data)
        version = sets.must_pass_set(acting_user=user, version=selectors.set_get(user, set_id), **asked)
        return Response(serializers.SetSerializer(version).data)
