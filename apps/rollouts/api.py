"""REST: rollouts from preparing to report, the board of what serves where, and going back."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.core.api import ApiView, KeysetPagination
from apps.registry.selectors import stage_states, version_get
from apps.rollouts import selectors, services
from apps.rollouts import serializers as forms
from apps.rollouts.models import Rollout
from apps.rollouts.services import Plan

_KEYS = ("sites", "groups", "cameras", "pinned", "excluded")
RIGHTS = {"GET": Capability.SEE_ROLLOUTS, "POST": Capability.MANAGE_ROLLOUTS}
ACTIONS = {"GET": TokenAction.ROLLOUTS_READ, "POST": TokenAction.ROLLOUTS_WRITE}


class RolloutsView(ApiView):
    capability = RIGHTS
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("-created_at", "-pk")

    @extend_schema(operation_id="rollouts_list", responses=forms.RolloutSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Rollouts, the newest first."""
        return page_of(self, request, selectors.rollouts_all(), forms.RolloutSerializer)

    @extend_schema(request=forms.PlanInput, responses={201: forms.RolloutSerializer})
    def post(self, request: Request) -> Response:
        """Prepare a rollout. Nothing changes before it starts."""
        user, values = user_of(request), checked(forms.PlanInput, request.data)
        values["candidate"] = version_get(user, values["candidate"])
        values["guards"] = forms.guards_given(values["strategy"], values.get("guards"))
        values["steps"] = tuple(values["steps"])
        values |= {name: tuple(str(key) for key in values[name]) for name in _KEYS}
        rollout = services.rollout_create(acting_user=user, plan=Plan(**values))
        return Response(forms.RolloutSerializer(rollout).data, status=status.HTTP_201_CREATED)


class RolloutView(ApiView):
    capability = {"GET": Capability.SEE_ROLLOUTS}
    required_action = ACTIONS

    @extend_schema(responses=forms.RolloutSerializer)
    def get(self, request: Request, rollout_id: UUID) -> Response:
        return Response(forms.RolloutSerializer(selectors.rollout_get(user_of(request), rollout_id)).data)


class _StepView(ApiView):
    """One step of a rollout; the body names the version that was looked at."""

    capability = {"POST": Capability.MANAGE_ROLLOUTS}
    required_action: ClassVar[Mapping[str, str]] = ACTIONS
    form: type[Any] = forms.VersionInput

    def step(self, request: Request, rollout_id: UUID, service: Callable[..., Rollout]) -> Response:
        user = user_of(request)
        rollout = selectors.rollout_get(user, rollout_id)
        values = checked(self.form, request.data)
        done = service(acting_user=user, rollout=rollout, **values)
        return Response(forms.RolloutSerializer(done).data)


class RolloutStartView(_StepView):
    @extend_schema(request=forms.VersionInput, responses=forms.RolloutSerializer)
    def post(self, request: Request, rollout_id: UUID) -> Response:
        """Let the candidate see its first cameras."""
        return self.step(request, rollout_id, services.rollout_start)


class RolloutPromoteView(_StepView):
    @extend_schema(request=forms.VersionInput, responses=forms.RolloutSerializer)
    def post(self, request: Request, rollout_id: UUID) -> Response:
        """The next step; at the last one a second person is asked. Refused while a guard is not clear."""
        return self.step(request, rollout_id, services.rollout_promote)


class RolloutFinishView(_StepView):
    @extend_schema(request=forms.VersionInput, responses=forms.RolloutSerializer)
    def post(self, request: Request, rollout_id: UUID) -> Response:
        """Make the candidate the rule, after two persons gave it all cameras."""
        return self.step(request, rollout_id, services.rollout_finish)


class RolloutRollBackView(_StepView):
    form = forms.ReasonInput

    @extend_schema(request=forms.ReasonInput, responses=forms.RolloutSerializer)
    def post(self, request: Request, rollout_id: UUID) -> Response:
        """Take the candidate away from every camera at once."""
        return self.step(request, rollout_id, services.rollout_roll_back)


class RolloutApproveView(_StepView):
    capability = {"POST": Capability.APPROVE_ROLLOUTS}
    required_action = {"POST": ""}

    @extend_schema(request=forms.VersionInput, responses=forms.RolloutSerializer)
    def post(self, request: Request, rollout_id: UUID) -> Response:
        """Give the candidate all cameras. Another person than who started or asked; no token covers this."""
        return self.step(request, rollout_id, services.rollout_approve)


