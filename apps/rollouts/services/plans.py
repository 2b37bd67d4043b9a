"""Preparing a rollout: strategy, cameras, steps and guards, all of them before anything runs."""

import secrets
from dataclasses import asdict, dataclass, field
from http import HTTPStatus

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.cameras.selectors import cameras_visible_to, groups_visible_to, sites_visible_to
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.evaluations.models import Verdict
from apps.evaluations.selectors import latest_comparison
from apps.registry.choice import STAGE_TASK, usable, why_unusable
from apps.registry.models import ModelTask, ModelVersion
from apps.registry.selectors import serving
from apps.rollouts.figures import sample_size
from apps.rollouts.guards import DEFAULT_GUARDS, Guard
from apps.rollouts.history import step_append
from apps.rollouts.models import Rollout, RolloutState, Strategy
from apps.rollouts.services.changes import reason_checked, record
from inference_workers.contracts.lease import Stage

CANARY_STEPS = (1, 5, 25, 100)
MAX_WINDOW_S = 7 * 24 * 3600
AB_PERCENT = 50
LEAST_DIFFERENCE = 0.001  # a smaller one asks for more events than anybody will see


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody wants to roll out, how, and what shall stop it.

    `sites`, `groups`, `cameras` narrow it to these; all empty: every camera. `share` and `difference` belong
    to an A/B: the share of wrong events that is expected, and the difference that has to show.
    """

    stage: str
    candidate: ModelVersion
    strategy: str
    reason: str
    steps: tuple[int, ...] = CANARY_STEPS
    guards: tuple[Guard, ...] = DEFAULT_GUARDS
    sites: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    question: str = ""
    share: float = 0.1
    difference: float = 0.05
    override: str = field(default="")


def rollout_create(*, acting_user: User, plan: Plan) -> Rollout:
    """Prepare a rollout; nothing is served differently before it starts."""
    require(acting_user, Capability.MANAGE_ROLLOUTS)
    stage = stage_known(plan.stage)
    base = _base(stage, plan.candidate)
    _check_candidate(stage, base, plan.candidate)
    override = plan.override and reason_checked(plan.override, field="override")
    comparison_check(base, plan.candidate, plan.strategy, override)
    scope = _scope(acting_user, plan)
    # Without a trial there is nothing to guard.
    guards = () if plan.strategy == Strategy.AT_ONCE else guards_checked(plan.guards)
    steps = _steps(plan)
    question, size = _question(plan)
    with transaction.atomic():
        rollout = Rollout.objects.create(
            stage=stage.value,
            base=base,
            candidate=plan.candidate,
            strategy=Strategy(plan.strategy),
            state=RolloutState.DRAFT,
            scope=scope,
            pinned=_cameras(acting_user, plan.pinned),
            excluded=_cameras(acting_user, plan.excluded),
            steps=steps,
            guards=[asdict(guard) for guard in guards],
            question=question,
            sample_size=size,
            reason=reason_checked(plan.reason),
            override=override,
            salt=secrets.token_hex(16),
            created_at=now(),
            created_by=acting_user,
        )
        step_append(rollout, "create", acting_user, {"reason": rollout.reason})
        details = {"reason": rollout.reason, "override": override, "guards": rollout.guards}
        record(rollout, "create", acting_user, details)
    return rollout


def stage_known(name: str) -> Stage:
    """Raises DomainError for what no version serves everywhere."""
    if name not in [stage.value for stage in STAGE_TASK]:
        words = _(
            "No version serves a stage named “%(name)s”: expected one of %(stages)s. A classifier is given "
            "to cascades, on the camera’s page."
        )
        raise DomainError("unknown_stage", words % {"name": name[:40], "stages": ", ".join(STAGE_TASK)})
    return Stage(name)


def _base(stage: Stage, candidate: ModelVersion) -> ModelVersion:
    base = serving().get(stage)
    if base is None:
        raise DomainError("no_base", _("Nothing serves this stage yet: assign a version to it first."))
    if base.pk == candidate.pk:
        raise DomainError("same_version", _("This version serves the stage already."))
    return base


def _check_candidate(stage: Stage, base: ModelVersion, candidate: ModelVersion) -> None:
    task_check(stage, candidate)
    candidate_check(candidate)


def task_check(stage: Stage, version: ModelVersion) -> None:
    """Raises DomainError for what cannot do what the stage does; a classifier serves no stage at all."""
    if version.task == STAGE_TASK[stage]:
        return
    if version.task == ModelTask.CLASSIFICATION:
        words = _(
            "%(name)s names crops: it serves no stage, so there is no rollout, shadow or comparison of it. "
            "A model owner gives it to a cascade on the camera’s page, one camera at a time."
        )
        raise DomainError("wrong_task", words % {"name": version.name})
    raise DomainError(
        "wrong_task",
        _("The stage %(stage)s needs a model for %(expected)s, this one is for %(task)s.")
        % {"stage": stage, "expected": STAGE_TASK[stage].label, "task": version.get_task_display()},
    )


def comparison_check(base: ModelVersion, candidate: ModelVersion, strategy: str, override: str) -> None:
    """What the newest comparison calls worse goes no further than a shadow, unless somebody says why."""
    newest = latest_comparison(candidate, base)
    if newest is None or newest.verdict != Verdict.WORSE or strategy == Strategy.SHADOW or override:
        return
    raise DomainError(
        "compared_worse",
        _(
            "The newest comparison calls this version worse: it can run as a shadow, or somebody says why in "
            "spite of it."
        ),
    )


def candidate_check(candidate: ModelVersion) -> None:
    if not usable(candidate):
        raise DomainError("version_unusable", why_unusable(candidate))


def _scope(user: User, plan: Plan) -> dict[str, list[str]]:
    sites = {str(key) for key in sites_visible_to(user).values_list("pk", flat=True)}
    groups = {str(key) for key in groups_visible_to(user).values_list("pk", flat=True)}
    unknown = {*plan.sites} - sites | {*plan.groups} - groups
    if unknown:
        raise DomainError("unknown_scope", _("No such site or group, or it is not open to you."))
    return {
        "sites": sorted(plan.sites),
        "groups": sorted(plan.groups),
        "cameras": _cameras(user, plan.cameras),
    }


def _cameras(user: User, keys: tuple[str, ...]) -> list[str]:
    if not keys:
        return []
    visible = {str(key) for key in cameras_visible_to(user).order_by().values_list("pk", flat=True)}
    if not set(keys) <= visible:
        raise DomainError("unknown_scope", _("No such camera, or it is not open to you."))
    return sorted(set(keys))


def _steps(plan: Plan) -> list[int]:
    """What grows: only a canary has steps of its own."""
    if plan.strategy not in Strategy.values:
        raise DomainError("unknown_strategy", _("Expected one of: %s.") % ", ".join(Strategy.values))
    if plan.strategy == Strategy.AB:
        return [AB_PERCENT]
    if plan.strategy != Strategy.CANARY:
        return [100]
    steps = list(plan.steps)
    if not steps or sorted(set(steps)) != steps or steps[0] < 1 or steps[-1] != 100:
        raise DomainError(
            "invalid_steps", _("Steps are percentages that grow and end with 100, such as 1, 5, 25, 100.")
        )
    return steps


def _question(plan: Plan) -> tuple[str, int | None]:
    if plan.strategy != Strategy.AB:
        return "", None
    question = reason_checked(plan.question[:300], field="question")
    shares = (plan.share, plan.share + plan.difference)
    if not all(0 < share < 1 for share in shares) or abs(plan.difference) < LEAST_DIFFERENCE:
        raise DomainError(
            "invalid_question",
            _("Expected a share of wrong events above 0 and below 1, and a difference of at least %(least)s "
              "that leads to another such share; got %(share)s and %(difference)s.")
            % {"least": LEAST_DIFFERENCE, "share": plan.share, "difference": plan.difference},
            HTTPStatus.BAD_REQUEST,
        )  # fmt: skip
    return question, sample_size(plan.share, plan.difference)


def guards_checked(guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
    """Raises DomainError: a rollout needs guards, each metric once, within sensible bounds."""
    if not guards:
        raise DomainError("no_guards", _("A rollout needs at least one guard: choose what shall stop it."))
    if len({guard.metric for guard in guards}) != len(guards):
        raise DomainError("invalid_guards", _("Each metric can be guarded once."))
    for guard in guards:
        fits = 0 < guard.limit <= 1000 and 1 <= guard.min_samples <= 10**6
        if not fits or not 10 <= guard.window_s <= MAX_WINDOW_S:
            raise DomainError(
                "invalid_guards",
                _(
                    "%(metric)s: expected a limit above 0 and up to 1000, 1 to 1000000 samples, and a "
                    "window of 10 seconds to 7 days."
                )
                % {"metric": guard.metric.value},
            )
    return guards
