"""Adding, changing, testing and removing cameras: for those who manage them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability
from apps.cameras import services
from apps.cameras.addresses import Credentials
from apps.cameras.models import Camera
from apps.cameras.probing import Probe, ProbeForm, probe_get, probe_start
from apps.cameras.selectors import access_camera, has_credentials, sites_visible_to
from apps.console.access import page, told, viewer
from apps.console.camera_forms import CameraAddForm, CameraEditForm, CredentialsForm, SourceForm
from apps.console.views.cameras import MAINTENANCE
from apps.console.words import CODES, PROBE_STEPS
from apps.core.errors import DomainError
from apps.detections.media import preview_open
from inference_workers.contracts.probe import ProbeStep

MANAGE = Capability.MANAGE_CAMERAS
_SOURCE_FIELDS = ("site", "username", "password")


def managed(request: HttpRequest, camera_id: str) -> Camera:
    return access_camera(viewer(request), camera_id, purpose=MAINTENANCE, capability=MANAGE)


def version_of(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _credentials(values: dict[str, Any]) -> Credentials | None:
    if not values.get("username") and not values.get("password"):
        return None
    return Credentials(values.get("username", ""), values.get("password", ""))


@page(MANAGE, methods=("GET", "POST"))
def camera_add(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    sites = sites_visible_to(user)
    initial = {"site": request.GET.get("site")} if request.GET.get("site") else {"site": sites.first()}
    form = CameraAddForm(request.POST or None, sites=sites, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        source = {name: values.pop(name) for name in _SOURCE_FIELDS}
        try:
            camera = services.camera_create(
                acting_user=user, site=source["site"], credentials=_credentials(source), **values
            )
            return redirect("console:camera", camera.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    context = {"form": form, "has_sites": sites.exists(), "steps": _waiting_steps()}
    return render(request, "console/camera_add.html", context)


@page(MANAGE, methods=("GET", "POST"))
def camera_edit(request: HttpRequest, camera_id: str) -> HttpResponse:
    camera = managed(request, camera_id)
    form = CameraEditForm(request.POST or None, initial=CameraEditForm.values_of(camera))
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        version = values.pop("version")
        try:
            services.camera_update(
                acting_user=viewer(request), camera=camera, version=version, changes=values
            )
            return redirect("console:camera", camera.pk)
        except DomainError as error:
            form.add_error(None, error.message)
    context = {
        "form": form,
        "camera": camera,
        "credentials_form": CredentialsForm(initial={"version": camera.version}),
        "has_credentials": has_credentials(camera),
    }
    return render(request, "console/camera_edit.html", context)


@page(MANAGE, methods=("POST",))
def camera_credentials(request: HttpRequest, camera_id: str) -> HttpResponse:
    camera, user = managed(request, camera_id), viewer(request)
    if "clear" in request.POST:
        told(
            request,
            lambda: services.credentials_clear(acting_user=user, camera=camera, version=version_of(request)),
            _("The password is removed."),
        )
        return redirect("console:camera_edit", camera.pk)
    form = CredentialsForm(request.POST)
    if form.is_valid():
        credentials = Credentials(form.cleaned_data["username"], form.cleaned_data["password"])
        told(
            request,
            lambda: services.credentials_set(
                acting_user=user,
                camera=camera,
                version=form.cleaned_data["version"],
                credentials=credentials,
            ),
            _("The password is set."),
        )
    return redirect("console:camera_edit", camera.pk)


@page(MANAGE, methods=("POST",))
def camera_switch(request: HttpRequest, camera_id: str) -> HttpResponse:
    camera, user, version = managed(request, camera_id), viewer(request), version_of(request)
    if request.POST.get("enabled") == "yes":
        told(
            request,
            lambda: services.camera_enable(acting_user=user, camera=camera, version=version),
            _("The camera is switched on."),
        )
    else:
        told(
            request,
            lambda: services.camera_disable(
                acting_user=user, camera=camera, version=version, reason=request.POST.get("reason", "")
            ),
            _("The camera is switched off."),
        )
    return redirect("console:camera", camera.pk)


@page(MANAGE, methods=("POST",))
def camera_remove(request: HttpRequest, camera_id: str) -> HttpResponse:
    camera, user = managed(request, camera_id), viewer(request)
    done = told(
        request,
        lambda: services.camera_delete(acting_user=user, camera=camera, version=version_of(request)),
        _("The camera is removed. The record keeps what was done with it."),
    )
    return redirect("console:cameras") if done else redirect("console:camera", camera_id)


@page(MANAGE, methods=("POST",))
def probe_begin(request: HttpRequest) -> HttpResponse:
    """Start the test of what stands in the form; answers with the checklist, which then asks for news."""
    user = viewer(request)
    form = SourceForm(request.POST, sites=sites_visible_to(user))
    if not form.is_valid():
        return render(request, "console/_probe.html", {"problem": _first_problem(form)})
    values = form.cleaned_data
    try:
        asked = ProbeForm(
            kind=values["kind"],
            url=values["url"],
            site=values["site"],
            transport=values["transport"],
            credentials=_credentials(values),
        )
        probe_id = probe_start(acting_user=user, form=asked)
    except DomainError as error:
        return render(request, "console/_probe.html", {"problem": error.message})
    return _probe_answer(request, probe_get(user, probe_id))


@page(MANAGE)
def probe_news(request: HttpRequest, probe_id: str) -> HttpResponse:
    return _probe_answer(request, probe_get(viewer(request), str(probe_id)))


@page(MANAGE)
def probe_preview(request: HttpRequest, probe_id: str) -> HttpResponse:
    jpeg = preview_open(viewer(request), str(probe_id))
    return HttpResponse(jpeg, content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


def _first_problem(form: SourceForm) -> str:
    name, errors = next(iter(form.errors.items()))
    return f"{form.fields[name].label}: {errors[0]}"


def _waiting_steps() -> list[dict[str, Any]]:
    return [{"label": PROBE_STEPS[step], "status": "waiting"} for step in ProbeStep]


def _probe_answer(request: HttpRequest, probe: Probe) -> HttpResponse:
    steps = _steps(probe)
    return render(request, "console/_probe.html", {"probe": probe, "steps": steps})


def _steps(probe: Probe) -> list[dict[str, Any]]:
    """Every step in words; the first one without an outcome is the one that runs now."""
    steps: list[dict[str, Any]] = []
    running = not probe.finished
    for step in ProbeStep:
        outcome = probe.steps.get(step)
        if outcome is None:
            steps.append({"label": PROBE_STEPS[step], "status": "running" if running else "waiting"})
            running = False
            continue
        words = CODES.get(outcome.code, "")
        detail = f"{words} {outcome.detail}" if outcome.status == "failed" else outcome.detail or str(words)
        steps.append({"label": PROBE_STEPS[step], "status": outcome.status, "detail": detail.strip()})
    return steps
