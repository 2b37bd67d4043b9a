"""Models, record, people, tokens, health and integrators: who may, what they see, what bad input does."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.cameras.models import Camera, Site
    from apps.registry.models import ModelVersion

pytestmark = pytest.mark.usefixtures("redis_url")

OPENED_BY = {
    "console:models": {"adam", "bob", "erin"},
    "console:record": {"bob"},
    "console:people": {"adam"},
    "console:person_create": {"adam"},
    "console:token_create": {"adam"},
    "console:health": {"adam", "alice", "bob", "charlie", "erin"},
    "console:integrate": {"adam", "alice", "bob", "charlie", "erin"},
}


def _signed_in(user: "User") -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cast(adam: "User", alice: "User", bob: "User", charlie: "User", erin: "User") -> dict[str, "User"]:
    return {user.username: user for user in (adam, alice, bob, charlie, erin)}


@pytest.mark.parametrize("name", OPENED_BY)
def test_a_page_opens_for_its_roles_only(name: str, cast: dict[str, "User"]) -> None:
    answers = {who: _signed_in(user).get(reverse(name)).status_code for who, user in cast.items()}

    assert {who for who, status in answers.items() if status == 200} == OPENED_BY[name]
    assert {status for who, status in answers.items() if who not in OPENED_BY[name]} <= {403}


@pytest.mark.django_db
@pytest.mark.parametrize("name", OPENED_BY)
def test_a_visitor_is_sent_to_the_sign_in_page(name: str) -> None:
    answer = Client().get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_a_refused_page_says_so_in_words_with_the_request_id(charlie: "User") -> None:
    answer = _signed_in(charlie).get(reverse("console:people"))

    assert answer.status_code == 403
    assert "This page is not open to you" in answer.content.decode()
    assert answer["X-Request-ID"] in answer.content.decode()


def _version(name: str = "general", **values: object) -> "ModelVersion":
    from apps.registry.models import ModelVersion

    facts = {"family": "yolox", "task": "detection", "sha256": "a" * 64, "classes": ["person", "car"]}
    return ModelVersion.objects.create(name=name, **{**facts, **values})


def test_models_say_what_is_missing_and_how_to_get_it(erin: "User") -> None:
    page = _signed_in(erin).get(reverse("console:models")).content.decode()

    assert "No general detector is installed." in page
    assert "manage.py models pull" in page


def test_a_model_owner_says_that_what_serves_shall_stay_and_takes_it_back(erin: "User") -> None:
    from apps.registry.models import StageAssignment

    version, client = _version(), _signed_in(erin)

    client.post(reverse("console:stage_assign"), {"stage": "detect", "version": str(version.pk)})
    assert StageAssignment.objects.get(stage="detect").version == version

    client.post(reverse("console:stage_assign"), {"stage": "detect", "version": ""})
    assert not StageAssignment.objects.exists()


def test_another_version_is_asked_for_and_given_by_a_second_person(erin: "User", adam: "User") -> None:
    from apps.registry.models import StageAssignment
    from apps.rollouts.models import Rollout

    _version()
    other, client = _version(name="other", sha256="cd" * 32), _signed_in(erin)
    values = {"stage": "detect", "version": str(other.pk), "reason": "finds more bicycles"}

    page = client.post(reverse("console:stage_assign"), values, follow=True).content.decode()
    rollout = Rollout.objects.get()
    assert "finds more bicycles" in page
    assert "somebody else than who started or asked decides" in page
    assert not StageAssignment.objects.exists()

    second, approve = _signed_in(adam), reverse("console:rollout_approve", args=[rollout.pk])
    assert "Approve all cameras" in second.get(reverse("console:rollout", args=[rollout.pk])).content.decode()
    second.post(approve, {"version": rollout.version})
    assert StageAssignment.objects.get(stage="detect").version == other


@pytest.mark.parametrize(("stage", "problem"), [("faces", ""), ("nonsense", ""), ("detect", "broken")])
def test_a_stage_refuses_what_cannot_serve_it(erin: "User", stage: str, problem: str) -> None:
    from apps.registry.models import StageAssignment

    version = _version(problem=problem)
    answer = _signed_in(erin).post(
        reverse("console:stage_assign"), {"stage": stage, "version": str(version.pk)}, follow=True
    )

    assert not StageAssignment.objects.exists()
    assert "note--bad" in answer.content.decode()


def test_only_a_model_owner_assigns(adam: "User") -> None:
    version = _version()
    answer = _signed_in(adam).post(
        reverse("console:stage_assign"), {"stage": "detect", "version": str(version.pk)}
    )

    assert answer.status_code == 403


def test_a_hostile_name_of_a_model_is_shown_as_text(bob: "User") -> None:
    _version(name="<script>alert(1)</script>", note="<img src=x onerror=alert(1)>")
    page = _signed_in(bob).get(reverse("console:models")).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_administrator_makes_a_person_and_grants_a_site(adam: "User", site_a: "Site") -> None:
    from apps.accounts.models import User
    from apps.cameras.selectors import site_grants

    client = _signed_in(adam)
    client.post(
        reverse("console:person_create"),
        {"username": "frank", "role": "operator", "password": "correct horse battery staple"},
    )
    frank = User.objects.get(username="frank")
    grant = {"target": f"site:{site_a.pk}", "permission": "watch"}

    client.post(reverse("console:grant_give", args=[frank.pk]), grant)
    assert site_grants().filter(user=frank).count() == 1
    assert "Site A" in client.get(reverse("console:people")).content.decode()

    client.post(reverse("console:grant_revoke", args=[frank.pk]), grant)
    assert not site_grants().filter(user=frank).exists()


@pytest.mark.parametrize(
    "values",
    [
        {"username": "frank", "role": "operator", "password": "short"},
        {"username": "frank", "role": "king", "password": "correct horse battery staple"},
        {"username": "adam", "role": "operator", "password": "correct horse battery staple"},
        {"username": "", "role": "", "password": ""},
    ],
)
def test_a_person_that_cannot_be_made_is_a_form_with_words(adam: "User", values: dict[str, str]) -> None:
    from apps.accounts.models import User

    answer = _signed_in(adam).post(reverse("console:person_create"), values)

    assert answer.status_code == 200
    assert 'class="problem"' in answer.content.decode() or "note--bad" in answer.content.decode()
    assert User.objects.count() == 1


def test_a_grant_to_nothing_is_refused_in_words(adam: "User", charlie: "User") -> None:
    answer = _signed_in(adam).post(
        reverse("console:grant_give", args=[charlie.pk]),
        {"target": "site:00000000-0000-0000-0000-000000000000", "permission": "everything"},
        follow=True,
    )

    assert "Choose a site or a camera group" in answer.content.decode()


def test_role_account_and_password_of_another_person(adam: "User", charlie: "User") -> None:
    client = _signed_in(adam)

    client.post(reverse("console:person_role", args=[charlie.pk]), {"role": "model_owner"})
    client.post(reverse("console:person_password", args=[charlie.pk]), {"password": "another long word 7"})
    client.post(reverse("console:person_active", args=[charlie.pk]), {"active": "no"})

    charlie.refresh_from_db()
    assert (charlie.role, charlie.is_active) == ("model_owner", False)
    assert charlie.check_password("another long word 7")


def test_nobody_changes_their_own_role(adam: "User") -> None:
    answer = _signed_in(adam).post(
        reverse("console:person_role", args=[adam.pk]), {"role": "operator"}, follow=True
    )

    adam.refresh_from_db()
    assert adam.role == "administrator"
    assert "note--bad" in answer.content.decode()


def test_a_token_is_shown_once_and_works_until_it_is_withdrawn(adam: "User", erin: "User") -> None:
    from apps.accounts.models import ApiToken

    client = _signed_in(adam)
    made = client.post(
        reverse("console:token_create"),
        {"user": str(erin.pk), "name": "reports", "actions": ["cameras:read"], "days": "30"},
    )
    token = ApiToken.objects.get(name="reports")
    secret = made.context["secret"]

    assert secret in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    assert secret not in client.get(reverse("console:people")).content.decode()
    assert token.expiry - token.created > timedelta(days=29)

    client.post(reverse("console:token_revoke", args=[token.digest]))
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    "change", [{"days": "0"}, {"days": "999"}, {"actions": ["everything"]}, {"user": "x"}]
)
def test_a_token_without_a_sound_scope_is_not_made(
    adam: "User", erin: "User", change: dict[str, object]
) -> None:
    from apps.accounts.models import ApiToken

    values = {"user": str(erin.pk), "name": "reports", "actions": ["cameras:read"], "days": "30", **change}
    answer = _signed_in(adam).post(reverse("console:token_create"), values)

    assert 'class="problem"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def _watched(camera: "Camera", user: "User", minutes: tuple[int, int]) -> None:
    from apps.audit.services import record_viewing
    from apps.core.clock import now

    started, ended = (now() - timedelta(minutes=value) for value in minutes)
    record_viewing(
        camera_id=camera.pk,
        started_at=started,
        ended_at=ended,
        pictures=100,
        redacted=True,
        models={"face": "centerface"},
        acting_user=user,
    )


def test_the_record_tells_who_saw_a_camera_and_for_how_long(
    bob: "User", alice: "User", dana: "User", camera: "Camera", camera_b: "Camera"
) -> None:
    _watched(camera, alice, (5, 4))
    _watched(camera, alice, (4, 3))
    _watched(camera_b, dana, (5, 4))

    page = _signed_in(bob).get(reverse("console:record"), {"camera_id": str(camera.pk), "seen": "on"})

    (viewer,) = page.context["viewers"]
    assert (viewer.name, round(viewer.seconds), viewer.pictures) == ("alice", 120, 200)


def test_only_the_time_within_the_span_counts(bob: "User", alice: "User", camera: "Camera") -> None:
    from zoneinfo import ZoneInfo

    from apps.core.clock import now

    _watched(camera, alice, (10, 0))
    since = (now() - timedelta(minutes=4)).astimezone(ZoneInfo(camera.zone_name))
    page = _signed_in(bob).get(
        reverse("console:record"),
        {"camera_id": str(camera.pk), "seen": "on", "since": since.strftime("%Y-%m-%dT%H:%M")},
    )

    (viewer,) = page.context["viewers"]
    assert 4 * 60 - 1 <= viewer.seconds <= 5 * 60


@pytest.mark.parametrize(
    "query",
    [
        {"camera_id": "' OR 1=1"},
        {"kind": "nothing"},
        {"since": "yesterday"},
        {"seen": "on"},
        {"text": "\x00"},
    ],
)
def test_nonsense_in_the_filters_is_no_error(bob: "User", query: dict[str, str]) -> None:
    assert _signed_in(bob).get(reverse("console:record"), query).status_code == 200


def test_a_cursor_from_elsewhere_is_refused(bob: "User") -> None:
    assert _signed_in(bob).get(reverse("console:record"), {"cursor": "nonsense"}).status_code == 400


def test_the_chain_is_checked_on_demand(bob: "User") -> None:
    page = _signed_in(bob).post(reverse("console:record_check"))

    assert "The chain is intact." in page.content.decode()
    assert "So a chain that was rewritten as a whole would not show." in page.content.decode()


def test_a_broken_chain_and_checkpoints_that_went_are_told_in_the_language_of_the_page(
    bob: "User", monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.audit.verdict import Verdict

    bob.language = "ru"
    bob.save(update_fields=["language"])
    template = "is missing: record %(seq)s comes in its place"
    verdicts = [
        Verdict(checked=3, head_seq=9, first_bad_seq=4, template=template, values={"seq": 5}),
        Verdict(checked=9, head_seq=9, checkpoints=3, covered_seq=6, not_outside=2),
    ]
    monkeypatch.setattr("apps.console.views.record.chain_verify", lambda: verdicts.pop(0))
    client = _signed_in(bob)

    page = client.post(reverse("console:record_check"), headers={"Accept-Language": "ru"}).content.decode()
    assert "Цепочка нарушена на записи 4." in page
    assert "Запись 4 отсутствует: на её месте стоит запись 5." in page

    page = client.post(reverse("console:record_check"), headers={"Accept-Language": "ru"}).content.decode()
    assert "Они покрывают её до записи 6" in page
    assert "2 контрольные точки есть только в базе данных" in page


def test_health_shows_where_every_frame_went(alice: "User", camera: "Camera") -> None:
    from apps.core.clock import now
    from apps.detections.models import FrameAccount

    FrameAccount.objects.create(
        camera=camera,
        epoch="e1",
        started_at=now(),
        at=now(),
        captured=1000,
        analysed=600,
        in_flight=1,
        skipped={"no_motion": 390},
        lost={"worker_timeout": 9},
    )
    page = _signed_in(alice).get(reverse("console:health")).content.decode()

    assert "the sum closes" in page
    assert "390 nothing moved" in page
    assert "9 answer came too late" in page


def test_examples_name_the_address_of_this_installation(charlie: "User") -> None:
    page = _signed_in(charlie).get(reverse("console:integrate")).content.decode()

    assert "export VIDETTE=http://testserver" in page
    assert "ws://testserver/ws/v1/" in page


def test_no_page_needs_inline_style_or_script(cast: dict[str, "User"], camera: "Camera") -> None:
    import re

    for name, users in OPENED_BY.items():
        page = _signed_in(cast[min(users)]).get(reverse(name)).content.decode()
        assert not re.search(r"<[^>]+\sstyle=", page), name
        assert not re.search(r"<[^>]+\son[a-z]+=", page), name
        assert not re.search(r"<script(?![^>]*(src=|application/json))", page), name
