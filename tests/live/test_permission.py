"""Who may open a websocket, what it may ask for, and how soon it ends when that changes."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from apps.accounts.services import token_create, token_revoke, user_set_active, user_set_password
from apps.audit.models import AuditRecord
from apps.cameras.services import camera_delete, grant_give, grant_revoke, group_create, group_set_cameras
from apps.core.clock import now
from apps.live.identity import DEFAULT_PURPOSE
from apps.live.tickets import Ticket, ticket_issue
from tests.live.pictures import Publisher, keep_latest

pytestmark = pytest.mark.django_db(transaction=True)
CLOSES_WITHIN_S = 2.0


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "null", "http://127.0.0.1.evil.example"]
)
def test_another_origin_is_refused(alice, sign_in, open_socket, origin):
    with pytest.raises(InvalidStatus) as refusal:
        open_socket(origin=origin, cookie=sign_in(alice))
    assert refusal.value.response.status_code == 403


def test_a_cookie_without_an_origin_opens_nothing(alice, camera, sign_in, open_socket):
    """A program has no origin; it needs a ticket even when it holds a cookie."""
    viewer = open_socket(origin=None, cookie=sign_in(alice))
    viewer.say("subscribe", camera_id=str(camera.pk))
    assert viewer.expect("error")["code"] == "sign_in"
    assert viewer.closing(within_s=8)[0] == 4401


def test_a_socket_without_anything_is_closed(open_socket):
    code, reason, seconds = open_socket().closing(within_s=8)
    assert (code, reason) == (4401, "no ticket came in time")
    assert seconds > 2


def _ticket_of_session(user, cookie):
    return ticket_issue(Ticket(str(user.pk), cookie.partition("=")[2], "", DEFAULT_PURPOSE))


def test_a_ticket_opens_a_socket_without_an_origin(alice, camera, sign_in, open_socket, redis):
    viewer = open_socket(origin=None)
    viewer.say("authenticate", ticket=_ticket_of_session(alice, sign_in(alice)))
    assert viewer.expect("ready")["user"] == "alice"
    keep_latest(redis, camera.pk)
    viewer.watch(camera.pk).next_picture()


def test_a_ticket_is_for_one_use(alice, sign_in, open_socket):
    ticket = _ticket_of_session(alice, sign_in(alice))
    first, second = open_socket(origin=None), open_socket(origin=None)
    first.say("authenticate", ticket=ticket)
    first.expect("ready")
    second.say("authenticate", ticket=ticket)
    assert second.closing(within_s=3)[0] == 4401


@pytest.mark.parametrize("ticket", ["", "x" * 40, "../../vidette:leases", "x" * 1500])
def test_an_unknown_ticket_is_refused(open_socket, ticket):
    viewer = open_socket(origin=None)
    viewer.say("authenticate", ticket=ticket)
    assert viewer.closing(within_s=3)[0] == 4401


def test_a_ticket_runs_out(alice, sign_in, open_socket, redis):
    ticket = _ticket_of_session(alice, sign_in(alice))
    (key,) = redis.keys("vidette:tickets:*")
    assert 0 < redis.ttl(key) <= 30
    redis.pexpire(key, 1)
    viewer = open_socket(origin=None)
    viewer.say("authenticate", ticket=ticket)
    assert viewer.closing(within_s=3)[0] == 4401


def test_a_ticket_dies_with_its_session(alice, sign_in, open_socket):
    from django.contrib.sessions.models import Session

    ticket = _ticket_of_session(alice, sign_in(alice))
    Session.objects.all().delete()
    viewer = open_socket(origin=None)
    viewer.say("authenticate", ticket=ticket)
    assert viewer.closing(within_s=3)[0] == 4401


def test_somebody_elses_session_key_in_a_ticket_is_refused(alice, bob, sign_in, open_socket):
    cookie = sign_in(bob)
    viewer = open_socket(origin=None)
    viewer.say("authenticate", ticket=_ticket_of_session(alice, cookie))
    assert viewer.closing(within_s=3)[0] == 4401


def test_charlie_sees_no_picture_and_every_attempt_is_on_record(charlie, camera, camera_b, browser, redis):
    viewer = browser(charlie)
    with Publisher(redis, camera.pk), Publisher(redis, camera_b.pk):
        for wanted in (camera.pk, camera_b.pk):
            viewer.say("subscribe", camera_id=str(wanted))
            assert viewer.expect("error", camera_id=str(wanted))["code"] == "not_found"
        viewer.listen(0.7)
    assert viewer.pictures == []
    refused = AuditRecord.objects.filter(kind="refusal", actor_name="charlie")
    assert {record.object_id for record in refused} == {str(camera.pk), str(camera_b.pk)}
    assert not AuditRecord.objects.filter(kind__in=["access", "viewing"]).exists()


def test_missing_and_forbidden_cameras_get_the_same_answer(charlie, camera, browser):
    viewer = browser(charlie)
    answers = []
    for wanted in (camera.pk, uuid4()):
        viewer.say("subscribe", camera_id=str(wanted))
        answer = viewer.expect("error")
        assert answer.pop("camera_id") == str(wanted)
        answers.append(answer)
    assert answers[0] == answers[1]


def test_alice_is_asked_again_for_each_camera(alice, camera, camera_b, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    viewer.say("subscribe", camera_id=str(camera_b.pk))
    assert viewer.expect("error")["camera_id"] == str(camera_b.pk)
    with Publisher(redis, camera.pk), Publisher(redis, camera_b.pk):
        viewer.listen(1)
    assert {header.camera_id for header in viewer.pictures} == {str(camera.pk)}


@pytest.mark.parametrize("role", ["adam", "bob"])
def test_a_role_alone_opens_no_picture(request, role, camera, browser):
    viewer = browser(request.getfixturevalue(role))
    viewer.say("subscribe", camera_id=str(camera.pk))
    assert viewer.expect("error")["code"] == "not_found"


def _ends_in_time(viewer):
    """The code and reason of the end, which comes in two seconds and with it the last picture."""
    code, reason, seconds = viewer.closing(within_s=6)
    assert seconds <= CLOSES_WITHIN_S
    return code, reason


def test_a_withdrawn_grant_ends_it_in_two_seconds(adam, alice, camera, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        grant_revoke(acting_user=adam, user=alice, site=camera.site, permission="watch")
        assert _ends_in_time(viewer) == (4403, "a grant was withdrawn")


def test_the_other_grants_stay_open(adam, alice, camera, camera_b, browser, redis):
    grant_give(acting_user=adam, user=alice, site=camera_b.site, permission="watch")
    viewer = browser(alice).watch(camera.pk).watch(camera_b.pk)
    grant_revoke(acting_user=adam, user=alice, site=camera_b.site, permission="watch")
    assert viewer.closing(within_s=4)[0] == 4403
    again = browser(alice).watch(camera.pk)
    again.say("subscribe", camera_id=str(camera_b.pk))
    assert again.expect("error")["code"] == "not_found"


def test_signing_out_ends_it_in_two_seconds(alice, camera, sign_in, open_socket, redis):
    from django.test import Client

    name, _, key = (cookie := sign_in(alice)).partition("=")
    viewer = open_socket(cookie=cookie).watch(camera.pk)
    page = Client()
    page.cookies[name] = key
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        assert page.post("/accounts/logout/").status_code == 302
        assert _ends_in_time(viewer) == (4401, "signed out")


def test_a_blocked_account_ends_it_in_two_seconds(adam, alice, camera, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    user_set_active(acting_user=adam, user=alice, active=False)
    assert _ends_in_time(viewer)[0] == 4401


def test_a_new_password_ends_it_in_two_seconds(adam, alice, camera, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    user_set_password(acting_user=adam, user=alice, password="another battery staple")
    assert _ends_in_time(viewer)[0] == 4401


def test_a_removed_camera_ends_it_in_two_seconds(adam, alice, camera, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    camera_delete(acting_user=adam, camera=camera, version=camera.version)
    assert _ends_in_time(viewer)[0] == 4403


@pytest.fixture
def integrator(adam, site_a):
    from apps.accounts.models import User

    user = User.objects.create_user(username="gateway", role="integrator")
    grant_give(acting_user=adam, user=user, site=site_a, permission="watch")
    return user


def _token(adam, user, *groups, actions=("live:read",)):
    return token_create(
        acting_user=adam, user=user, name="wall", actions=actions, group_ids=[group.pk for group in groups]
    )


def _open_with_token(open_socket, web, text):
    import httpx

    answer = httpx.post(f"{web.origin}/api/v1/tickets", headers={"Authorization": f"Token {text}"})
    assert answer.status_code == 201, answer.text
    viewer = open_socket(origin=None)
    viewer.say("authenticate", ticket=json.loads(answer.text)["ticket"])
    viewer.expect("ready")
    return viewer


def test_a_token_opens_the_cameras_of_its_groups_alone(
    adam, integrator, site_a, camera, open_socket, web, redis
):
    from apps.cameras.services import camera_create

    other = camera_create(acting_user=adam, site=site_a, name="Yard", kind="rtsp", url=camera.url)
    group = group_create(acting_user=adam, site=site_a, name="doors")
    group_set_cameras(acting_user=adam, group=group, version=group.version, camera_ids=[camera.pk])
    viewer = _open_with_token(open_socket, web, _token(adam, integrator, group)[1])
    keep_latest(redis, camera.pk)
    viewer.watch(camera.pk).next_picture()
    viewer.say("subscribe", camera_id=str(other.pk))
    assert viewer.expect("error")["code"] == "not_found"


def test_a_token_for_other_things_gets_no_ticket(adam, integrator, web):
    import httpx

    _row, text = _token(adam, integrator, actions=("events:read",))
    answer = httpx.post(f"{web.origin}/api/v1/tickets", headers={"Authorization": f"Token {text}"})
    assert answer.status_code == 403
    assert httpx.post(f"{web.origin}/api/v1/tickets").status_code in (401, 403)


def test_a_withdrawn_token_ends_it_in_two_seconds(adam, integrator, camera, open_socket, web, redis):
    row, text = _token(adam, integrator)
    viewer = _open_with_token(open_socket, web, text).watch(camera.pk)
    token_revoke(acting_user=adam, token=row)
    assert _ends_in_time(viewer)[0] == 4401


def test_a_token_that_runs_out_ends_it(adam, integrator, camera, open_socket, web, redis):
    row, text = _token(adam, integrator)
    viewer = _open_with_token(open_socket, web, text).watch(camera.pk)
    row.expiry = now() - timedelta(seconds=1)
    row.save(update_fields=["expiry"])
    assert _ends_in_time(viewer)[0] == 4401
