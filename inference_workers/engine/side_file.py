"""The side file of a model: NAME.json beside NAME.onnx says how to feed it and how to read its answer."""

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from inference_workers.engine.classifiers import TASK as CLASSIFICATION
from inference_workers.engine.detectors.families import FAMILIES
from inference_workers.engine.errors import EngineError
from inference_workers.engine.preprocess import STRIDE_PX, Colour, Preprocess, Resize

MAX_BYTES = 256 * 1024
MAX_CLASSES = 2000
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUIRED = {
    "family", "task", "licence", "source", "sha256", "input_size", "preprocess", "thresholds"
}  # fmt: skip
_OPTIONAL = {
    "classes", "classes_file", "note", "kind", "parent_sha256", "training_data", "metrics",
    "identifies_persons",
}  # fmt: skip
KINDS = ("fp32", "fp16", "int8", "cleaned", "openvino", "tensorrt")
MAX_METRICS = 40
_PREPROCESS = {"colour", "scale", "mean", "std", "resize", "pad_value"}


@dataclass(frozen=True, slots=True)
class SideFile:
    """`input_size` is (width, height); `thresholds` has `score` and, where the family merges, `nms`.

    `kind` is how the numbers are stored, `parent_sha256` the file that this one was made from. `metrics` are
    what its maker states, not what was measured here. `identifies_persons` is stated by classifiers alone,
    and must be false: who somebody is, is recognition, which no stage of a lease allows.
    """

    family: str
    task: str
    licence: str
    source: str
    sha256: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    preprocess: Preprocess
    thresholds: Mapping[str, float]
    note: str = ""
    kind: str = "fp32"
    parent_sha256: str = ""
    training_data: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    identifies_persons: bool | None = None

    def to_json(self) -> str:
        """Optional fields only where they say something, so that an older release reads the file too."""
        facts = asdict(self)
        for name in ("kind", "parent_sha256", "training_data", "metrics"):
            if not facts[name] or facts[name] == "fp32":
                del facts[name]
        if self.identifies_persons is None:
            del facts["identifies_persons"]
        return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"

    def preprocessing_words(self) -> dict[str, str]:
        """How pictures are fed, as text: the numbers in their shortest form that reads back the same."""
        step = self.preprocess
        return {
            "colour": str(step.colour),
            "resize": str(step.resize),
            "scale": repr(float(step.scale)),
            "mean": ", ".join(repr(float(part)) for part in step.mean),
            "std": ", ".join(repr(float(part)) for part in step.std),
            "pad_value": str(step.pad_value),
        }

    def preprocessing_sha256(self) -> str:
        """Two versions with the same tensors and another preprocessing differ in this."""
        text = json.dumps(self.preprocessing_words(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def read_side_file(path: Path) -> SideFile:
    """Raises EngineError `side_file` with one sentence that names the field, what is expected, what came."""
    try:
        raw = path.read_bytes()[: MAX_BYTES + 1]
    except OSError as error:
        raise _refuse(path.name, "the file itself", "a readable JSON file", error.strerror) from error
    return parse_side_file(raw, path.name, path.parent)


def parse_side_file(raw: bytes, name: str, folder: Path | None = None) -> SideFile:
    """The same for text that lies in no folder: then the names of the classes have to be in it."""
    if len(raw) > MAX_BYTES:
        raise _refuse(name, "the file itself", f"at most {MAX_BYTES} bytes", "more")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _refuse(name, "the file itself", "JSON", error) from error
    return _Reader(name, value).side_file(folder)


def _unkept(text: str, allowed: str = "") -> bool:
    """Control characters, and halves of characters, which JSON can write and no database keeps."""
    return any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in allowed for sign in text)


def _refuse(file: str, field: str, expected: str, got: object) -> EngineError:
    return EngineError("side_file", f"{file}: {field}: expected {expected}, got {str(got)!r:.80}")


class _Reader:
    """Reads the fields of one side file, strictly."""

    def __init__(self, file: str, value: Any) -> None:
        self._file = file
        self._value = self._object("the file itself", value, _REQUIRED, _OPTIONAL)

    def side_file(self, folder: Path | None) -> SideFile:
        family = self._family()
        return SideFile(
            family=family,
            task=self._task(family),
            licence=self._text("licence", 200),
            source=self._text("source", 500),
            sha256=self._sha256("sha256"),
            classes=self._classes(folder),
            input_size=self._input_size(),
            preprocess=self._preprocess(),
            thresholds=self._thresholds(merges=FAMILIES[family].merges),
            note=self._text("note", 2000) if self._value.get("note") else "",
            kind=self._choice("kind", self._value.get("kind", "fp32"), [*KINDS]),
            parent_sha256=self._sha256("parent_sha256") if self._value.get("parent_sha256") else "",
            training_data=self._text("training_data", 500) if self._value.get("training_data") else "",
            metrics=self._metrics(),
            identifies_persons=self._identifies_persons(family),
        )

    def refuse(self, field: str, expected: str, got: object) -> EngineError:
        return _refuse(self._file, field, expected, got)

    def _object(self, field: str, value: Any, required: set[str], optional: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.refuse(field, "a JSON object", type(value).__name__)
        if missing := sorted(required - value.keys()):
            raise self.refuse(field, f"the fields {', '.join(missing)}", "none of that name")
        if unknown := sorted(value.keys() - required - optional):
            raise self.refuse(field, "only known fields", ", ".join(unknown))
        return value

    def _text(self, field: str, longest: int) -> str:
        value = self._value[field]
        if not isinstance(value, str) or not value.strip() or len(value) > longest:
            raise self.refuse(field, f"a text of 1 to {longest} characters", value)
        if _unkept(value, "\t\n\r"):
            raise self.refuse(field, "a text without control characters", value)
        return value.strip()

    def _family(self) -> str:
        family = self._value["family"]
        if not isinstance(family, str) or family not in FAMILIES:
            raise self.refuse("family", f"one of {', '.join(FAMILIES)}", family)
        return family

    def _task(self, family: str) -> str:
        task = FAMILIES[family].task
        if self._value["task"] != task:
            raise self.refuse("task", f"{task} for the family {family}", self._value["task"])
        return task

    def _identifies_persons(self, family: str) -> bool | None:
        """Asked of every classifier, so that nobody brings recognition in by leaving a line out."""
        value = self._value.get("identifies_persons")
        if FAMILIES[family].task != CLASSIFICATION:
            if value is not None:
                raise self.refuse("identifies_persons", "the field in classifiers only", value)
            return None
        if value is not False:
            raise self.refuse(
                "identifies_persons",
                "false, because who somebody is may be told by the stage recognise only, which no lease has",
                "nothing" if value is None else value,
            )
        return False

    def _sha256(self, field: str) -> str:
        value = self._value[field]
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise self.refuse(field, "64 hexadecimal digits", value)
        return value

    def _metrics(self) -> dict[str, float]:
        value = self._value.get("metrics", {})
        if not isinstance(value, dict) or len(value) > MAX_METRICS:
            raise self.refuse("metrics", f"an object of at most {MAX_METRICS} numbers", value)
        for name in value:
            if not name.strip() or len(name) > 60:
                raise self.refuse("metrics", "names of 1 to 60 characters", name)
            if _unkept(name):
                raise self.refuse("metrics", "names without control characters", name)
        return {name: self._number(f"metrics.{name}", number, -1e12, 1e12) for name, number in value.items()}

    def _classes(self, folder: Path | None) -> tuple[str, ...]:
        names = self._value.get("classes")
        if names is None and "classes_file" in self._value:
            names = self._classes_file(folder)
        if not isinstance(names, list) or not 1 <= len(names) <= MAX_CLASSES:
            raise self.refuse("classes", f"a list of 1 to {MAX_CLASSES} names", names)
        for name in names:
            if not isinstance(name, str) or not name.strip() or len(name) > 80:
                raise self.refuse("classes", "names of 1 to 80 characters", name)
            if _unkept(name):
                raise self.refuse("classes", "names without control characters", name)
        if len(set(names)) != len(names):
            raise self.refuse("classes", "names that differ", "the same name twice")
        return tuple(names)

    def _classes_file(self, folder: Path | None) -> list[str]:
        """A plain name beside the side file: never a path (PITFALLS 15)."""
        name = self._value["classes_file"]
        if folder is None:
            raise self.refuse("classes_file", "the names in the field classes", name)
        if not isinstance(name, str) or Path(name).name != name or name.startswith("."):
            raise self.refuse("classes_file", "a file name without a folder", name)
        try:
            text = (folder / name).read_bytes()[:MAX_BYTES].decode("utf-8")
        except (OSError, ValueError) as error:
            raise self.refuse("classes_file", "a readable UTF-8 text file", error) from error
        return [line.strip() for line in text.splitlines() if line.strip()]

    def _input_size(self) -> tuple[int, int]:
        value = self._value["input_size"]
        fits = isinstance(value, list) and len(value) == 2
        if not fits or not all(type(side) is int and 32 <= side <= 4096 for side in value):
            raise self.refuse("input_size", "[width, height], each 32 to 4096 pixels", value)
        return value[0], value[1]

    def _preprocess(self) -> Preprocess:
        value = self._object("preprocess", self._value["preprocess"], _PREPROCESS, set())
        pad = value["pad_value"]
        if type(pad) is not int or not 0 <= pad <= 255:
            raise self.refuse("preprocess.pad_value", "0 to 255", pad)
        std = self._three("preprocess.std", value["std"])
        if any(part <= 0 for part in std):
            raise self.refuse("preprocess.std", "numbers above 0", value["std"])
        return Preprocess(
            colour=Colour(self._choice("preprocess.colour", value["colour"], [*Colour])),
            scale=self._number("preprocess.scale", value["scale"], 1e-6, 1000),
            mean=self._three("preprocess.mean", value["mean"]),
            std=std,
            resize=Resize(self._choice("preprocess.resize", value["resize"], [*Resize])),
            pad_value=pad,
        )

    def _choice(self, field: str, value: Any, choices: list[Any]) -> str:
        if value not in [str(choice) for choice in choices]:
            raise self.refuse(field, f"one of {', '.join(choices)}", value)
        return str(value)

    def _number(self, field: str, value: Any, minimum: float, maximum: float) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(field, "a number", value)
        if not math.isfinite(value) or not minimum <= value <= maximum:
            raise self.refuse(field, f"{minimum} to {maximum}", value)
        return float(value)

    def _three(self, field: str, value: Any) -> tuple[float, float, float]:
        if not isinstance(value, list) or len(value) != 3:
            raise self.refuse(field, "three numbers, one per channel", value)
        first, second, third = (self._number(field, part, -1e6, 1e6) for part in value)
        return first, second, third

    def _thresholds(self, *, merges: bool) -> dict[str, float]:
        needed = {"score", "nms"} if merges else {"score"}
        value = self._object("thresholds", self._value["thresholds"], needed, set())
        return {name: self._number(f"thresholds.{name}", value[name], 0.0, 1.0) for name in needed}


def require_multiple_of_stride(side: SideFile, file: str) -> None:
    if side.preprocess.resize is Resize.FIT and any(part % STRIDE_PX for part in side.input_size):
        raise _refuse(file, "input_size", f"multiples of {STRIDE_PX} for resize fit", side.input_size)
