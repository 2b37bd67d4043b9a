"""The hard sequences: what makes faces slip, one difficulty each, and all of them together.

Every figure is drawn from a seeded generator, so a sequence is the same wherever it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from benchmarks.redaction import moves
from benchmarks.redaction.backdrops import cut_between
from benchmarks.redaction.heads import Head
from benchmarks.redaction.scene import Backdrop, Person, Scene, Sensor, Thing
from inference_workers.engine.frame import Image

COATS = ((60, 52, 48), (120, 80, 40), (50, 60, 130), (170, 165, 160), (40, 90, 60), (30, 30, 34))
FPS = 25


@dataclass(frozen=True, slots=True)
class Stock:
    """What sequences are made of; `heads` are all frontal, `sideways` are not."""

    heads: Sequence[Head]
    sideways: Sequence[Head]
    backdrops: Sequence[Backdrop]
    size_wh: tuple[int, int]
    length: int


class Cast:
    """Draws heads, coats and backdrops in a fixed order from a seed."""

    def __init__(self, stock: Stock, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.stock = stock
        self.seed = seed
        self._heads: list[Head] = [stock.heads[index] for index in self.random.permutation(len(stock.heads))]

    def head(self) -> Head:
        """The next one; all have had their turn before one comes again."""
        head = self._heads.pop(0)
        self._heads.append(head)
        return head

    def sideways(self) -> Head:
        return self.stock.sideways[int(self.random.integers(len(self.stock.sideways)))]

    def person(self, pose: moves.Way, head: Head | None = None) -> Person:
        return Person(head or self.head(), pose, COATS[int(self.random.integers(len(COATS)))])

    def backdrop(self) -> Backdrop:
        return self.stock.backdrops[int(self.random.integers(len(self.stock.backdrops)))]

    def between(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def scene(self, name: str, people: Sequence[Person], things: Sequence[Thing] = ()) -> Scene:
        stock = self.stock
        return Scene(name, stock.size_wh, stock.length, self.backdrop(), people, things, seed=self.seed)


def small(stock: Stock, seed: int) -> Scene:
    """Faces of 12 to 26 px that walk slowly."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    sizes = (12.0, 14.0, 17.0, 20.0, 23.0, 26.0)
    people = [
        cast.person(moves.walk((width * (k + 0.3) / 6, height * cast.between(0.2, 0.5)), (0.5, 0.05), size))
        for k, size in enumerate(sizes)
    ]
    return cast.scene("small", people)


