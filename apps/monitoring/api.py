"""REST: what second looks found at a camera, and alerts with what people decide about them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.core.api import ApiView, KeysetPagination
from apps.core.clock import now
from apps.core.context import current_context
from apps.monitoring import selectors, services
from apps.monitoring.leaks import leak_figures
from apps.monitoring.models import Alert, LeakHour

HOURS = 48


class LeakHourSerializer(serializers.ModelSerializer[LeakHour]):
    class Meta:
        model = LeakHour
        fields = ("hour", "kind", "frames", "leaky", "leaks", "on_covers")
        read_only_fields = fields


class LeakFiguresSerializer(serializers.Serializer[Any]):
    """Rates are pictures with an uncovered face per 10,000; `low` and `high` bound the true one (95 %)."""

    frames = serializers.IntegerField()
    leaky = serializers.IntegerField(help_text="Pictures with at least one uncovered face.")
    leaks = serializers.IntegerField(help_text="Uncovered faces.")
    on_covers = serializers.IntegerField(help_text="Finds that lie on a cover: no leak, but a weak cover.")
    per_10000 = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A camera with two finds in a day",
            value={
                "camera": "7c9a4b1e-0a5e-4f3c-9a51-4d2f6f1f0a11",
                "limit_per_10000": 50.0,
                "day": {
                    "frames": 720, "leaky": 2, "leaks": 2, "on_covers": 5,
                    "per_10000": 27.8, "low": 3.4, "high": 100.0,
                },
                "all": {
                    "frames": 9120, "leaky": 4, "leaks": 5, "on_covers": 61,
                    "per_10000": 4.4, "low": 1.2, "high": 11.2,
                },
                "hours": [
                    {
                        "hour": "2026-11-24T08:00:00Z", "kind": "live", "frames": 30, "leaky": 0,
                        "leaks": 0, "on_covers": 1,
                    }
                ],
                "exports_quarantined_at": None,
                "policy_raised_at": None,
            },
            response_only=True,
        )
    ]
)  # fmt: skip
class LeaksSerializer(serializers.Serializer[Any]):
    camera = serializers.UUIDField()
    limit_per_10000 = serializers.FloatField()
    day = LeakFiguresSerializer(help_text="The last 24 hours.")
    all = LeakFiguresSerializer(help_text="Since counting began.")
    hours = LeakHourSerializer(many=True, help_text="The newest hours, newest first.")
    exports_quarantined_at = serializers.DateTimeField(allow_null=True)
    policy_raised_at = serializers.DateTimeField(allow_null=True)


class AlertSerializer(serializers.ModelSerializer[Alert]):
    camera = serializers.UUIDField(source="camera_id", read_only=True)
    facts = serializers.DictField(
        read_only=True, help_text="The counts when the alert was raised or renewed."
    )

    class Meta:
        model = Alert
        fields = (
            "id", "camera", "kind", "state", "opened_at", "changed_at", "changed_by_name", "facts", "note",
            "version",
        )  # fmt: skip
        read_only_fields = fields


class AlertVersion(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class AlertClosing(AlertVersion):
    note = serializers.CharField(max_length=500, help_text="What was found and done; part of the record.")
    lower = serializers.BooleanField(default=False, help_text="Also end covering whole persons.")


class LeaksView(ApiView):
    capability = Capability.SEE_CAMERAS
    required_action = TokenAction.CAMERAS_READ

    @extend_schema(operation_id="camera_leaks", responses=LeaksSerializer)
    def get(self, request: Request, camera_id: UUID) -> Response:
        """What second looks at redacted pictures of this camera found."""
        camera = access_camera(
            user_of(request),
            camera_id,
            purpose=current_context().purpose,
            capability=Capability.SEE_CAMERAS,
        )
        return Response(LeaksSerializer(_leaks(camera)).data)


def _leaks(camera: Camera) -> dict[str, Any]:
    guard = selectors.leak_guard(camera)
    return {
        "camera": camera.pk,
        "limit_per_10000": settings.LEAK_LIMIT_PER_10000,
        "day": leak_figures(camera, now() - timedelta(hours=24)).facts(),
        "all": leak_figures(camera).facts(),
        "hours": selectors.leak_hours(camera, HOURS),
        "exports_quarantined_at": guard.exports_quarantined_at,
        "policy_raised_at": guard.policy_raised_at,
    }


class AlertsView(ApiView):
    capability = Capability.SEE_CAMERAS
    required_action = TokenAction.CAMERAS_READ
    pagination_class = KeysetPagination
    keyset_ordering = ("-opened_at", "-id")

    @extend_schema(operation_id="alerts_list", responses=AlertSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Alerts of the cameras that are open to you, newest first."""
        return page_of(self, request, selectors.alerts_for(user_of(request)), AlertSerializer)


class AlertView(ApiView):
    capability = Capability.SEE_CAMERAS
    required_action = TokenAction.CAMERAS_READ

    @extend_schema(responses=AlertSerializer)
    def get(self, request: Request, alert_id: UUID) -> Response:
        return Response(AlertSerializer(selectors.alert_get(user_of(request), alert_id)).data)


class AlertAcknowledgeView(ApiView):
    """Never with a token: a person decides."""

    capability = Capability.REVIEW_LEAKS

    @extend_schema(request=AlertVersion, responses=AlertSerializer)
    def post(self, request: Request, alert_id: UUID) -> Response:
        user = user_of(request)
        alert = selectors.alert_get(user, alert_id)
        values = checked(AlertVersion, request.data)
        services.alert_acknowledge(acting_user=user, alert=alert, **values)
        return Response(AlertSerializer(alert).data)


class AlertCloseView(ApiView):
    capability = Capability.REVIEW_LEAKS

    @extend_schema(request=AlertClosing, responses=AlertSerializer)
    def post(self, request: Request, alert_id: UUID) -> Response:
        """Say what was found; exports of the camera are free again."""
        user = user_of(request)
        alert = selectors.alert_get(user, alert_id)
        services.alert_close(acting_user=user, alert=alert, **checked(AlertClosing, request.data))
        return Response(AlertSerializer(alert).data)
