"""The histories of rollouts as the database keeps them: written once."""

from apps.audit.append_only import History

HISTORIES = (
    History("rollouts_rolloutstep", keys=(("id",), ("rollout_id", "number"))),
    History("rollouts_servingentry", keys=(("number",),)),
)
