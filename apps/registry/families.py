"""Families: found or made for what the data plane announces, made and described by model owners."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.core.errors import Conflict, Invalid
from apps.registry.models import ModelFamily, ModelTask, default_input_contract
from inference_workers.contracts.families import DECODERS

FILE_TASKS = tuple(ModelTask(task) for task in DECODERS)
LEAST_SIDE, MOST_SIDE, MOST_CLASSES = 32, 4096, 2000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


def classes_sha256(classes: Sequence[str]) -> str:
    """Names in order: the index is what a graph answers, so another order is another family."""
    return hashlib.sha256(json.dumps(list(classes), ensure_ascii=False).encode()).hexdigest()


def family_for(*, task: str, postprocess: str, classes: Sequence[str]) -> ModelFamily | None:
    """The oldest family of this contract, made when there is none; None for what no decoder reads.

    Call inside a transaction.
    """
    if task not in ModelTask.values or task == ModelTask.UNKNOWN or not postprocess:
        return None
    contract = {"task": task, "postprocess": postprocess[:40], "classes_sha256": classes_sha256(classes)}
    found = ModelFamily.objects.filter(**contract).order_by("created_at", "pk").first()
    if found is not None:
        return found
    return ModelFamily.objects.create(
        name=_free_name(postprocess[:40], len(classes)), classes=list(classes), **contract
    )


def _free_name(postprocess: str, count: int) -> str:
    """ "yolox-80", and "yolox-80-2" for another eighty classes."""
    stem = f"{postprocess}-{count}" if count else postprocess
    taken = set(ModelFamily.objects.filter(name__startswith=stem).values_list("name", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(name for name in numbered if name not in taken)


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """What a family promises; sides in pixels."""

    name: str
    task: str
    postprocess: str
    classes: tuple[str, ...]
    description: str = ""
    min_side: int = LEAST_SIDE
    max_side: int = MOST_SIDE


def family_create(*, acting_user: User, facts: FamilyFacts) -> ModelFamily:
    """Found a family of one's own; versions are checked against it when they name it."""
    require(acting_user, Capability.UPLOAD_MODELS)
    _check(facts)
    with transaction.atomic():
        if ModelFamily.objects.filter(name=facts.name).exists():
            raise Conflict("family_exists", _("A family named %s is there already.") % facts.name)
        family = ModelFamily.objects.create(
            name=facts.name,
            task=facts.task,
            postprocess=facts.postprocess,
            classes=list(facts.classes),
            classes_sha256=classes_sha256(facts.classes),
            description=facts.description,
            input_contract={
                **default_input_contract(),
                "min_side": facts.min_side,
                "max_side": facts.max_side,
            },
        )
        audit.record_change(
            action="model.family",
            object_type="model_family",
            object_id=str(family.pk),
            details={"name": family.name, "task": family.task, "classes": len(family.classes)},
            acting_user=acting_user,
        )
    return family


def _check(facts: FamilyFacts) -> None:
    if not _NAME.fullmatch(facts.name):
        message = _("A name has 1 to 80 small letters, digits, dots, dashes and underscores.")
        raise Invalid("family_name", message, field="name")
    if facts.task not in FILE_TASKS:
        message = _("A family of files finds objects or faces, or names crops.")
        raise Invalid("family_task", message, field="task")
    if facts.postprocess not in DECODERS[facts.task]:
        known = {"known": ", ".join(DECODERS[facts.task]), "got": facts.postprocess[:40]}
        message = _("Vidette reads answers for this task by one of: %(known)s. It has nothing named %(got)s.")
        raise Invalid("family_postprocess", message % known, field="postprocess")
    if not 1 <= len(facts.classes) <= MOST_CLASSES or not all(facts.classes):
        message = _("A family has 1 to %(most)d classes, each with a name.") % {"most": MOST_CLASSES}
        raise Invalid("family_classes", message, field="classes")
    if len(set(facts.classes)) != len(facts.classes):
        raise Invalid("family_classes", _("Every class has a name of its own."), field="classes")
    if not LEAST_SIDE <= facts.min_side <= MOST_SIDE or not LEAST_SIDE <= facts.max_side <= MOST_SIDE:
        message = _("Sides are %(least)d to %(most)d pixels.") % {"least": LEAST_SIDE, "most": MOST_SIDE}
        raise Invalid("family_input", message, field="min_side")
    if facts.min_side > facts.max_side:
        raise Invalid("family_input", _("The smallest side is larger than the largest."), field="min_side")
