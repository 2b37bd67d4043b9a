"""What a demo scene is, and what every one of them shows: the word DEMO, its name and a running clock."""

from dataclasses import dataclass, field
from typing import Protocol

from inference_workers.contracts.lease import Script, ZoneKind
from inference_workers.demo.canvas import HEIGHT_PX, WIDTH_PX, Image, blit
from inference_workers.demo.lettering import Clock, lettering

LOOP_S = 40.0


@dataclass(frozen=True, slots=True)
class DemoZone:
    """A zone that suits the scene; `polygon` in shares of the picture."""

    name: str
    kind: ZoneKind
    polygon: tuple[tuple[float, float], ...]
    script: Script | None = None


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """How the camera that shows this clip is set up. `name` is also the file's name."""

    name: str
    title: str
    group: str
    read_text: bool = False
    zones: tuple[DemoZone, ...] = field(default=())


class Scene(Protocol):
    """A loop of LOOP_S seconds: the last picture flows into the first."""

    camera: DemoCamera

    def draw(self, at_s: float, index: int) -> Image:
        """The picture at a moment of the loop, BGR uint8 (HEIGHT_PX, WIDTH_PX, 3), without its caption."""
        ...


def rectangle(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    """A polygon in shares from a rectangle in pixels, cut at the picture's edge."""
    x1, x2 = (min(max(x / WIDTH_PX, 0.0), 1.0) for x in (left, right))
    y1, y2 = (min(max(y / HEIGHT_PX, 0.0), 1.0) for y in (top, bottom))
    return ((x1, y1), (x2, y1), (x2, y2), (x1, y2))


class Caption:
    """The bar on top of every demo picture."""

    HEIGHT_PX = 44

    def __init__(self, title: str) -> None:
        self._badge = lettering("DEMO", Script.LATIN, 24, (30, 30, 30))
        self._title = lettering(title, Script.LATIN, 24, (240, 240, 240))
        self._clock = Clock()

    def draw(self, canvas: Image, at_s: float) -> None:
        bar = canvas[: self.HEIGHT_PX]
        bar[:] = bar // 3
        canvas[8:36, 12:104] = (60, 200, 250)
        blit(canvas, self._badge, 18, 12)
        blit(canvas, self._title, 120, 10)
        minutes, seconds = divmod(at_s, 60)
        self._clock.draw(canvas, f"{int(minutes):02d}:{int(seconds):02d}.{int(seconds * 10) % 10}", 1128, 12)
