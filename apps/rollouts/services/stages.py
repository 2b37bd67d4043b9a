"""Which version serves a stage on every camera: a change of it takes two persons."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import DomainError
from apps.core.events import publish
from apps.registry.assigning import stage_give
from apps.registry.choice import best_version, usable, why_unusable
from apps.registry.models import ModelVersion
from apps.registry.selectors import serving, versions_all
from apps.rollouts.history import serving_note
from apps.rollouts.models import Rollout, Strategy
from apps.rollouts.services.plans import Plan, rollout_create, stage_known, task_check
from apps.rollouts.services.steps import rollout_start
from inference_workers.contracts.lease import Stage


def stage_assign(
    *, acting_user: User, stage: str, version: ModelVersion | None, reason: str = "", override: str = ""
) -> Rollout | None:
    """Let `version` serve `stage` on every camera; None: what Vidette would choose by itself.

    Returns the rollout that waits for a second person, or None when one person was enough: nothing serves
    the stage yet, or the version serves it already. docs/adr/0011 says why.
    """
    require(acting_user, Capability.ASSIGN_MODELS)
    known = stage_known(stage)
    wanted = version or best_version(known, versions_all().filter(present=True))
    if version is not None:
        _check(known, version)
    now_serving = serving().get(known)
    if now_serving is None or wanted is None or wanted.pk == now_serving.pk:
        _give(known, version, acting_user)
        return None
    with transaction.atomic():
        plan = Plan(
            stage=stage, candidate=wanted, strategy=Strategy.AT_ONCE, reason=reason, override=override
        )
        rollout = rollout_create(acting_user=acting_user, plan=plan)
        return rollout_start(acting_user=acting_user, rollout=rollout, version=rollout.version)


def _check(stage: Stage, version: ModelVersion) -> None:
    task_check(stage, version)
    if not usable(version):
        raise DomainError("version_unusable", why_unusable(version))


def _give(stage: Stage, version: ModelVersion | None, acting_user: User) -> None:
    """What changes nothing that serves: the first version of a stage, and saying so of what serves."""
    with transaction.atomic():
        before = serving().get(stage)
        serving_note("before")
        stage_give(stage=stage.value, version=version)
        audit.record_change(
            action="model.assign" if version else "model.unassign",
            object_type="model_version" if version else "stage",
            object_id=str(version.pk) if version else stage.value,
            details={
                "stage": stage.value,
                "name": version.name if version else "",
                "sha256": version.sha256 if version else "",
                "before": str(before.pk) if before else None,
            },
            acting_user=acting_user,
        )
        serving_note("assign", acting_user)
        publish("stages.changed")