def turns(stock: Stock, seed: int) -> Scene:
    """Heads turn into a profile and back, tilt, and look down the other way; one is a real profile."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    people = [
        cast.person(
            moves.turn(width * (k + 0.5) / 6, height * 0.35, size, phase=k, tilt=0.9 if k % 2 else 0.15)
        )
        for k, size in enumerate((18.0, 24.0, 30.0, 38.0, 50.0))
    ]
    stands = moves.walk((width * 5.5 / 6, height * 0.35), (-0.1, 0.0), 44.0)
    return cast.scene("turns", [*people, cast.person(stands, cast.sideways())])


def motion(stock: Stock, seed: int) -> Scene:
    """People run: 6 to 14 px per frame, smeared along the way over a half of it."""
    cast = Cast(stock, seed)
    people = []
    for k, size in enumerate((16.0, 22.0, 28.0, 36.0)):
        speed = cast.between(6, 14) * (-1 if k % 2 else 1)
        people.append(cast.person(moves.run(stock.size_wh, 0.2 + 0.15 * k, speed, size, start=8 * k)))
    return cast.scene("motion", people)


def dark(stock: Stock, seed: int) -> Scene:
    """A fifth of the light, strong noise, and a lamp that flickers."""
    cast = Cast(stock, seed)
    people = _strollers(cast, (14.0, 20.0, 26.0, 34.0, 44.0))
    return replace(cast.scene("dark", people), sensor=Sensor(gain=0.22, noise=4.0, flicker=0.25))


def hidden(stock: Stock, seed: int) -> Scene:
    """People pass behind pillars and a van that crosses the picture."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    people = _strollers(cast, (16.0, 22.0, 28.0, 38.0), speed=1.6)
    plank = _patch(cast, (max(10, width // 26), height))
    van = _patch(cast, (width // 5, height // 2))
    pillars = [_standing(plank, width * share) for share in (0.22, 0.47, 0.74)]
    return cast.scene("hidden", people, [*pillars, Thing(van, lambda n: (width - 7.0 * n, height * 0.25))])


def crossing(stock: Stock, seed: int) -> Scene:
    """Pairs walk through each other: a face is covered by another head, again and again."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    people = []
    for k, size in enumerate((18.0, 26.0, 34.0)):
        y = height * (0.2 + 0.22 * k)
        people += [
            cast.person(moves.pace(moves.Beat((width * 0.5, y), reach, 66 + 14 * k), size))
            for reach in (width * 0.14, -width * 0.14)
        ]
    return cast.scene("crossing", people)


def crowd(stock: Stock, seed: int) -> Scene:
    """Ten people at once, of all sizes, who turn their heads while they walk about."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    people = []
    for k in range(10):
        size = cast.between(13, 34)
        middle = (width * cast.between(0.15, 0.85), height * (0.15 + 0.05 * k))
        reach = width * cast.between(0.04, 0.2) * (1 if k % 2 else -1)
        pose = moves.pace(moves.Beat(middle, reach, cast.between(40, 110)), size)
        people.append(cast.person(moves.turning(pose, cast.between(0, 6.28), cast.between(40, 90))))
    return cast.scene("crowd", people)


def edges(stock: Stock, seed: int) -> Scene:
    """People come in from every side, come near from far away, and leave again."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    length = stock.length
    people = [
        cast.person(moves.walk((-20.0, height * 0.3), (3.2, 0.0), 30.0)),
        cast.person(moves.walk((width + 12.0, height * 0.45), (-2.6, 0.0), 22.0)),
        cast.person(moves.walk((width * 0.35, height + 30.0), (0.0, -2.2), 40.0)),
        cast.person(moves.walk((width * 0.7, -14.0), (0.1, 1.4), 18.0)),
        cast.person(moves.nearing((width * 0.52, height * 0.3), 11.0, 64.0, length)),
    ]
    return cast.scene("edges", people)


def squeezed(stock: Stock, seed: int) -> Scene:
    """The stroll of a camera with a thin line: H.264 at CRF 37."""
    cast = Cast(stock, seed)
    return replace(cast.scene("squeezed", _strollers(cast, (14.0, 19.0, 25.0, 32.0, 46.0))), crf=37)


def cuts(stock: Stock, seed: int) -> Scene:
    """Another scene every 15 frames, with other people at other places."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    people = []
    for k in range(6):
        place = (width * cast.between(0.1, 0.9), height * cast.between(0.2, 0.5))
        walk = moves.walk(place, (cast.between(-1, 1), 0.0), cast.between(16, 42))
        people.append(cast.person(moves.in_scene(walk, k % 2, every=15)))
    scene = cast.scene("cuts", people)
    return replace(scene, backdrop=cut_between(scene.backdrop, cast.backdrop(), 15))


def worst(stock: Stock, seed: int) -> Scene:
    """Little light, noise, haste, turns, pillars and a thin line, all at once."""
    cast = Cast(stock, seed)
    width, height = stock.size_wh
    people = []
    for k, size in enumerate((15.0, 20.0, 25.0, 30.0, 36.0, 44.0)):
        y = height * (0.15 + 0.09 * k)
        beat = moves.Beat((width * 0.5, y), width * cast.between(0.2, 0.42), cast.between(50, 90))
        pace = moves.pace(beat, size)
        people.append(cast.person(moves.turning(moves.smearing(pace), k, cast.between(30, 70))))
    plank = _patch(cast, (width // 22, height))
    things = [_standing(plank, width * share) for share in (0.3, 0.62)]
    scene = cast.scene("worst", people, things)
    return replace(scene, sensor=Sensor(gain=0.3, noise=6.0, flicker=0.2), crf=30)


HARD = (small, turns, motion, dark, hidden, crossing, crowd, edges, squeezed, cuts, worst)


def hard_sequences(stock: Stock, seed: int = 20) -> list[Scene]:
    return [make(stock, seed + number) for number, make in enumerate(HARD)]


def _strollers(cast: Cast, sizes: Sequence[float], speed: float = 0.8) -> list[Person]:
    width, height = cast.stock.size_wh
    people = []
    for k, size in enumerate(sizes):
        place = (width * (k + 0.5) / len(sizes), height * cast.between(0.2, 0.45))
        people.append(
            cast.person(moves.walk(place, (cast.between(-speed, speed), cast.between(-0.1, 0.1)), size))
        )
    return people


def _standing(picture: Image, left_px: float) -> Thing:
    return Thing(picture, lambda _number: (left_px, 0.0))


def _patch(cast: Cast, size_wh: tuple[int, int]) -> Image:
    """A piece of a street, as coarse wood or paint, for things that stand in the way."""
    street = cast.backdrop()(0)
    piece = street[street.shape[0] // 2 :, : street.shape[1] // 3]
    return np.asarray(cv2.resize(piece, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
