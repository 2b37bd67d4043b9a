"""Which role may do what: the whole table, once more, written by hand."""

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import ApiToken, Role, TokenAction, User
from apps.accounts.roles import CAPABILITY_ACTION, Capability, require, user_can
from apps.audit.models import AuditRecord
from apps.core.errors import Forbidden

#                  operator compliance model_owner administrator
MATRIX = {
    "watch_live":     "1111",
    "see_events":     "1111",
    "triage_events":  "1000",
    "flag_events":    "1010",
    "see_cameras":    "1111",
    "manage_cameras": "0001",
    "manage_sites":   "0001",
    "manage_users":   "0001",
    "see_models":     "0111",
    "assign_models":  "0010",
    "evaluate_models": "0010",
    "upload_models":  "0010",
    "see_cases":      "0100",
    "run_cases":      "0100",
    "see_rollouts":   "0111",
    "manage_rollouts": "0010",
    "approve_rollouts": "0011",
    "see_record":     "0100",
    "see_purposes":   "0101",
    "manage_purposes": "0100",
    "analyse_frames": "0010",
    "redact_files":   "0100",
    "review_leaks":   "0101",
    "export_evidence": "0100",
    "see_recordings": "1101",
    "manage_retention": "0100",
    "request_unmasking": "1100",
    "approve_unmasking": "0100",
    "see_health":     "1111",
}  # fmt: skip
COLUMNS = (Role.OPERATOR, Role.COMPLIANCE, Role.MODEL_OWNER, Role.ADMINISTRATOR)
WITH_TOKEN = {
    "watch_live",
    "see_events",
    "triage_events",
    "flag_events",
    "see_cameras",
    "manage_cameras",
    "see_models",
    "evaluate_models",
    "upload_models",
    "see_rollouts",
    "manage_rollouts",
    "analyse_frames",
    "redact_files",
    "see_recordings",
}


def test_the_table_covers_every_capability_and_role():
    assert set(MATRIX) == {capability.value for capability in Capability}
    assert {*COLUMNS, Role.INTEGRATOR} == set(Role)
    assert set(CAPABILITY_ACTION) == set(Capability)


@pytest.mark.parametrize("role", COLUMNS)
@pytest.mark.parametrize("name", MATRIX)
def test_a_role_may_what_the_table_says(role, name):
    expected = MATRIX[name][COLUMNS.index(role)] == "1"
    assert user_can(User(role=role), Capability(name)) is expected


@pytest.mark.parametrize("capability", Capability)
def test_charlie_without_an_active_account_gets_nothing(capability):
    for role in Role:
        assert not user_can(User(role=role, is_active=False), capability)
    assert not user_can(AnonymousUser(), capability)
    assert not user_can(None, capability)


@pytest.mark.parametrize("capability", Capability)
def test_a_service_account_gets_nothing_without_a_token(capability):
    assert not user_can(User(role=Role.INTEGRATOR), capability)


@pytest.mark.parametrize("capability", Capability)
def test_a_service_account_gets_with_a_token_what_its_scope_says(capability):
    user = User(role=Role.INTEGRATOR)
    user.token_scope = ApiToken(actions=TokenAction.values)
    assert user_can(user, capability) is (capability.value in WITH_TOKEN)
    action = CAPABILITY_ACTION[capability]
    user.token_scope = ApiToken(actions=[value for value in TokenAction.values if value != action])
    assert not user_can(user, capability)


def test_a_token_never_gives_more_than_the_role():
    user = User(role=Role.OPERATOR)
    user.token_scope = ApiToken(actions=TokenAction.values)
    assert not user_can(user, Capability.SEE_RECORD)
    assert not user_can(user, Capability.MANAGE_CAMERAS)


def test_no_token_manages_people_or_models():
    for role, capability in ((Role.ADMINISTRATOR, "manage_users"), (Role.MODEL_OWNER, "assign_models")):
        user = User(role=role)
        assert user_can(user, Capability(capability))
        user.token_scope = ApiToken(actions=TokenAction.values)
        assert not user_can(user, Capability(capability))


def test_require_says_which_right_is_missing_and_the_attempt_is_recorded(charlie):
    with pytest.raises(Forbidden, match="see_record") as caught:
        require(charlie, Capability.SEE_RECORD)
    assert (caught.value.code, caught.value.status) == ("forbidden", 403)
    record = AuditRecord.objects.latest("seq")
    assert (record.kind, record.actor_name, record.object_id) == ("refusal", "charlie", "see_record")


def test_a_visitor_is_refused_without_an_entry(db):
    with pytest.raises(Forbidden):
        require(AnonymousUser(), Capability.SEE_RECORD)
    assert AuditRecord.objects.count() == 1


def test_there_is_no_superuser(db):
    user = User.objects.create_superuser("adam", password="x")
    assert user.role == Role.ADMINISTRATOR
    assert user.is_superuser is False
    assert not user.has_perm("cameras.watch_site")
