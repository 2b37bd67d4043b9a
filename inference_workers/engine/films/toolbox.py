"""The models of a job, loaded once per process."""

from functools import lru_cache

from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.redactions import RedactionStep
from inference_workers.engine.backends import BackendOptions
from inference_workers.engine.detectors.base import Detector
from inference_workers.engine.errors import EngineError
from inference_workers.engine.films.looking import LOOK_SIDE_PX, Looker, require_models
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.engine.ocr import text_models
from inference_workers.engine.ocr.lines import LineFinder
from inference_workers.engine.second_look import ORDER, SIDE_PX, CascadeLooker, lookers_for
from inference_workers.engine.second_look import Looker as SecondLooker
from inference_workers.settings import WorkerSettings


class Toolbox:
    """Gives the looker of a step; what it loaded stays."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._directory = ModelDirectory(settings)
        self._detector = lru_cache(maxsize=6)(self._load)
        self._second = lru_cache(maxsize=2)(self._open_second)

    def looker(self, step: RedactionStep) -> Looker:
        """Raises EngineError `policy_unknown`, `model_missing`, `model_task` and those of loading."""
        job, targets = step.job, step.job.options.policy.targets
        require_models(job, targets)
        wants_persons = bool({"head", "person"} & set(targets))
        return Looker(
            tuple(self._detector(ref, (LOOK_SIDE_PX, LOOK_SIDE_PX)) for ref in job.face_models),
            self._detector(job.person_model, None) if wants_persons and job.person_model else None,
            self._finder(job.text_model) if "text" in targets and job.text_model else None,
        )

    def second_lookers(self, step: RedactionStep) -> tuple[SecondLooker, ...]:
        """Who looks again: another family than those that looked. Raises EngineError."""
        return self._second(step.job.face_models)

    def _open_second(self, looked: tuple[ModelRef, ...]) -> tuple[SecondLooker, ...]:
        loaded = {ref.sha256: ref for ref in looked}

        def opened(card: ModelCard) -> Detector:
            ref = ModelRef(card.name, card.name, card.family, card.sha256)
            return self._detector(loaded.get(card.sha256, ref), SIDE_PX)

        families = {ref.family for ref in looked}
        return lookers_for(families, self._directory.cards_named(ORDER), opened, CascadeLooker())

    def _load(self, ref: ModelRef, size: tuple[int, int] | None) -> Detector:
        model = self._directory.load(ref, input_size=size)
        if model.detector is None:
            raise EngineError("model_task", f"expected a model that finds boxes, {ref.name} does not")
        return model.detector

    def _finder(self, ref: ModelRef) -> LineFinder:
        """Text is found by the one finder that every text model uses; only where it is, not what it says."""
        return _text_finder(BackendOptions(self._settings.providers, self._settings.inference_threads))


@lru_cache(maxsize=1)
def _text_finder(options: BackendOptions) -> LineFinder:
    return LineFinder(text_models.open_finder(options))
