"""Words for models: each check as a question a model owner asks, each status with its tone."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.registry.models import ArtifactFormat, ModelVersion, VersionStatus
from inference_workers.contracts.model_checks import CheckName, CheckOutcome

CHECKS: dict[str, str | Promise] = {
    CheckName.FORMAT: _("ONNX or safetensors, by its bytes"),
    CheckName.HASH: _("The bytes that were uploaded"),
    CheckName.SIDE_FILE: _("Side file: how it is fed and read"),
    CheckName.LICENCE: _("Licence"),
    CheckName.FAMILY: _("The contract of its family"),
    CheckName.STRUCTURE: _("Structure"),
    CheckName.EXTERNAL: _("No tensor in another file"),
    CheckName.OPSET: _("Version of the standard"),
    CheckName.OPERATORS: _("Allowed operators alone"),
    CheckName.GRAPH: _("Valid graph"),
    CheckName.INPUT: _("Input"),
    CheckName.LOAD: _("Loads"),
    CheckName.INFERENCE: _("Answers test pictures with finite numbers"),
    CheckName.OUTPUTS: _("Outputs that its family can read"),
    CheckName.RESOURCES: _("Memory and time"),
    CheckName.HEADER: _("Header without gaps and overlaps"),
    CheckName.NUMBERS: _("Finite numbers"),
}
WALLS: dict[str, str | Promise] = {
    "limits": _("limits of memory, time and files"),
    "network namespace": _("no network"),
    "file rules": _("no file but its own"),
    "system call filter": _("no sockets, no programs, no processes"),
}
_OUTCOMES = {
    CheckOutcome.PASSED: ("ok", _("passed this check")),
    CheckOutcome.FAILED: ("bad", _("did not pass")),
    CheckOutcome.SKIPPED: ("off", _("not made")),
}
TONES = {
    VersionStatus.UPLOADED: "accent",
    VersionStatus.CHECKING: "accent",
    VersionStatus.REFUSED: "bad",
    VersionStatus.GATED: "warn",
    VersionStatus.READY: "ok",
    VersionStatus.RETIRED: "warn",
}


def check_lines(version: ModelVersion) -> list[dict[str, Any]]:
    """The lines of the check as the page shows them; details are texts of the data plane."""
    return [
        {
            "title": CHECKS.get(line["check"], line["check"]),
            "tone": _OUTCOMES[line["outcome"]][0],
            "word": _OUTCOMES[line["outcome"]][1],
            "failed": line["outcome"] == CheckOutcome.FAILED,
            "detail": line["detail"],
        }
        for line in version.checks
    ]


def walls(version: ModelVersion) -> list[str | Promise]:
    return [WALLS[name] for name in version.check_facts.get("sandbox", ()) if name in WALLS]


_NEXT: dict[str, str | Promise] = {
    VersionStatus.UPLOADED: _("It waits for a worker. It is looked into as soon as one is there."),
    VersionStatus.CHECKING: _(
        "A worker looks into it, in a process without network and secrets. This takes seconds."
    ),
    VersionStatus.REFUSED: _(
        "It was refused and can serve nothing. Mend what the line says and upload it again."
    ),
    VersionStatus.GATED: _(
        "It passed its checks. It can serve when the comparison with the version it was made from allows it."
    ),
    VersionStatus.RETIRED: _("It was retired: nothing chooses it any more. What it found keeps its name."),
}


def status_line(version: ModelVersion) -> str | Promise:
    """Where it stands and what happens next, in one sentence."""
    if version.status != VersionStatus.READY:
        return _NEXT[version.status]
    if version.artifact == ArtifactFormat.SAFETENSORS:
        return _(
            "A training artefact: weights without a graph. It is kept and exported; no stage can use it."
        )
    if version.present:
        return _("It can serve.") if not version.problem else _("It is there, but it cannot be used.")
    if version.signature:
        return _("It passed. A worker puts it into the model directory now.")
    return _("It is not in the model directory any more.")
