"""Which version answers for each stage of one camera, and which stands in while another is being loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inference_workers.contracts.frames import LOADING
from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.streams.looks import Answer

# With several workers the last of them takes over later than the first; so long the old version may answer.
STAND_IN_S = 60.0


@dataclass(slots=True)
class ServingVersions:
    """Attributes:
    served: stage to the hash of the bytes that answered last.
    waiting: stage to the reason why the version that the lease names does not answer yet.
    """

    served: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    _last: dict[Stage, ModelRef] = field(default_factory=dict)
    _before: dict[Stage, tuple[ModelRef, float]] = field(default_factory=dict)

    def stand_in(self, stage: Stage, wanted: ModelRef, at: float) -> ModelRef | None:
        """The version that may answer instead of `wanted`; None when there is no other, or no need."""
        last = self._last.get(stage)
        if last is not None and last != wanted:
            return last
        before, since = self._before.get(stage, (None, 0.0))
        return before if before is not None and before != wanted and at - since < STAND_IN_S else None

    def answered(self, answer: Answer, at: float) -> None:
        """Take in who answered; `at` by the clock of the frames."""
        stage = answer.look.stage
        if answer.waiting:
            self.waiting[stage.value] = answer.waiting
        else:
            self.waiting.pop(stage.value, None)
        last = self._last.get(stage)
        if last is not None and last != answer.model:
            self._before[stage] = (last, at)
        self._last[stage] = answer.model
        self.served[stage.value] = answer.model.sha256

    def taking_over(self, models: Mapping[str, ModelRef]) -> frozenset[Stage]:
        """Stages whose new version has not answered yet and is not refused: look again soon."""
        return frozenset(
            stage
            for stage, last in self._last.items()
            if models.get(stage.value, last) != last and self.waiting.get(stage.value, LOADING) == LOADING
        )

    def keep(self, stages: tuple[Stage, ...]) -> None:
        """Nothing waits for a stage that is no longer allowed."""
        kept = {stage.value for stage in stages}
        self.waiting = {stage: why for stage, why in self.waiting.items() if stage in kept}
