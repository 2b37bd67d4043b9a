"""Rollouts: the board of what runs where, preparing, and the page with the live charts of the guards."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.selectors import cameras_visible_to, groups_visible_to, sites_visible_to
from apps.console.access import page, told, viewer
from apps.console.rollout_forms import RolloutForm
from apps.console.views.camera_changes import version_of
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.pdf import pdf_of
from apps.registry.choice import STAGE_TASK, usable
from apps.registry.selectors import versions_all
from apps.rollouts import services
from apps.rollouts.guards import Verdict
from apps.rollouts.models import FINAL, Rollout, RolloutState, Strategy
from apps.rollouts.selectors import (
    answer_of,
    board,
    comparison_of,
    entries_all,
    entry_get,
    given_to_parts,
    guards_are_fresh,
    kept_counts,
    proofs_of,
    reach_of,
    report_of,
    rollout_get,
    rollouts_all,
    series_of,
)

SEE, MANAGE, APPROVE = Capability.SEE_ROLLOUTS, Capability.MANAGE_ROLLOUTS, Capability.APPROVE_ROLLOUTS
SHOWN = 50


@page(SEE)
def rollouts(request: HttpRequest) -> HttpResponse:
    """The board: versions and their cameras by stage; rollouts; and what was assigned before."""
    user = viewer(request)
    context = {
        "stages": board(user).items(),
        "parts": given_to_parts(user),
        "rows": list(rollouts_all()[:SHOWN]),
        "entries": [(entry, *kept_counts(entry)) for entry in entries_all()[:SHOWN]],
        "names": {str(version.pk): version.name for version in versions_all()},
        "may_manage": user_can(user, MANAGE),
    }
    return render(request, "console/rollouts.html", context)


@page(MANAGE, methods=("GET", "POST"))
def rollout_add(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    form = RolloutForm(
        request.POST or None,
        versions=[
            version for version in versions_all() if usable(version) and version.task in STAGE_TASK.values()
        ],
        sites=sites_visible_to(user),
        groups=groups_visible_to(user),
        cameras=cameras_visible_to(user),
        initial={"candidate": request.GET.get("candidate", "")},
    )
    if request.method == "POST" and form.is_valid():
        try:
            rollout = services.rollout_create(acting_user=user, plan=form.plan())
            return redirect("console:rollout", rollout.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/rollout_add.html", {"form": form})


@page(SEE)
def rollout(request: HttpRequest, rollout_id: str) -> HttpResponse:
    user = viewer(request)
    row = rollout_get(user, rollout_id)
    return render(request, "console/rollout.html", _shown(user, row) | {"comparison": comparison_of(row)})


@page(SEE)
def rollout_live(request: HttpRequest, rollout_id: str) -> HttpResponse:
    """The part of the page that is asked for every few seconds; a changed state loads the page anew."""
    user = viewer(request)
    row = rollout_get(user, rollout_id)
    response = render(request, "console/_rollout_live.html", _shown(user, row))
    if request.GET.get("version", "") != str(row.version):
        response["HX-Refresh"] = "true"
    return response


def _shown(user: User, row: Rollout) -> dict[str, Any]:
    second = user.pk not in (row.started_by_id, row.requested_by_id)
    may_manage = user_can(user, MANAGE)
    running = row.state == RolloutState.RUNNING
    reach = reach_of(user, row)
    return {
        "row": row,
        "reach": reach,
        "fresh": guards_are_fresh(row),
        "may_grow": row.strategy == Strategy.AT_ONCE
        or (row.verdict == Verdict.CLEAR and guards_are_fresh(row)),
        "may_start": may_manage and row.state == RolloutState.DRAFT,
        "may_promote": may_manage and running and reach.next_percent is not None,
        "may_finish": may_manage and running and row.approved_by_id is not None,
        "may_decide": row.state == RolloutState.WAITING and user_can(user, APPROVE) and second,
        "needs_other": row.state == RolloutState.WAITING and user_can(user, APPROVE) and not second,
        "may_end": may_manage and row.state not in FINAL,
        "answer": answer_of(row),
        "proofs": proofs_of(user, row),
        "history": list(row.history.all()),
        "guards": _guards(row),
    }


def _guards(row: Rollout) -> list[dict[str, Any]]:
    """Each guard with its newest look, if there is one."""
    looks = {reading["metric"]: reading for reading in row.readings}
    return [{"guard": guard, "look": looks.get(guard["metric"])} for guard in row.guards]


@page(SEE)
def rollout_series(request: HttpRequest, rollout_id: str) -> JsonResponse:
    """The lines of the charts."""
    return JsonResponse(series_of(rollout_get(viewer(request), rollout_id)))


@page(SEE)
def rollout_report(request: HttpRequest, rollout_id: str) -> HttpResponse:
    """The report as a PDF."""
    user = viewer(request)
    row = rollout_get(user, rollout_id)
    context = {"report": report_of(user, row), "row": row, "made_at": now(), "made_by": user.get_username()}
    response = HttpResponse(
        pdf_of(render_to_string("console/rollout_pdf.html", context)), content_type="application/pdf"
    )
    response["Content-Disposition"] = f'attachment; filename="vidette-rollout-{row.pk}.pdf"'
    return response


def _step(request: HttpRequest, rollout_id: str, service: Callable[..., Rollout], done: str) -> HttpResponse:
    user, row = viewer(request), rollout_get(viewer(request), rollout_id)
    told(request, lambda: service(acting_user=user, rollout=row, version=version_of(request)), done)
    return redirect("console:rollout", rollout_id)


@page(MANAGE, methods=("POST",))
def rollout_start(request: HttpRequest, rollout_id: str) -> HttpResponse:
    return _step(request, rollout_id, services.rollout_start, _("Started. The guards look from now on."))


@page(MANAGE, methods=("POST",))
def rollout_promote(request: HttpRequest, rollout_id: str) -> HttpResponse:
    return _step(request, rollout_id, services.rollout_promote, _("Done."))


@page(APPROVE, methods=("POST",))
def rollout_approve(request: HttpRequest, rollout_id: str) -> HttpResponse:
    return _step(request, rollout_id, services.rollout_approve, _("Approved: it serves all of its cameras."))


@page(APPROVE, methods=("POST",))
def rollout_decline(request: HttpRequest, rollout_id: str) -> HttpResponse:
    return _step(request, rollout_id, services.rollout_decline, _("Declined: it stays at its step."))


@page(MANAGE, methods=("POST",))
def rollout_finish(request: HttpRequest, rollout_id: str) -> HttpResponse:
    return _step(request, rollout_id, services.rollout_finish, _("It is the rule now."))


@page(MANAGE, methods=("POST",))
def rollout_roll_back(request: HttpRequest, rollout_id: str) -> HttpResponse:
    """At once, whatever changed since the page was loaded."""
    user, row = viewer(request), rollout_get(viewer(request), rollout_id)
    reason = request.POST.get("reason", "") or _("taken back by hand")
    told(
        request,
        lambda: services.rollout_roll_back(acting_user=user, rollout=row, version=row.version, reason=reason),
        _("Taken back. The version before serves again within seconds."),
    )
    return redirect("console:rollout", rollout_id)


@page(MANAGE, methods=("POST",))
def serving_return(request: HttpRequest, entry_number: int) -> HttpResponse:
    """One click back to what was assigned at an earlier moment."""
    user, entry = viewer(request), entry_get(viewer(request), entry_number)
    reason = request.POST.get("reason", "") or _("went back by hand")
    told(
        request,
        lambda: services.serving_return(acting_user=user, entry=entry, reason=reason),
        _("What was assigned then is assigned again."),
    )
    return redirect("console:rollouts")
