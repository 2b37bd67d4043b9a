"""What each role may do (DESIGN §5). Objects are a second question: site and group grants in apps.cameras."""

from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import Role, TokenAction, User
from apps.audit import services as audit
from apps.core.errors import Forbidden


class Capability(StrEnum):
    WATCH_LIVE = "watch_live"
    SEE_EVENTS = "see_events"
    TRIAGE_EVENTS = "triage_events"
    FLAG_EVENTS = "flag_events"
    SEE_CAMERAS = "see_cameras"
    MANAGE_CAMERAS = "manage_cameras"
    MANAGE_SITES = "manage_sites"
    MANAGE_USERS = "manage_users"
    SEE_MODELS = "see_models"
    ASSIGN_MODELS = "assign_models"
    SEE_ROLLOUTS = "see_rollouts"
    MANAGE_ROLLOUTS = "manage_rollouts"
    APPROVE_ROLLOUTS = "approve_rollouts"
    EVALUATE_MODELS = "evaluate_models"
    UPLOAD_MODELS = "upload_models"
    SEE_RECORD = "see_record"
    SEE_PURPOSES = "see_purposes"
    MANAGE_PURPOSES = "manage_purposes"
    ANALYSE_FRAMES = "analyse_frames"
    REDACT_FILES = "redact_files"
    SEE_RECORDINGS = "see_recordings"
    MANAGE_RETENTION = "manage_retention"
    REQUEST_UNMASKING = "request_unmasking"
    APPROVE_UNMASKING = "approve_unmasking"
    REVIEW_LEAKS = "review_leaks"
    EXPORT_EVIDENCE = "export_evidence"
    SEE_HEALTH = "see_health"
    SEE_CASES = "see_cases"
    RUN_CASES = "run_cases"


C = Capability

# Live pictures and events always need a grant on the site or group as well, in every role.
ROLE_CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.OPERATOR: frozenset(
        {
            C.WATCH_LIVE,
            C.SEE_EVENTS,
            C.SEE_RECORDINGS,
            C.TRIAGE_EVENTS,
            C.FLAG_EVENTS,
            C.SEE_CAMERAS,
            C.REQUEST_UNMASKING,
            C.SEE_HEALTH,
        }
    ),
    Role.COMPLIANCE: frozenset(
        {
            C.WATCH_LIVE,
            C.SEE_EVENTS,
            C.SEE_CAMERAS,
            C.SEE_MODELS,
            C.SEE_ROLLOUTS,
            C.SEE_RECORD,
            C.REDACT_FILES,
            C.SEE_RECORDINGS,
            C.SEE_PURPOSES,
            C.MANAGE_PURPOSES,
            C.MANAGE_RETENTION,
            C.REQUEST_UNMASKING,
            C.APPROVE_UNMASKING,
            C.REVIEW_LEAKS,
            C.EXPORT_EVIDENCE,
            C.SEE_HEALTH,
            C.SEE_CASES,
            C.RUN_CASES,
        }
    ),
    Role.MODEL_OWNER: frozenset(
        {
            C.WATCH_LIVE,
            C.SEE_EVENTS,
            C.FLAG_EVENTS,
            C.SEE_CAMERAS,
            C.SEE_MODELS,
            C.ASSIGN_MODELS,
            C.SEE_ROLLOUTS,
            C.MANAGE_ROLLOUTS,
            C.APPROVE_ROLLOUTS,
            C.EVALUATE_MODELS,
            C.UPLOAD_MODELS,
            C.ANALYSE_FRAMES,
            C.SEE_HEALTH,
        }
    ),
    Role.INTEGRATOR: frozenset(
        {
            C.WATCH_LIVE,
            C.SEE_EVENTS,
            C.SEE_RECORDINGS,
            C.TRIAGE_EVENTS,
            C.FLAG_EVENTS,
            C.SEE_CAMERAS,
            C.MANAGE_CAMERAS,
            C.SEE_MODELS,
            C.SEE_ROLLOUTS,
            C.MANAGE_ROLLOUTS,
            C.EVALUATE_MODELS,
            C.UPLOAD_MODELS,
            C.ANALYSE_FRAMES,
            C.REDACT_FILES,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            C.WATCH_LIVE,
            C.SEE_EVENTS,
            C.SEE_RECORDINGS,
            C.SEE_CAMERAS,
            C.MANAGE_CAMERAS,
            C.MANAGE_SITES,
            C.MANAGE_USERS,
            C.SEE_MODELS,
            C.SEE_ROLLOUTS,
            C.APPROVE_ROLLOUTS,
            C.SEE_PURPOSES,
            C.REVIEW_LEAKS,
            C.SEE_HEALTH,
        }
    ),
}

