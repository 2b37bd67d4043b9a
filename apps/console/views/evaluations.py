"""Comparisons of models: the list with its forms, one result with its pictures, the report."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.selectors import access_camera
from apps.console.access import page, told, viewer
from apps.console.evaluation_forms import ComparisonForm, ReplayForm, VariantForm
from apps.console.evaluation_words import (
    GATE_TONES,
    TONES,
    VERDICT_TONES,
    error_of,
    part_words,
    reason_of,
    title_of,
)
from apps.console.purposes import purpose_of
from apps.console.speed import speed_tables
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.pagination import keyset_page
from apps.core.pdf import pdf_of
from apps.evaluations import comparing, variants
from apps.evaluations.charts import bars_of, boxes_of
from apps.evaluations.models import ACTIVE_STATES, Evaluation, JobKind, JobState, SetState
from apps.evaluations.results import picture_open, pictures_shown, result_open
from apps.evaluations.selectors import (
    evaluation_get,
    evaluations_for,
    set_get,
    sets_for,
)
from apps.registry.selectors import serving, version_get
from inference_workers.contracts.lease import Stage

SEE, MAY = Capability.SEE_MODELS, Capability.EVALUATE_MODELS
PAGE_ROWS = 20
PURPOSE = "model quality"
_LISTED = (JobKind.COMPARE, JobKind.REPLAY, JobKind.VARIANT)


@page(SEE)
def evaluations(request: HttpRequest) -> HttpResponse:
    """Comparisons, replays and variants, newest first, and the sets that they stand on."""
    user, cursor = viewer(request), request.GET.get("cursor", "")
    rows = evaluations_for(user).filter(kind__in=_LISTED)
    found = keyset_page(rows, ordering=("-created_at", "-id"), limit=PAGE_ROWS, cursor=cursor)
    may = user_can(user, MAY)
    context = {
        "rows": [_listed(row) for row in found.items],
        "sets": list(sets_for(user)[:50]),
        "cursor": cursor,
        "next_cursor": found.next_cursor,
        "query": {},
        "may": may,
        "forms": _forms(user, request.GET.get("candidate", "")) if may else {},
    }
    return render(request, "console/evaluations.html", context)


def _forms(user: User, candidate: str) -> dict[str, forms.Form]:
    """A candidate is compared with what serves now, unless somebody chooses otherwise."""
    now_serving = serving().get(Stage.DETECT)
    chosen = {"candidate": candidate, "base": str(now_serving.pk) if now_serving else ""}
    return {
        "compare": ComparisonForm(user, initial=chosen),
        "replay": ReplayForm(user, initial=chosen),
        "variant": VariantForm(user, initial={"version": candidate}),
    }


def _listed(row: Evaluation) -> dict[str, Any]:
    return {
        "row": row,
        "title": title_of(row),
        "tone": TONES[JobState(row.state)],
        "verdict_tone": VERDICT_TONES.get(row.verdict, ""),
        "gate_tone": GATE_TONES.get(row.gate, ""),
        "active": row.state in ACTIVE_STATES,
        "percent": round(100 * row.portions_done / row.portions) if row.portions else 0,
        "reason": reason_of(row),
        "error": error_of(row),
    }


@page(MAY, methods=("POST",))
def evaluation_add(request: HttpRequest) -> HttpResponse:
    """Ask for a comparison, a replay or a variant; which one is the form's hidden field."""
    asked: dict[str, Callable[[HttpRequest], Evaluation]] = {
        "compare": _compare, "replay": _replay, "variant": _variant,
    }  # fmt: skip
    made: list[Evaluation] = []

    def change() -> None:
        ask = asked.get(request.POST.get("what", ""), _compare)
        made.append(ask(request))

    told(request, change, _("Asked. It is done beside the cameras and takes its time."))
    return redirect("console:evaluation", made[0].pk) if made else redirect("console:evaluations")


def _valid(form: forms.Form) -> dict[str, Any]:
    if form.is_valid():
        return form.cleaned_data
    fields = [str(form.fields[name].label or name) for name in form.errors if name in form.fields]
    raise DomainError("invalid", _("Look at these fields again: %s.") % ", ".join(fields))


def _compare(request: HttpRequest) -> Evaluation:
    user = viewer(request)
    asked = _valid(ComparisonForm(user, request.POST))
    return comparing.comparison_create(
        acting_user=user,
        candidate=version_get(user, asked["candidate"]),
        base=version_get(user, asked["base"]),
        set_version=set_get(user, asked["labelled_set"]),
    )


def _replay(request: HttpRequest) -> Evaluation:
    user, purpose = viewer(request), purpose_of(request, PURPOSE)
    asked = _valid(ReplayForm(user, request.POST))
    return comparing.replay_create(
        acting_user=user,
        candidate=version_get(user, asked["candidate"]),
        base=version_get(user, asked["base"]),
        camera=access_camera(user, asked["camera"], purpose=purpose, capability=MAY),
        since=asked["since"],
        until=asked["since"] + timedelta(minutes=asked["minutes"]),
        purpose=purpose,
    )


def _variant(request: HttpRequest) -> Evaluation:
    user = viewer(request)
    asked = _valid(VariantForm(user, request.POST))
    return variants.variant_create(
        acting_user=user,
        parent=version_get(user, asked["version"]),
        kind=asked["kind"],
        calibration_set=set_get(user, asked["labelled_set"]),
        calibration=asked["calibration"],
    )


