"""Ways in which people move: where a face is in each frame."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.redaction.scene import Pose

Way = Callable[[int], Pose | None]


def walk(start: tuple[float, float], speed: tuple[float, float], size: float) -> Way:
    """Straight on, the head bobbing a little with the steps."""
    return lambda n: Pose(
        start[0] + speed[0] * n, start[1] + speed[1] * n + 0.04 * size * math.sin(n / 2.2), size
    )


def turn(x: float, y: float, size: float, phase: float, tilt: float) -> Way:
    def at(number: int) -> Pose:
        swing = math.sin(number / 11 + phase)
        return Pose(
            x + 0.2 * size * swing, y, size, yaw=1.3 * swing, roll=tilt * math.sin(number / 17 + phase)
        )

    return at


def run(size_wh: tuple[int, int], share_y: float, speed: float, size: float, start: int) -> Way:
    """Across the picture, out on one side and in again on the other."""
    width, height = size_wh
    way = width + 80

    def at(number: int) -> Pose:
        x = (speed * (number + start)) % way - 40
        bob = 0.12 * size * math.sin(number / 1.6)
        return Pose(
            x, height * share_y + bob, size, yaw=0.35 * math.copysign(1, speed), smear_px=(speed / 2, 0)
        )

    return at


@dataclass(frozen=True, slots=True)
class Beat:
    """To and fro around `middle_xy`, `reach_px` to each side (negative: the other side first)."""

    middle_xy: tuple[float, float]
    reach_px: float
    period: float


def pace(beat: Beat, size: float) -> Way:
    x, y = beat.middle_xy

    def at(number: int) -> Pose:
        swing = math.sin(2 * math.pi * number / beat.period)
        return Pose(x + beat.reach_px * swing, y + 0.04 * size * math.sin(number / 2), size)

    return at


def turning(pose: Way, phase: float, period: float) -> Way:
    def at(number: int) -> Pose | None:
        found = pose(number)
        swing = math.sin(2 * math.pi * number / period + phase)
        return (
            None
            if found is None
            else replace(found, yaw=1.2 * swing, roll=0.25 * math.sin(number / 13 + phase))
        )

    return at


def smearing(pose: Way) -> Way:
    """Half of the way from the last frame shows as a trail."""

    def at(number: int) -> Pose | None:
        found, last = pose(number), pose(number - 1)
        if found is None or last is None:
            return found
        return replace(found, smear_px=((found.x - last.x) / 2, (found.y - last.y) / 2))

    return at


def nearing(place: tuple[float, float], first: float, last: float, length: int) -> Way:
    def at(number: int) -> Pose:
        size = first * (last / first) ** (number / max(length - 1, 1))
        return Pose(place[0] + 4 * math.sin(number / 4), place[1] + 0.4 * size, size)

    return at


def in_scene(pose: Way, scene: int, every: int) -> Way:
    return lambda number: pose(number) if number // every % 2 == scene else None
