"""What of rollouts is kept for how long."""

from django.utils.translation import gettext_lazy as _

from apps.retention.erasure import erasure_exempt
from apps.retention.registry import RowStore, exempt, register


def register_own() -> None:
    register(
        RowStore(
            name="version_windows",
            title=_("Figures of model versions in short windows"),
            model="rollouts.VersionWindow",
            starts="started_at",
            ends="ended_at",
        )
    )
    register(
        RowStore(
            name="guard_looks",
            title=_("Looks of the guards of rollouts"),
            model="rollouts.GuardLook",
            ends="at",
            camera=None,
        )
    )
    exempt(
        "rollouts.Rollout",
        "rollouts.RolloutStep",
        "rollouts.RolloutProof",
        "rollouts.CameraAssignment",
        "rollouts.ServingEntry",
        reason="which version served where and who decided it; nothing about who was in a picture",
    )
    for name in ("version_windows", "guard_looks"):
        erasure_exempt(name, reason="figures of model versions; they say nothing about who was in a picture")
