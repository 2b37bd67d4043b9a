"""REST: tickets for the websocket."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import user_of
from apps.accounts.roles import Capability
from apps.core.api import ApiView
from apps.core.context import current_context
from apps.live.identity import DEFAULT_PURPOSE
from apps.live.tickets import TICKET_TTL_S, Ticket, ticket_issue


class TicketSerializer(serializers.Serializer[Any]):
    ticket = serializers.CharField(help_text="Send it as the first message: type authenticate.")
    expires_in_s = serializers.IntegerField(help_text="It is valid once, for this long.")
    url = serializers.CharField(help_text="The path of the websocket.")


class TicketsView(ApiView):
    """A ticket stands for the token or session that asked for it, and ends with that."""

    capability = {"POST": Capability.WATCH_LIVE}
    required_action = {"POST": TokenAction.LIVE_READ}

    @extend_schema(
        operation_id="tickets_create",
        request=None,
        responses={201: TicketSerializer},
        examples=[
            OpenApiExample(
                "ticket",
                value={"ticket": "l3Yc…", "expires_in_s": TICKET_TTL_S, "url": "/ws/v1/"},
                response_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        scope = user.token_scope
        ticket = Ticket(
            user_id=str(user.pk),
            session_key="" if scope is not None else request.session.session_key or "",
            token_digest=scope.digest if scope is not None else "",
            purpose=current_context().purpose or DEFAULT_PURPOSE,
        )
        body = {"ticket": ticket_issue(ticket), "expires_in_s": TICKET_TTL_S, "url": "/ws/v1/"}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
