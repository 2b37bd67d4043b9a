"""A model version as the data plane announces it: read from its side file, checked, hash computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelCard:
    """`task`: "detection", "face", "text", "motion", "classification". `builtin` versions come with installed
    packages.

    `problem` says in words why a version that lies in the model directory cannot be used; empty when fine.
    `parent_sha256` names the version that this one was made from, `kind` how its numbers are stored ("fp32",
    "fp16", "int8", …). `preprocess` is how pictures are fed, `preprocessing_sha256` the hash of that.
    """

    name: str
    family: str
    task: str
    sha256: str
    licence: str
    source: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    builtin: bool = False
    note: str = ""
    problem: str = ""
    size_bytes: int = 0
    kind: str = "fp32"
    parent_sha256: str = ""
    training_data: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    preprocess: Mapping[str, str] = field(default_factory=dict)
    preprocessing_sha256: str = ""
