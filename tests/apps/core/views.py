"""Views and addresses that exist in tests alone."""

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import path
from redis.exceptions import ConnectionError as RedisAway
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.response import Response

from apps.accounts.roles import Capability, require
from apps.core.api import ApiView
from apps.core.context import current_context
from apps.core.errors import Conflict, NotFound, Unavailable
from webapp.urls import urlpatterns as product

ERRORS = {
    "missing": NotFound("camera"),
    "conflict": Conflict("changed_meanwhile", "Load the page again."),
    "unavailable": Unavailable("audit_unavailable", "The record cannot be written."),
    "http404": Http404("secret detail"),
    "denied": PermissionDenied("secret detail"),
    "busy": OperationalError("database is locked"),
    "redis": RedisAway("secret detail"),
    "bug": ZeroDivisionError("secret detail"),
}


def failing(request, name):
    raise ERRORS[name]


def context(request):
    return JsonResponse(vars(current_context()))


async def async_context(request):
    return JsonResponse({"request_id": (await request.auser()) and request.META["vidette.request_id"]})


def forbidden(request):
    require(request.user, Capability.SEE_RECORD)
    return HttpResponse()


class Failing(ApiView):
    capability = "see_cameras"
    required_action = "cameras:read"

    def get(self, request, name):
        raise ERRORS[name]


class Who(ApiView):
    capability = {"GET": "see_cameras", "POST": "manage_cameras"}
    required_action = {"GET": "cameras:read", "POST": "cameras:write"}

    def get(self, request):
        return Response(vars(current_context()))

    def post(self, request):
        serializer = Number(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data)

    def delete(self, request):
        return Response({"deleted": True})


class Silent(ApiView):
    def get(self, request):
        return Response({"secret": 1})


class Number(serializers.Serializer):
    number = serializers.IntegerField()


class Codename(serializers.ModelSerializer):
    class Meta:
        model = Permission
        fields = ("codename",)


class Codenames(ListAPIView):
    capability = "see_cameras"
    required_action = "cameras:read"
    queryset = Permission.objects.all()
    serializer_class = Codename
    keyset_ordering = ("codename", "-id")


urlpatterns = [
    path("page/<str:name>/", failing),
    path("context/", context),
    path("async/", async_context),
    path("forbidden/", forbidden),
    path("api/v1/fail/<str:name>/", Failing.as_view()),
    path("api/v1/who/", Who.as_view()),
    path("api/v1/silent/", Silent.as_view()),
    path("api/v1/codenames/", Codenames.as_view()),
    *product,
]
handler404 = "apps.core.handlers.page_not_found"
handler500 = "apps.core.handlers.server_error"
