"""Sites and the groups of their cameras: for administrators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.roles import Capability
from apps.cameras import services
from apps.cameras.selectors import group_get, site_get
from apps.console.access import page, told, viewer
from apps.console.camera_forms import GroupForm, SiteForm
from apps.console.views.camera_changes import version_of
from apps.core.errors import DomainError

MANAGE = Capability.MANAGE_SITES


@page(MANAGE, methods=("GET", "POST"))
def site_add(request: HttpRequest) -> HttpResponse:
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.site_create(acting_user=viewer(request), **form.cleaned_data)
            return redirect("console:cameras")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/site.html", {"form": form})


@page(MANAGE, methods=("GET", "POST"))
def site_edit(request: HttpRequest, site_id: str) -> HttpResponse:
    site = site_get(viewer(request), site_id)
    initial = {name: getattr(site, name) for name in SiteForm.base_fields}
    form = SiteForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.site_update(
                acting_user=viewer(request),
                site=site,
                version=version_of(request),
                changes=form.cleaned_data,
            )
            return redirect("console:cameras")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/site.html", {"form": form, "site": site})


@page(MANAGE, methods=("POST",))
def site_remove(request: HttpRequest, site_id: str) -> HttpResponse:
    user = viewer(request)
    site = site_get(user, site_id)
    told(
        request,
        lambda: services.site_delete(acting_user=user, site=site, version=version_of(request)),
        _("The site is removed."),
    )
    return redirect("console:cameras")


@page(MANAGE, methods=("GET", "POST"))
def group_add(request: HttpRequest, site_id: str) -> HttpResponse:
    user = viewer(request)
    site = site_get(user, site_id)
    form = GroupForm(request.POST or None, site=site)
    if request.method == "POST" and form.is_valid():
        try:
            group = services.group_create(acting_user=user, site=site, name=form.cleaned_data["name"])
            services.group_set_cameras(
                acting_user=user,
                group=group,
                version=group.version,
                camera_ids=[camera.pk for camera in form.cleaned_data["cameras"]],
            )
            return redirect("console:cameras")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/group.html", {"form": form, "site": site})


@page(MANAGE, methods=("GET", "POST"))
def group_edit(request: HttpRequest, group_id: str) -> HttpResponse:
    user = viewer(request)
    group = group_get(user, group_id)
    form = GroupForm(request.POST or None, site=group.site, initial=GroupForm.values_of(group))
    if request.method == "POST" and form.is_valid():
        try:
            named = services.group_update(
                acting_user=user, group=group, version=version_of(request), name=form.cleaned_data["name"]
            )
            services.group_set_cameras(
                acting_user=user,
                group=named,
                version=named.version,
                camera_ids=[camera.pk for camera in form.cleaned_data["cameras"]],
            )
            return redirect("console:cameras")
        except DomainError as error:
            form.add_error(None, error.message)
    return render(request, "console/group.html", {"form": form, "site": group.site, "group": group})


@page(MANAGE, methods=("POST",))
def group_remove(request: HttpRequest, group_id: str) -> HttpResponse:
    user = viewer(request)
    group = group_get(user, group_id)
    told(
        request,
        lambda: services.group_delete(acting_user=user, group=group, version=version_of(request)),
        _("The group is removed."),
    )
    return redirect("console:cameras")
