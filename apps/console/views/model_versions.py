"""One version with its card, checks and lineage; its family; and the page to upload one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability, user_can
from apps.console.access import page, told, viewer
from apps.console.evaluation_words import title_of
from apps.console.model_forms import FamilyForm
from apps.console.model_words import TONES, check_lines, status_line, walls
from apps.console.speed import speed_tables
from apps.core.errors import DomainError
from apps.detections.selectors import events_search
from apps.evaluations.gates import gate_state
from apps.evaluations.selectors import evaluations_of
from apps.registry import versions
from apps.registry.choice import STAGE_TASK, usable
from apps.registry.families import family_create
from apps.registry.models import (
    INSTALLED,
    ArtifactFormat,
    ModelTask,
    ModelVersion,
    VersionKind,
    VersionStatus,
)
from apps.registry.selectors import families_all, family_get, stage_states, version_get, versions_all
from apps.registry.statements import statement_holds
from apps.registry.uploads import max_bytes
from apps.rollouts.models import Rollout
from apps.rollouts.selectors import given_singly, rollouts_of

_UNDER_WAY = (VersionStatus.UPLOADED, VersionStatus.CHECKING)
_MOST_EVENTS = 1000
_SHOWN = 10


@page(Capability.SEE_MODELS)
def version(request: HttpRequest, version_id: str) -> HttpResponse:
    user = viewer(request)
    found = version_get(user, version_id)
    serves = [state.stage.value for state in stage_states() if state.version == found]
    context = {
        **_checks(found),
        "ancestors": _ancestors(found),
        "children": list(found.children.order_by("kind", "name")),
        "siblings": _siblings(found),
        "serves": serves,
        "gate": gate_state(found),
        "evaluations": _evaluations(request, found),
        "rollouts": _rollouts(request, found),
        "single": given_singly(found),
        "events": _events_seen(request, found),
        "may_compare": found.task == ModelTask.DETECTION
        and found.present
        and not found.problem
        and user_can(user, Capability.EVALUATE_MODELS),
        "may_roll_out": usable(found)
        and not serves
        and found.task in STAGE_TASK.values()
        and user_can(user, Capability.MANAGE_ROLLOUTS),
        "signed": statement_holds(found) if found.signature else None,
        "may_retire": user_can(user, Capability.UPLOAD_MODELS)
        and found.status == VersionStatus.READY
        and not found.builtin,
    }
    return render(request, "console/model.html", context)


@page(Capability.SEE_MODELS)
def version_checks(request: HttpRequest, version_id: str) -> HttpResponse:
    """The lines alone, for htmx: it asks again while the check is under way."""
    return render(request, "console/_model_checks.html", _checks(version_get(viewer(request), version_id)))


def _checks(found: ModelVersion) -> dict[str, Any]:
    return {
        "version": found,
        "lines": check_lines(found),
        "walls": walls(found),
        "status_line": status_line(found),
        "tone": TONES[VersionStatus(found.status)],
        "under_way": found.status in _UNDER_WAY or _waits_to_be_installed(found),
    }


def _waits_to_be_installed(found: ModelVersion) -> bool:
    is_servable = found.artifact == ArtifactFormat.ONNX and found.status in INSTALLED
    return is_servable and bool(found.signature) and not found.present and not found.problem


def _ancestors(found: ModelVersion) -> list[ModelVersion]:
    """From the parent upwards; a row can name only an older one, and nothing is followed for ever."""
    line: list[ModelVersion] = []
    while found.parent is not None and len(line) < 10:
        found = found.parent
        line.append(found)
    return line


def _siblings(found: ModelVersion) -> list[dict[str, Any]]:
    """The family's other versions, and whether they are fed in another way."""
    if found.family_ref is None:
        return []
    others = versions_all().filter(family_ref=found.family_ref).exclude(pk=found.pk)[:30]
    return [
        {
            "version": other,
            "fed_otherwise": bool(other.preprocessing_sha256)
            and other.preprocessing_sha256 != found.preprocessing_sha256,
        }
        for other in others
    ]


def _evaluations(request: HttpRequest, found: ModelVersion) -> list[dict[str, Any]]:
    """Its newest comparisons and replays, on either side, among those that this person may see."""
    rows = evaluations_of(viewer(request), found)[:_SHOWN]
    return [{"row": row, "title": title_of(row)} for row in rows]


def _rollouts(request: HttpRequest, found: ModelVersion) -> list[Rollout]:
    """Where it was rolled out, and where another version was to take its place; the newest first."""
    if not user_can(request.user, Capability.SEE_ROLLOUTS):
        return []
    return list(rollouts_of(found)[:_SHOWN])


def _events_seen(request: HttpRequest, found: ModelVersion) -> dict[str, Any] | None:
    """How many events it found, among those that this person may see; None without that right."""
    if not user_can(request.user, Capability.SEE_EVENTS):
        return None
    count = len(
        events_search(viewer(request)).filter(model_version=found).values_list("pk")[: _MOST_EVENTS + 1]
    )
    return {"count": min(count, _MOST_EVENTS), "more": count > _MOST_EVENTS}


@page(Capability.UPLOAD_MODELS, methods=("POST",))
def version_retire(request: HttpRequest, version_id: str) -> HttpResponse:
    user = viewer(request)
    found = version_get(user, version_id)
    reason = request.POST.get("reason", "")
    told(
        request,
        lambda: versions.version_retire(acting_user=user, version=found, reason=reason),
        _("Retired. Nothing chooses it any more."),
    )
    return redirect("console:model", version_id)


@page(Capability.UPLOAD_MODELS)
def upload(request: HttpRequest) -> HttpResponse:
    context = {
        "families": families_all(),
        # What has a parent is compared with it, and only detectors can be.
        "parents": versions_all().filter(
            status=VersionStatus.READY, builtin=False, task__in=(ModelTask.DETECTION, ModelTask.UNKNOWN)
        ),
        "kinds": VersionKind.choices,
        "max_bytes": max_bytes(),
        "words": {
            "uploading": _("Uploading: {percent} %"),
            "too_large": _("This file is larger than is allowed."),
            "lost": _("The connection was lost. Choose the file again."),
            "empty": _("The file is empty."),
            "choose": _("Choose a file first."),
        },
    }
    return render(request, "console/model_upload.html", context)


@page(Capability.SEE_MODELS)
def families(request: HttpRequest) -> HttpResponse:
    context = {"families": families_all(), "may_found": user_can(viewer(request), Capability.UPLOAD_MODELS)}
    return render(request, "console/model_families.html", context)


@page(Capability.UPLOAD_MODELS, methods=("GET", "POST"))
def family_add(request: HttpRequest) -> HttpResponse:
    """Found a family: versions that name it are checked against it."""
    form = FamilyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = family_create(acting_user=viewer(request), facts=form.facts())
            messages.success(request, _("Founded. Choose it when you upload a version."))
            return redirect("console:model_family", made.pk)
        except DomainError as error:
            field = getattr(error, "field", "")
            form.add_error(field if field in form.fields else None, error.message)
    return render(request, "console/model_family_add.html", {"form": form})


@page(Capability.SEE_MODELS)
def family(request: HttpRequest, family_id: str) -> HttpResponse:
    found = family_get(viewer(request), family_id)
    rows = list(versions_all().filter(family_ref=found))
    tones = {row.pk: TONES[VersionStatus(row.status)] for row in rows}
    tables = speed_tables(viewer(request), rows)
    context = {"family": found, "versions": rows, "tones": tones, "tables": tables}
    return render(request, "console/model_family.html", context)
