"""Typed readers of environment variables that refuse nonsense instead of guessing.

Both planes read their settings through these; each error names the variable, what it expects and what came
(never the value of a secret).
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class SettingError(ValueError):
    """A variable is missing or holds a value that its reader refuses."""


class Environment:
    """Reads variables from a mapping (`os.environ` by default)."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def _read(self, name: str, default: T | None, parse: Callable[[str], T]) -> T:
        raw = self._variables.get(name, "").strip()
        if raw:
            return parse(raw)
        if default is None:
            raise SettingError(f"{name} is not set, and it has no default")
        return default

    def text(self, name: str, default: str | None = None) -> str:
        return self._read(name, default, lambda raw: raw)

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        def parse(raw: str) -> str:
            if raw not in choices:
                raise SettingError(f"{name}: expected one of {', '.join(choices)}, got {raw!r}")
            return raw

        return self._read(name, default, parse)

    def flag(self, name: str, default: bool | None = None) -> bool:
        def parse(raw: str) -> bool:
            if raw.lower() in _TRUE | _FALSE:
                return raw.lower() in _TRUE
            raise SettingError(f"{name}: expected yes or no, got {raw!r}")

        return self._read(name, default, parse)

    def integer(self, name: str, default: int | None = None, *, minimum: int, maximum: int) -> int:
        def parse(raw: str) -> int:
            try:
                value = int(raw)
            except ValueError as error:
                raise SettingError(f"{name}: expected a whole number, got {raw!r}") from error
            if not minimum <= value <= maximum:
                raise SettingError(f"{name}: expected {minimum} to {maximum}, got {value}")
            return value

        return self._read(name, default, parse)

    def number(self, name: str, default: float | None = None, *, minimum: float, maximum: float) -> float:
        def parse(raw: str) -> float:
            try:
                value = float(raw)
            except ValueError as error:
                raise SettingError(f"{name}: expected a number, got {raw!r}") from error
            if not minimum <= value <= maximum:
                raise SettingError(f"{name}: expected {minimum} to {maximum}, got {value}")
            return value

        return self._read(name, default, parse)

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A comma separated list."""
        return self._read(
            name,
            default,
            lambda raw: tuple(word.strip() for word in raw.split(",") if word.strip()),
        )

    def path(self, name: str, default: Path | None = None) -> Path:
        """An absolute path; `~` is expanded."""

        def parse(raw: str) -> Path:
            path = Path(raw).expanduser()
            if not path.is_absolute():
                raise SettingError(f"{name}: expected an absolute path, got {raw!r}")
            return path

        return self._read(name, default, parse)

    def url(self, name: str, schemes: tuple[str, ...], default: str | None = None) -> str:
        """A URL with one of the schemes; its value is never repeated, it may hold a password."""

        def parse(raw: str) -> str:
            scheme = raw.partition(":")[0]
            if scheme not in schemes:
                raise SettingError(
                    f"{name}: expected a URL with scheme {', '.join(schemes)}, got scheme {scheme!r}"
                )
            return raw

        return self._read(name, default, parse)
