"""Which version answers for each stage and zone of a camera, and which stands in while another is loaded."""

from dataclasses import dataclass, field

from inference_workers.contracts.frames import LOADING
from inference_workers.contracts.lease import Lease, ModelRef, Stage
from inference_workers.streams.looks import Answer, Look

# With several workers the last of them takes over later than the first; so long the old version may answer.
STAND_IN_S = 60.0


@dataclass(slots=True)
class ServingVersions:
    """Attributes:
    served: place (`Look.place`) to the hash of the bytes that answered last.
    waiting: place to the reason why the version that the lease names does not answer yet.
    """

    served: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    _last: dict[str, ModelRef] = field(default_factory=dict)
    _before: dict[str, tuple[ModelRef, float]] = field(default_factory=dict)

    def stand_in(self, look: Look, wanted: ModelRef, at: float) -> ModelRef | None:
        """The version that may answer instead of `wanted`; None when there is no other, or no need."""
        last = self._last.get(look.place)
        if last is not None and last != wanted:
            return last
        before, since = self._before.get(look.place, (None, 0.0))
        return before if before is not None and before != wanted and at - since < STAND_IN_S else None

    def answered(self, answer: Answer, at: float) -> None:
        """Take in who answered; `at` by the clock of the frames."""
        place = answer.look.place
        if answer.waiting:
            self.waiting[place] = answer.waiting
        else:
            self.waiting.pop(place, None)
        last = self._last.get(place)
        if last is not None and last != answer.model:
            self._before[place] = (last, at)
        self._last[place] = answer.model
        self.served[place] = answer.model.sha256

    def failed(self, answer: Answer) -> None:
        """A classifier did not answer: why, for the camera's page. Want of time is no reason to name."""
        if answer.waiting and answer.look.stage is Stage.CLASSIFY:
            self.waiting[answer.look.place] = answer.waiting

    def taking_over(self, lease: Lease) -> frozenset[Stage]:
        """Stages whose new version has not answered yet and is not refused: look again soon."""
        return frozenset(
            look.stage
            for look, wanted in wanted_by(lease).items()
            if self._last.get(look.place, wanted) != wanted
            and self.waiting.get(look.place, LOADING) == LOADING
        )

    def keep(self, lease: Lease) -> None:
        """What the lease does not name any more serves nothing there and is waited for by nobody."""
        places = {look.place for look in wanted_by(lease)}
        for entries in (self.served, self.waiting, self._last, self._before):
            for place in entries.keys() - places:
                del entries[place]


def wanted_by(lease: Lease) -> dict[Look, ModelRef]:
    """Every look of a lease that is published, with the version that shall answer."""
    looks = {Look(stage): lease.models[stage.value] for stage in lease.stages if stage.value in lease.models}
    if Look(Stage.DETECT) in looks:
        looks |= {
            Look(Stage.DETECT, zone_id=zone.zone_id): zone.detector
            for zone in lease.zones
            if zone.detector is not None
        }
        looks |= _on_crops(lease)
    if lease.reads_crops():
        looks.pop(Look(Stage.TEXT), None)
    return looks


def _on_crops(lease: Lease) -> dict[Look, ModelRef]:
    """The looks that follow a detector's."""
    found = {}
    for cascade in lease.cascades:
        model = cascade.model or lease.models.get(cascade.stage.value)
        if model is not None and lease.allows(cascade.stage):
            found[Look(cascade.stage, cascade_id=cascade.cascade_id)] = model
    return found
