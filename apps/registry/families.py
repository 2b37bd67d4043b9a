"""Families: found or made for what the data plane announces, made and described by model owners."""

import hashlib
import json
from collections.abc import Sequence

from apps.registry.models import ModelFamily, ModelTask


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