class RolloutDeclineView(_StepView):
    capability = {"POST": Capability.APPROVE_ROLLOUTS}
    required_action = {"POST": ""}

    @extend_schema(request=forms.VersionInput, responses=forms.RolloutSerializer)
    def post(self, request: Request, rollout_id: UUID) -> Response:
        """Say no: the rollout stays at its step."""
        return self.step(request, rollout_id, services.rollout_decline)


class RolloutReportView(ApiView):
    capability = {"GET": Capability.SEE_ROLLOUTS}
    required_action = ACTIONS

    @extend_schema(responses=forms.ReportSerializer)
    def get(self, request: Request, rollout_id: UUID) -> Response:
        """All of it: plan, guards, steps, what ended it, and the proof of going back."""
        user = user_of(request)
        return Response(selectors.report_of(user, selectors.rollout_get(user, rollout_id)))


class RolloutLooksView(ApiView):
    capability = {"GET": Capability.SEE_ROLLOUTS}
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("-at", "-pk")

    @extend_schema(operation_id="rollout_looks_list", responses=forms.LookSerializer(many=True))
    def get(self, request: Request, rollout_id: UUID) -> Response:
        """What the guards saw, the newest look first."""
        rollout = selectors.rollout_get(user_of(request), rollout_id)
        return page_of(self, request, selectors.looks_of_rollout(rollout), forms.LookSerializer)


class StageView(ApiView):
    capability = {"PUT": Capability.ASSIGN_MODELS}
    required_action = {"PUT": ""}

    @extend_schema(
        request=forms.StageInput,
        responses={200: forms.StageAnswerSerializer, 202: forms.StageAnswerSerializer},
    )
    def put(self, request: Request, stage: str) -> Response:
        """Let one version serve a stage on every camera. People only; no token covers this.

        202: it waits for a second person (`…/rollouts/{waiting}/approve`). 200: one person was enough,
        because nothing served the stage, or this version did already.
        """
        user, values = user_of(request), checked(forms.StageInput, request.data)
        if values["version"] is not None:
            values["version"] = version_get(user, values["version"])
        waiting = services.stage_assign(acting_user=user, stage=stage, **values)
        state = next(state for state in stage_states() if state.stage == stage)
        answer = {
            "stage": state.stage,
            "version": state.version,
            "assigned": state.assigned,
            "waiting": waiting.pk if waiting else None,
        }
        code = status.HTTP_202_ACCEPTED if waiting else status.HTTP_200_OK
        return Response(forms.StageAnswerSerializer(answer).data, status=code)


class ServingView(ApiView):
    capability = {"GET": Capability.SEE_ROLLOUTS}
    required_action = ACTIONS

    @extend_schema(operation_id="serving_list", responses=forms.BoardRowSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What runs where now: versions by stage, with how many cameras and how well proven."""
        rows = [
            {
                "stage": stage.value,
                "version": row.version,
                "serves": row.serves,
                "looks_on": row.looks_on,
                "proved": row.proved,
                "health": row.health,
                "cameras": [camera.pk for camera in row.cameras],
                "rollout": row.rollout.pk if row.rollout else None,
            }
            for stage, rows in selectors.board(user_of(request)).items()
            for row in rows
        ]
        return Response(forms.BoardRowSerializer(rows, many=True).data)


class ServingEntriesView(ApiView):
    capability = {"GET": Capability.SEE_ROLLOUTS}
    required_action = ACTIONS
    pagination_class = KeysetPagination
    keyset_ordering = ("-number",)

    @extend_schema(operation_id="serving_history_list", responses=forms.EntrySerializer(many=True))
    def get(self, request: Request) -> Response:
        """What was assigned, from when on, by whom; the newest first."""
        return page_of(self, request, selectors.entries_all(), forms.EntrySerializer)


class ServingReturnView(ApiView):
    capability = {"POST": Capability.MANAGE_ROLLOUTS}
    required_action = {"POST": TokenAction.ROLLOUTS_WRITE}

    @extend_schema(request=forms.ReturnInput, responses=forms.EntrySerializer)
    def post(self, request: Request, entry_number: int) -> Response:
        """Assign again what an earlier entry says; rollouts that run are taken back."""
        user = user_of(request)
        entry = selectors.entry_get(user, entry_number)
        made = services.serving_return(
            acting_user=user, entry=entry, **checked(forms.ReturnInput, request.data)
        )
        return Response(forms.EntrySerializer(made).data)
