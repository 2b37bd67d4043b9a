"""Which version serves a stage where nobody has assigned one: a fixed, documented order.

Detection. Measured on 72 pictures of val2017 the small detectors differ by less than two points of mAP
(0.33 to 0.37), and by more than a factor of two in speed, so the fastest of the good ones come first; then
other general detectors by name; then detectors of few classes; at last the built-in HOG people detector,
which is basic. Faces: YuNet misses the fewest in the live privacy figures (docs/performance.md) and is the
fastest; CenterFace is built in.
"""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from apps.registry.models import ArtifactFormat, ModelTask, ModelVersion, VersionKind, VersionStatus
from apps.registry.problems import problem_words
from inference_workers.contracts.lease import Stage

STAGE_TASK = {
    Stage.DETECT: ModelTask.DETECTION,
    Stage.FACES: ModelTask.FACE,
    Stage.TEXT: ModelTask.TEXT,
    Stage.MOTION: ModelTask.MOTION,
}
GENERAL_CLASSES = 20
_PREFERRED = {
    Stage.DETECT: (
        "yolox-nano-0.1.0",
        "picodet-s-320",
        "yolox-nano",
        "picodet-s-416",
        "yolox-tiny",
        "yolox-s",
        "nanodet-m-320",
        "nanodet-m-416",
    ),
    Stage.FACES: ("yunet-n", "centerface"),
    Stage.TEXT: ("pp-ocr", "tesseract"),
    Stage.MOTION: ("motion-mog2",),
}


def usable(version: ModelVersion) -> bool:
    """Whether it may serve: its file is there, in order, and nobody refused or retired it."""
    return version.present and not version.problem and version.status == VersionStatus.READY


def needs_gate(version: ModelVersion) -> bool:
    """Whether it has to be compared with its parent before it serves: whatever was made from another one.

    Weights without a graph (a training artefact) see nothing, so nothing is lost against them.
    """
    if version.artifact != ArtifactFormat.ONNX:
        return False
    from_graph = version.parent is not None and version.parent.artifact == ArtifactFormat.ONNX
    return from_graph or version.kind != VersionKind.FP32


def why_unusable(version: ModelVersion) -> str:
    """In words, for a version that is not usable."""
    if version.artifact == ArtifactFormat.SAFETENSORS:
        return _("Safetensors hold weights without a graph: a training artefact, which no stage can use.")
    if version.status != VersionStatus.READY:
        return problem_words(version) or _("This version is not ready: %s.") % version.get_status_display()
    return version.problem or _("This version is not in the model directory any more.")


def best_version(stage: Stage, versions: Iterable[ModelVersion]) -> ModelVersion | None:
    """The first usable version for `stage` in the order above.

    What somebody uploaded, and what was made from another version, serves only when a person says so.
    """
    candidates = [
        version
        for version in versions
        if version.task == STAGE_TASK[stage]
        and usable(version)
        and version.uploaded_by_id is None
        and version.parent_id is None
    ]
    return min(candidates, key=lambda version: _rank(stage, version), default=None)


def _rank(stage: Stage, version: ModelVersion) -> tuple[int, bool, bool, str, str]:
    preferred = _PREFERRED[stage]
    place = preferred.index(version.name) if version.name in preferred else len(preferred)
    few_classes = len(version.classes) < GENERAL_CLASSES
    return place, version.builtin, few_classes, version.name, version.sha256
