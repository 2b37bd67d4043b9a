"""Which models redact a file where nobody assigned any: at the terminal."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.redactions import RedactionJob, RedactionOptions
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.film import RENDER_VERSION
from inference_workers.engine.films.local import job_name
from inference_workers.engine.films.looking import require_models
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.settings import WorkerSettings

# Families of face models that look at full size; one of each is enough.
FACE_FAMILIES = ("centerface", "yunet")
PERSON = "person"


def choose_job(
    in_path: Path, options: RedactionOptions, names: Sequence[str], settings: WorkerSettings
) -> RedactionJob:
    """A job whose name is the same for the same file, models and options.

    Args:
        names: of face models; empty: the first of each family that is installed.

    Raises:
        EngineError: `model_missing`, `policy_unknown`.
    """
    cards = [card for card in ModelDirectory(settings).cards() if not card.problem]
    targets = set(options.policy.targets)
    persons = [card for card in cards if card.task == "detection" and PERSON in card.classes]
    persons.sort(key=lambda card: card.builtin)  # whatever was brought is better than the basic one
    texts = [card for card in cards if card.task == "text"]
    job = RedactionJob(
        "",
        tuple(_ref(card) for card in _face_cards(cards, names)),
        _ref(persons[0]) if persons and {"head", "person"} & targets else None,
        _ref(texts[0]) if texts and "text" in targets else None,
        options,
    )
    require_models(job, options.policy.targets)
    return replace(job, job_id=job_name(in_path, job, f"{RENDER_VERSION}"))


def _face_cards(cards: Sequence[ModelCard], names: Sequence[str]) -> list[ModelCard]:
    faces = {card.name: card for card in cards if card.task == "face"}
    if missing := [name for name in names if name not in faces]:
        raise EngineError("model_missing", f"expected one of {', '.join(faces)}, got {', '.join(missing)}")
    if names:
        return [faces[name] for name in names]
    of_family = [[card for card in faces.values() if card.family == family] for family in FACE_FAMILIES]
    return [found[0] for found in of_family if found]


def _ref(card: ModelCard) -> ModelRef:
    return ModelRef(card.name, card.name, card.family, card.sha256)
