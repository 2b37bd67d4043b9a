"""REST: reading requests of data subjects and their deadlines, for the calendars and registers of a company.

Steps of a request take a person who has signed in, some of them two: they are on the pages alone, and no
token has them (docs/subject-requests.md).
"""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, stated_purpose, user_of
from apps.accounts.roles import Capability
from apps.cases import serializers as forms
from apps.cases import services
from apps.cases.selectors import with_steps
from apps.core.api import ApiView, KeysetPagination
from apps.detections.api import PURPOSE

SEE = Capability.SEE_CASES
READ = TokenAction.CASES_READ


class CasesView(ApiView):
    capability = SEE
    required_action = READ
    pagination_class = KeysetPagination
    keyset_ordering = ("due_at", "id")

    @extend_schema(
        operation_id="cases_list",
        parameters=[forms.CaseQuery, PURPOSE],
        responses=forms.CaseSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Requests, the most urgent first. The search is recorded: say in X-Vidette-Purpose what it is for.

        Closed ones are left out unless `state` asks for them; `due_before` finds what runs out.
        """
        query = checked(forms.CaseQuery, request.query_params)
        rows = services.cases_read(acting_user=user_of(request), purpose=stated_purpose(), **query)
        return page_of(self, request, rows, forms.CaseSerializer)


class CaseView(ApiView):
    capability = SEE
    required_action = READ

    @extend_schema(operation_id="cases_read", parameters=[PURPOSE], responses=forms.CaseDetailSerializer)
    def get(self, request: Request, case_id: UUID) -> Response:
        """One request with what was collected, handed over and erased. The access is recorded."""
        case = services.case_read(acting_user=user_of(request), case_id=case_id, purpose=stated_purpose())
        return Response(forms.CaseDetailSerializer(with_steps(case)).data)
