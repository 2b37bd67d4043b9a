"""Who sees which camera: by grant, by role, by token; and nobody learns what is not open to them."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import ApiToken
from apps.accounts.roles import Capability
from apps.audit.models import AuditRecord
from apps.cameras import selectors, services
from apps.core.errors import NotFound


def _names(cameras):
    return [camera.name for camera in cameras]


@pytest.fixture
def both(camera, camera_b):
    return camera, camera_b


def test_operators_see_their_site(alice, dana, both):
    assert _names(selectors.cameras_visible_to(alice)) == ["Lobby"]
    assert _names(selectors.cameras_watchable_by(dana)) == ["Gate"]


def test_charlie_and_strangers_see_nothing(charlie, both):
    for user in (charlie, AnonymousUser()):
        assert not selectors.cameras_visible_to(user).exists()
        assert not selectors.cameras_watchable_by(user).exists()
        assert not selectors.sites_visible_to(user).exists()
        assert not selectors.groups_visible_to(user).exists()


def test_compliance_and_administrators_know_every_camera_and_watch_none(adam, bob, both):
    for user in (adam, bob):
        assert selectors.cameras_visible_to(user).count() == 2
        assert not selectors.cameras_watchable_by(user).exists()
    assert selectors.cameras_reviewable_by(bob).count() == 2
    assert not selectors.cameras_reviewable_by(adam).exists()


def test_a_blocked_account_sees_nothing(alice, both):
    alice.is_active = False
    assert not selectors.cameras_visible_to(alice).exists()


def test_a_group_opens_its_cameras_alone(adam, charlie, both):
    camera, _ = both
    group = services.group_create(acting_user=adam, site=camera.site, name="doors")
    services.grant_give(acting_user=adam, user=charlie, group=group, permission="watch")
    assert not selectors.cameras_watchable_by(charlie).exists()
    services.group_set_cameras(acting_user=adam, group=group, version=1, camera_ids=[camera.pk])
    assert _names(selectors.cameras_watchable_by(charlie)) == ["Lobby"]
    assert not selectors.cameras_triageable_by(charlie).exists()


def test_a_camera_of_another_site_does_not_enter_a_group(adam, both):
    camera, other = both
    group = services.group_create(acting_user=adam, site=camera.site, name="doors")
    with pytest.raises(NotFound):
        services.group_set_cameras(acting_user=adam, group=group, version=1, camera_ids=[other.pk])


def test_a_token_narrows_to_its_groups(adam, alice, both):
    camera, _ = both
    group = services.group_create(acting_user=adam, site=camera.site, name="doors")
    alice.token_scope = ApiToken(actions=["cameras:read"], group_ids=[str(group.pk)])
    assert not selectors.cameras_for(alice, Capability.SEE_CAMERAS).exists()
    services.group_set_cameras(acting_user=adam, group=group, version=1, camera_ids=[camera.pk])
    assert _names(selectors.cameras_for(alice, Capability.SEE_CAMERAS)) == ["Lobby"]
    assert not selectors.cameras_for(alice, Capability.WATCH_LIVE).exists()


@pytest.mark.parametrize("capability", list(Capability))
def test_charlie_gets_the_answer_of_a_missing_camera(charlie, camera, capability):
    answers = []
    for key in (camera.pk, uuid4(), "no-uuid"):
        with pytest.raises(NotFound) as refused:
            selectors.access_camera(charlie, key, purpose="test", capability=capability)
        answers.append((refused.value.code, refused.value.message, refused.value.status))
    assert len(set(answers)) == 1


@pytest.mark.django_db(transaction=True)
def test_an_attempt_on_a_forbidden_camera_is_on_record(charlie, camera):
    with pytest.raises(NotFound):
        selectors.access_camera(charlie, camera.pk, purpose="curiosity", capability=Capability.WATCH_LIVE)
    record = AuditRecord.objects.get(kind="refusal")
    assert (record.actor_name, record.object_id, record.purpose) == (
        "charlie",
        str(camera.pk),
        "curiosity",
    )


def test_triage_needs_its_own_grant(adam, charlie, camera):
    services.grant_give(acting_user=adam, user=charlie, site=camera.site, permission="watch")
    selectors.access_camera(charlie, camera.pk, purpose="t", capability=Capability.WATCH_LIVE)
    with pytest.raises(NotFound):
        selectors.access_camera(charlie, camera.pk, purpose="t", capability=Capability.TRIAGE_EVENTS)
