"""The administration pages: who may enter, who may do what, and that the record learns of it."""

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.accounts.models import ApiToken, User
from apps.accounts.services import token_create
from apps.audit.models import AuditRecord
from tests.apps.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

USERS = "admin:accounts_user_changelist"
RECORD = "admin:audit_auditrecord_changelist"


def get(client, user, name, *args):
    client.force_login(user)
    return client.get(reverse(name, args=args))


@pytest.mark.parametrize("name", ["alice", "charlie", "erin", "service"])
def test_other_roles_do_not_find_it(name, client, cast):
    response = get(client, cast[name], "admin:index")
    assert response.status_code == 302
    assert client.get(response.url).status_code == 404


def test_a_visitor_is_sent_to_the_products_sign_in(client, db):
    response = client.get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))


@pytest.mark.parametrize("path", ["password_change", "logout"])
def test_the_pages_that_would_pass_by_the_record_lead_to_the_products(path, client, adam):
    client.force_login(adam)
    assert client.post(reverse(f"admin:{path}")).url.startswith("/accounts/")


def test_compliance_reads_the_record_and_manages_nobody(client, bob):
    assert get(client, bob, RECORD).status_code == 200
    assert get(client, bob, USERS).status_code == 403


def test_an_administrator_manages_people_and_does_not_read_the_record(client, adam):
    assert get(client, adam, USERS).status_code == 200
    assert get(client, adam, RECORD).status_code == 403


def test_every_list_opens_for_somebody_or_is_closed_on_purpose(client, adam, bob):
    """Each list that names a capability renders for one of the two roles, rows or none."""
    for page in admin.site._registry.values():
        if not hasattr(page, "view_capability"):
            continue
        name = f"admin:{page.model._meta.app_label}_{page.model._meta.model_name}_changelist"
        assert 200 in (get(client, adam, name).status_code, get(client, bob, name).status_code), name


@pytest.mark.parametrize("name", ["bob", "adam"])
def test_nobody_changes_the_record(name, client, cast):
    client.force_login(cast[name])
    for view in ("add", "change", "delete"):
        args = [] if view == "add" else ["0"]
        url = reverse(f"admin:audit_auditrecord_{view}", args=args)
        assert client.post(url, {"actor_name": "nobody"}).status_code == 403
    assert AuditRecord.objects.get(seq=0).actor_name == "migrate"


def test_what_names_no_capability_is_closed(client, adam):
    """Models of other packages (groups, addresses, second factors) come with Django's own rights."""
    client.force_login(adam)
    for model, page in admin.site._registry.items():
        if not hasattr(page, "view_capability"):
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            assert client.get(url).status_code == 403


def form(**values):
    return {
        "username": "dana",
        "role": "operator",
        "is_active": "on",
        "first_name": "",
        "last_name": "",
        "email": "",
        "language": "en",
        "new_password": "",
        **values,
    }


def test_a_person_is_made_through_the_service(client, adam):
    client.force_login(adam)
    response = client.post(reverse("admin:accounts_user_add"), form(new_password=PASSWORD, role="compliance"))
    assert response.status_code == 302
    dana = User.objects.get(username="dana")
    assert dana.role == "compliance"
    assert dana.check_password(PASSWORD)
    record = AuditRecord.objects.get(action="user.create")
    assert (record.actor_name, record.object_id) == ("adam", str(dana.pk))


def test_a_person_is_changed_through_the_services(client, adam, alice):
    client.force_login(adam)
    url = reverse("admin:accounts_user_change", args=[alice.pk])
    assert client.post(url, form(role="compliance", language="ru")).status_code == 302
    assert User.objects.get(pk=alice.pk).role == "compliance"
    actions = AuditRecord.objects.filter(object_id=str(alice.pk)).values_list("action", flat=True)
    assert set(actions) == {"user.update", "user.set_role"}


def test_what_a_service_refuses_is_said_on_the_page(client, adam):
    client.force_login(adam)
    url = reverse("admin:accounts_user_change", args=[adam.pk])
    response = client.post(url, form(username="adam", role="operator"), follow=True)
    assert "your own role" in response.content.decode()
    assert User.objects.get(pk=adam.pk).role == "administrator"


def test_a_weak_password_makes_nobody(client, adam):
    client.force_login(adam)
    client.post(reverse("admin:accounts_user_add"), form(new_password="12345678"))
    client.post(reverse("admin:accounts_user_add"), form(new_password=""))
    assert not User.objects.filter(username="dana").exists()


def test_people_are_closed_and_never_deleted(client, adam, alice):
    client.force_login(adam)
    url = reverse("admin:accounts_user_delete", args=[alice.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


def test_tokens_are_revoked_through_the_service(client, adam, cast):
    token, _text = token_create(
        acting_user=adam, user=cast["service"], name="export", actions=["events:read"]
    )
    client.force_login(adam)
    values = {"action": "revoke", "_selected_action": [token.pk]}
    client.post(reverse("admin:accounts_apitoken_changelist"), values)
    assert not ApiToken.objects.exists()
    assert AuditRecord.objects.latest("seq").action == "token.revoke"


def test_the_pages_keep_the_content_policy(client, adam):
    for name in ("admin:index", USERS, "admin:accounts_user_add"):
        response = get(client, adam, name)
        assert "unsafe" not in response["Content-Security-Policy"]
        assert b"<style" not in response.content
        assert b" style=" not in response.content
        assert b"<script>" not in response.content
