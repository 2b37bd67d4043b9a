"""What the person at the terminal sees: one line per process, drawn again in place where that works."""

import shutil
import time
from dataclasses import dataclass
from typing import TextIO

from django.utils.translation import gettext as _

_CLEAR_LINE = "\x1b[2K"


@dataclass(frozen=True, slots=True)
class Line:
    """The state of one process in words."""

    name: str
    state: str
    detail: str = ""

    def text(self) -> str:
        return f"  {self.name:<10} {self.state:<12} {self.detail}".rstrip()


class StatusBoard:
    """On a terminal a table that is drawn in place; anywhere else one line per change."""

    def __init__(self, stream: TextIO, *, in_place: bool) -> None:
        self._stream = stream
        self._in_place = in_place
        self._drawn: list[str] = []
        self._states: dict[str, Line] = {}

    def show(self, lines: list[Line]) -> None:
        if self._in_place:
            self._redraw([line.text()[: self._width()] for line in lines])
        else:
            self._print_changes(lines)

    def say(self, message: str) -> None:
        """A message that stays above the table."""
        self._erase()
        self._stream.write(message + "\n")
        self._stream.flush()

    def _print_changes(self, lines: list[Line]) -> None:
        for line in lines:
            before = self._states.get(line.name)
            if before is None or before.state != line.state:
                self._stream.write(f"{time.strftime('%H:%M:%S')}{line.text()}\n")
            self._states[line.name] = line
        self._stream.flush()

    def _redraw(self, texts: list[str]) -> None:
        if texts == self._drawn:
            return
        self._erase()
        self._stream.writelines(f"{text}\n" for text in texts)
        self._stream.flush()
        self._drawn = texts

    def _erase(self) -> None:
        for _line in self._drawn:
            self._stream.write(f"\x1b[1A{_CLEAR_LINE}")
        self._drawn = []

    @staticmethod
    def _width() -> int:
        return shutil.get_terminal_size().columns - 1


def lived(seconds: float) -> str:
    """How long a process has been running, short enough for a column."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("%(seconds)d s") % {"seconds": int(seconds)}
    if minutes < 120:
        return _("%(minutes)d min") % {"minutes": minutes}
    return _("%(hours)d h") % {"hours": minutes // 60}
