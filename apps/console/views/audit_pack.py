"""The pack for the day of an audit: a span is chosen, one archive comes."""

import zoneinfo
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps.accounts.roles import Capability
from apps.cameras.selectors import cameras_visible_to
from apps.compliance.services import audit_pack_make
from apps.console.access import page, viewer
from apps.console.audit_report import report_pdf
from apps.console.downloads import zip_response
from apps.console.forms import MomentField, aware, common_zone
from apps.core.clock import now
from apps.core.errors import DomainError

LAST = timedelta(days=30)


class PackForm(forms.Form):
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in ("since", "until"):
            if name not in self.errors and not self.cleaned_data.get(name):
                self.add_error(name, _("Choose a time."))
        return cleaned


@page(Capability.SEE_RECORD, methods=("GET", "POST"))
def audit_pack(request: HttpRequest) -> HttpResponseBase:
    zone = common_zone(list(cameras_visible_to(viewer(request))))
    form = PackForm(request.POST if request.method == "POST" else None, initial=_last_month(zone))
    if request.method == "POST" and form.is_valid():
        try:
            return _made(request, form, zone)
        except DomainError as error:
            if error.status >= 500:
                raise
            form.add_error(None, error.message)
    return render(request, "console/audit_pack.html", {"form": form, "zone_name": zone})


def _last_month(zone: str) -> dict[str, Any]:
    here = now().astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None, second=0, microsecond=0)
    return {"since": here - LAST, "until": here + timedelta(minutes=1)}


def _made(request: HttpRequest, form: PackForm, zone: str) -> HttpResponseBase:
    since, until = (aware(form.cleaned_data[name], zone) for name in ("since", "until"))
    assert since is not None and until is not None  # noqa: S101, PT018 - the form has checked
    made = audit_pack_make(acting_user=viewer(request), since=since, until=until, report=report_pdf)
    name = f"vidette-audit-{made.made_at:%Y%m%d-%H%M%S}.zip"
    return zip_response(request, made.file, made.bytes, name)
