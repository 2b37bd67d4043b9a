"""The time machine: which version and which settings served a camera at a moment."""

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import Capability
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.console.access import page, viewer
from apps.console.forms import MomentField, aware
from apps.console.purposes import purpose_of
from apps.console.retention_forms import local
from apps.core.clock import now
from apps.dispatch.selectors import lease_changes, moment_of

CHANGES = 50


class MomentForm(forms.Form):
    at = MomentField(label=_("Moment"))


@page(Capability.SEE_CAMERAS)
def served(request: HttpRequest, camera_id: str) -> HttpResponse:
    """A moment without its seconds means its end, so that what changed in that minute counts."""
    camera = access_camera(
        viewer(request),
        camera_id,
        purpose=purpose_of(request, "live monitoring"),
        capability=Capability.SEE_CAMERAS,
    )
    form = MomentForm(request.GET or None, initial={"at": local(now(), camera)})
    form.fields["at"].help_text = camera.zone_name
    at = _asked(form, camera)
    context = {
        "camera": camera,
        "form": form,
        "moment": moment_of(camera, at),
        "changes": lease_changes([camera])[:CHANGES],
    }
    return render(request, "console/served.html", context)


def _asked(form: MomentForm, camera: Camera) -> datetime:
    if form.is_bound and form.is_valid():
        moment = aware(form.cleaned_data["at"], camera.zone_name)
        if moment is not None:
            return moment.replace(second=59)
    return now()
