"""Preparing, starting, growing, ending; going back; and the look of the guards."""

from apps.rollouts.services.approvals import rollout_approve, rollout_decline
from apps.rollouts.services.ends import rollout_finish, rollout_roll_back
from apps.rollouts.services.plans import Plan, rollout_create
from apps.rollouts.services.serving import serving_noted, serving_return
from apps.rollouts.services.stages import stage_assign
from apps.rollouts.services.steps import rollout_promote, rollout_start
from apps.rollouts.services.watch import guards_look, proofs_check

__all__ = [
    "Plan",
    "guards_look",
    "proofs_check",
    "rollout_approve",
    "rollout_create",
    "rollout_decline",
    "rollout_finish",
    "rollout_promote",
    "rollout_roll_back",
    "rollout_start",
    "serving_noted",
    "serving_return",
    "stage_assign",
]