# A request that came with a token needs this action in the token's scope; None: never with a token.
CAPABILITY_ACTION: dict[Capability, TokenAction | None] = {
    C.WATCH_LIVE: TokenAction.LIVE_READ,
    C.SEE_EVENTS: TokenAction.EVENTS_READ,
    C.TRIAGE_EVENTS: TokenAction.EVENTS_WRITE,
    C.FLAG_EVENTS: TokenAction.EVENTS_WRITE,
    C.SEE_CAMERAS: TokenAction.CAMERAS_READ,
    C.MANAGE_CAMERAS: TokenAction.CAMERAS_WRITE,
    C.MANAGE_SITES: TokenAction.CAMERAS_WRITE,
    C.MANAGE_USERS: None,
    C.SEE_MODELS: TokenAction.MODELS_READ,
    C.ASSIGN_MODELS: None,
    C.SEE_ROLLOUTS: TokenAction.ROLLOUTS_READ,
    C.MANAGE_ROLLOUTS: TokenAction.ROLLOUTS_WRITE,
    C.APPROVE_ROLLOUTS: None,
    C.EVALUATE_MODELS: TokenAction.EVALUATIONS_WRITE,
    C.UPLOAD_MODELS: TokenAction.MODELS_WRITE,
    C.SEE_RECORD: TokenAction.AUDIT_READ,
    C.SEE_PURPOSES: TokenAction.PURPOSES_READ,
    C.MANAGE_PURPOSES: TokenAction.PURPOSES_WRITE,
    C.ANALYSE_FRAMES: TokenAction.FRAMES_WRITE,
    C.REDACT_FILES: TokenAction.REDACTIONS_WRITE,
    C.SEE_RECORDINGS: TokenAction.RECORDINGS_READ,
    C.MANAGE_RETENTION: None,
    C.REQUEST_UNMASKING: None,
    C.APPROVE_UNMASKING: None,
    C.REVIEW_LEAKS: None,
    C.EXPORT_EVIDENCE: TokenAction.EVIDENCE_WRITE,
    C.SEE_HEALTH: TokenAction.CAMERAS_READ,
    C.SEE_CASES: TokenAction.CASES_READ,
    C.RUN_CASES: None,
}


def user_can(user: Any, capability: Capability) -> bool:
    """Whether the role allows it and, when the request came with a token, the token's scope too.

    A service account (integrator) may do nothing without a token: its password opens no page.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    if capability not in ROLE_CAPABILITIES.get(Role(user.role), frozenset()):
        return False
    if user.token_scope is None:
        return user.role != Role.INTEGRATOR
    action = CAPABILITY_ACTION[capability]
    return action is not None and action.value in user.token_scope.actions


def require(user: Any, capability: Capability) -> None:
    """Raises Forbidden unless `user_can`; the attempt of a signed-in user enters the record."""
    if user_can(user, capability):
        return
    if isinstance(user, User):
        audit.record_refusal(
            action="capability.use",
            object_type="capability",
            object_id=capability.value,
            acting_user=user,
        )
    raise Forbidden(_("This needs a right that your role or token does not have: %s.") % capability.value)
