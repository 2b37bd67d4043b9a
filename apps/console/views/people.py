"""People, their grants, and the tokens of service accounts: for administrators."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.accounts.roles import Capability
from apps.accounts.selectors import sessions_of, token_get, tokens_all, tokens_of, user_get, users_all
from apps.cameras import services as cameras
from apps.cameras.grants import PERMISSIONS
from apps.cameras.selectors import group_grants, groups_visible_to, site_grants, sites_visible_to
from apps.console.access import page, told, viewer
from apps.console.people_forms import GrantForm, PasswordForm, PersonAddForm, TokenForm
from apps.core.clock import now
from apps.core.errors import DomainError

MANAGE = Capability.MANAGE_USERS
DEFAULT_DAYS = 90


@page(MANAGE)
def people(request: HttpRequest) -> HttpResponse:
    user = viewer(request)
    grants: dict[Any, dict[str, list[str]]] = {}
    rows: list[Any] = [*site_grants(), *group_grants()]
    for row in rows:
        of_person = grants.setdefault(row.user_id, {})
        of_person.setdefault(str(row.content_object), []).append(str(PERMISSIONS[_permission(row)]))
    context = {
        "people": [{"user": person, "grants": grants.get(person.pk, {})} for person in users_all(user)],
        "groups": {str(group.pk): str(group) for group in groups_visible_to(user)},
        "tokens": tokens_all(user),
        "now": now(),
    }
    return render(request, "console/people.html", context)


def _permission(row: Any) -> str:
    return str(row.permission.codename).partition("_")[0]


@page(MANAGE, methods=("GET", "POST"))
def person_create(request: HttpRequest) -> HttpResponse:
    form = PersonAddForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = accounts.user_create(acting_user=viewer(request), **form.cleaned_data)
        except DomainError as error:
            form.add_error(_field_of(form, error), error.message)
        else:
            messages.success(request, _("The account is made. Now say what it may watch."))
            return redirect("console:person", made.pk)
    return render(request, "console/person_create.html", {"form": form})


def _field_of(form: PersonAddForm, error: DomainError) -> str | None:
    field = getattr(error, "field", "")
    return field if field in form.fields else None


@page(MANAGE)
def person(request: HttpRequest, user_id: str) -> HttpResponse:
    user = viewer(request)
    found = user_get(user, user_id)
    context = {
        "person": found,
        "roles": Role.choices,
        "grants": [*_grants_of(found, site_grants(), "site"), *_grants_of(found, group_grants(), "group")],
        "grant_form": _grant_form(user),
        "password_form": PasswordForm(),
        "sessions": sessions_of(found),
        "tokens": tokens_of(found),
        "groups": {str(group.pk): str(group) for group in groups_visible_to(user)},
        "oneself": found.pk == user.pk,
        "now": now(),
    }
    return render(request, "console/person.html", context)


def _grants_of(person: User, rows: Any, kind: str) -> list[dict[str, Any]]:
    return [
        {
            "target": f"{kind}:{row.content_object.pk}",
            "name": str(row.content_object),
            "kind": kind,
            "permission": _permission(row),
            "words": PERMISSIONS[_permission(row)],
        }
        for row in rows.filter(user=person)
    ]


def _grant_form(user: User, data: Any = None) -> GrantForm:
    return GrantForm(data, sites=list(sites_visible_to(user)), groups=list(groups_visible_to(user)))


@page(MANAGE, methods=("POST",))
def grant_give(request: HttpRequest, user_id: str) -> HttpResponse:
    return _grant_changed(request, user_id, cameras.grant_give, _("The grant is given."))


@page(MANAGE, methods=("POST",))
def grant_revoke(request: HttpRequest, user_id: str) -> HttpResponse:
    done = _("The grant is withdrawn. Open live pictures close within two seconds.")
    return _grant_changed(request, user_id, cameras.grant_revoke, done)


def _grant_changed(
    request: HttpRequest, user_id: str, change: Callable[..., bool], done: str
) -> HttpResponse:
    user = viewer(request)
    found = user_get(user, user_id)
    form = _grant_form(user, request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a site or a camera group, and what is granted."))
        return redirect("console:person", found.pk)
    told(request, lambda: change(acting_user=user, user=found, **form.grant()), done)
    return redirect("console:person", found.pk)


@page(MANAGE, methods=("POST",))
def person_role(request: HttpRequest, user_id: str) -> HttpResponse:
    user = viewer(request)
    found = user_get(user, user_id)
    told(
        request,
        lambda: accounts.user_set_role(acting_user=user, user=found, role=request.POST.get("role", "")),
        _("The role is changed."),
    )
    return redirect("console:person", found.pk)


@page(MANAGE, methods=("POST",))
def person_active(request: HttpRequest, user_id: str) -> HttpResponse:
    user = viewer(request)
    found = user_get(user, user_id)
    active = request.POST.get("active") == "yes"
    told(
        request,
        lambda: accounts.user_set_active(acting_user=user, user=found, active=active),
        _("The account is open.") if active else _("The account is closed, its sessions have ended."),
    )
    return redirect("console:person", found.pk)


@page(MANAGE, methods=("POST",))
def person_password(request: HttpRequest, user_id: str) -> HttpResponse:
    user = viewer(request)
    found = user_get(user, user_id)
    password = request.POST.get("password", "")
    told(
        request,
        lambda: accounts.user_set_password(acting_user=user, user=found, password=password),
        _("The password is set, the sessions of this person have ended."),
    )
    return redirect("console:person", found.pk)


@page(MANAGE, methods=("POST",))
def person_sign_out(request: HttpRequest, user_id: str) -> HttpResponse:
    user = viewer(request)
    found = user_get(user, user_id)
    told(request, lambda: accounts.sessions_end(acting_user=user, user=found), _("All sessions have ended."))
    return redirect("console:person", found.pk)


@page(MANAGE, methods=("GET", "POST"))
def token_create(request: HttpRequest) -> HttpResponse:
    """The token is in the answer to the form and nowhere else; nobody can read it again."""
    user = viewer(request)
    form = TokenForm(
        request.POST or None,
        initial={"user": request.GET.get("user", ""), "days": DEFAULT_DAYS},
        users=users_all(user).filter(is_active=True),
        groups=groups_visible_to(user),
    )
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = accounts.token_create(acting_user=user, **form.values(now()))
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            response = render(request, "console/token_made.html", {"token": token, "secret": secret})
            response["Cache-Control"] = "no-store"
            return response
    return render(request, "console/token_create.html", {"form": form})


@page(MANAGE, methods=("POST",))
def token_revoke(request: HttpRequest, digest: str) -> HttpResponse:
    user = viewer(request)
    told(
        request,
        lambda: accounts.token_revoke(acting_user=user, token=token_get(user, digest)),
        _("The token is withdrawn."),
    )
    return redirect("console:people")