@page(SEE)
def evaluation(request: HttpRequest, evaluation_id: str) -> HttpResponse:
    """One job: how far it is, then what came out."""
    user = viewer(request)
    found = evaluation_get(user, evaluation_id)
    context = _listed(found) | _result_context(request, found) | {"may": user_can(user, MAY)}
    return render(request, "console/evaluation.html", context)


def _result_context(request: HttpRequest, found: Evaluation) -> dict[str, Any]:
    if found.state != JobState.DONE or found.kind == JobKind.GATE:
        return {"result": None}
    result = result_open(viewer(request), found, purpose_of(request, PURPOSE))
    context: dict[str, Any] = {"result": result}
    if found.kind == JobKind.COMPARE:
        parts = [result["mean"], *(part for part in result["parts"] if _told(part))]
        context["bars"] = [(part_words(bar.kind, bar.name), bar) for bar in bars_of(parts)]
        context["pictures"] = _pictures(found, result["worst"])
        context["markable"] = found.set_version is not None and found.set_version.state == SetState.READY
    if found.kind == JobKind.REPLAY:
        context["frames"] = _frames(found, result["shown"])
        context["counts"] = _counts(result)
    return context


def _told(part: dict[str, Any]) -> bool:
    """Classes with a handful of objects say nothing by themselves; all other parts are shown."""
    return bool(part["kind"] != "class" or part["objects"] >= 20 or part["lost"])


def _pictures(found: Evaluation, worst: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = pictures_shown(found)
    must = set(found.set_version.must_pass) if found.set_version else set()
    return [
        {
            "number": number,
            "name": item["name"],
            "sha256": item["sha256"],
            "must_pass": item["sha256"] in must,
            "light": part_words("light", item["light"]),
            "more": item["more_mistakes"],
            "has_picture": number < shown,
            "sides": [
                {
                    "candidate": side == "candidate",
                    "missed": len(item[side]["missed"]),
                    "wrong": len(item[side]["wrong"]),
                    "boxes": [
                        *boxes_of(item["labels"], "missed", item[side]["missed"]),
                        *boxes_of(item[side]["found"], "wrong", item[side]["wrong"]),
                        *boxes_of(
                            item[side]["found"],
                            "right",
                            [i for i in range(len(item[side]["found"])) if i not in item[side]["wrong"]],
                        ),
                    ],
                }
                for side in ("base", "candidate")
            ],
        }
        for number, item in enumerate(worst)
    ]


def _frames(found: Evaluation, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = pictures_shown(found)
    return [
        {
            "number": number,
            "at": frame["at"],
            "has_picture": number < shown,
            "only_candidate": len(frame["only_candidate"]),
            "only_base": len(frame["only_base"]),
            "boxes": [
                *boxes_of(frame["both"], "right"),
                *boxes_of(frame["only_candidate"], "candidate"),
                *boxes_of(frame["only_base"], "base"),
            ],
        }
        for number, frame in enumerate(frames)
    ]


def _counts(result: dict[str, Any]) -> list[dict[str, Any]]:
    names = sorted({*result["matched"], *result["only_candidate"], *result["only_base"]})
    return [
        {
            "label": name,
            **{side: result[side].get(name, 0) for side in ("matched", "only_candidate", "only_base")},
        }
        for name in names
    ]


@page(SEE)
def evaluation_state(request: HttpRequest, evaluation_id: str) -> HttpResponse:
    """The progress alone, for htmx; when the job ended the whole page is loaded again."""
    found = evaluation_get(viewer(request), evaluation_id)
    response = render(request, "console/_evaluation_state.html", _listed(found))
    if found.state not in ACTIVE_STATES:
        response["HX-Refresh"] = "true"
    return response


@page(MAY)
def evaluation_picture(request: HttpRequest, evaluation_id: str, number: int) -> HttpResponse:
    user = viewer(request)
    return picture_open(user, evaluation_get(user, evaluation_id), number, purpose_of(request, PURPOSE))


@page(MAY, methods=("POST",))
def evaluation_cancel(request: HttpRequest, evaluation_id: str) -> HttpResponse:
    user = viewer(request)
    found = evaluation_get(user, evaluation_id)
    told(
        request,
        lambda: comparing.evaluation_cancel(acting_user=user, evaluation=found),
        _("Cancelled."),
    )
    return redirect("console:evaluation", found.pk)


@page(SEE)
def evaluation_report(request: HttpRequest, evaluation_id: str) -> HttpResponse:
    """The comparison as PDF: figures and the verdict, no picture."""
    user = viewer(request)
    found = evaluation_get(user, evaluation_id)
    context = (
        _listed(found) | _result_context(request, found) | {"made_at": now(), "made_by": user.get_username()}
    )
    pdf = pdf_of(render_to_string("console/evaluation_pdf.html", context))
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="vidette-evaluation-{str(found.pk)[:8]}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


@page(SEE)
def model_speed(request: HttpRequest, version_id: str) -> HttpResponse:
    """Precision against speed: a version and the variants that were made of it."""
    user = viewer(request)
    version = version_get(user, version_id)
    return render(
        request, "console/model_speed.html", {"version": version, "tables": speed_tables(user, [version])}
    )
