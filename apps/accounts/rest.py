"""What the REST views of all apps share: the user, checked forms, pages, and the purpose of an access."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.core.api import KeysetPagination
from apps.core.clock import moment_problem
from apps.core.context import current_context
from apps.core.errors import DomainError


def user_of(request: Request) -> User:
    return cast(User, request.user)


def checked(form: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The values of a body or query; ValidationError names the fields that are wrong."""
    serializer = form(data=data)
    serializer.is_valid(raise_exception=True)
    values = cast(dict[str, Any], serializer.validated_data)
    moments = {name: value for name, value in values.items() if isinstance(value, datetime)}
    if problems := {name: [problem] for name, value in moments.items() if (problem := moment_problem(value))}:
        raise serializers.ValidationError(problems)
    return values


def page_of(
    view: APIView,
    request: Request,
    rows: QuerySet[Any],
    serializer: type[serializers.BaseSerializer[Any]],
    *,
    seen: Callable[[list[Any]], None] | None = None,
) -> Response:
    """One page of rows; `seen` gets them before they are shown, for the record."""
    pages = KeysetPagination()
    items = pages.paginate_queryset(rows, request, view=view)
    if seen is not None:
        seen(list(items or ()))
    return pages.get_paginated_response(serializer(items, many=True).data)


def stated_purpose() -> str:
    """Why somebody looks at people: never empty, because it goes into the record."""
    purpose = current_context().purpose
    if not purpose:
        raise DomainError(
            "purpose_required",
            _("Say what this access is for in the header X-Vidette-Purpose; it goes into the record."),
            HTTPStatus.BAD_REQUEST,
        )
    return purpose
