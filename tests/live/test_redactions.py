"""Progress of redacted files over the websocket: for those who may, of what they may see, as it changes."""

import pytest
from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.core.events import publish
from apps.redactions.models import Redaction, RedactionStep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redaction(bob: User) -> Redaction:
    found = Redaction.objects.create(
        owner=bob, filename="gate.mp4", purpose="test", input_sha256="ab" * 32, input_bytes=9, options={},
        state="running", film={"segment_frames": [25, 25]},
    )  # fmt: skip
    for segment, state in enumerate(("done", "running")):
        RedactionStep.objects.create(
            redaction=found,
            key=f"analyse:{segment:05d}",
            kind="analyse",
            place=1,
            segment=segment,
            state=state,
        )
    return found


def _change(redaction: Redaction, **changes: object) -> None:
    with transaction.atomic():
        Redaction.objects.filter(pk=redaction.pk).update(version=F("version") + 1, **changes)
        publish("redaction.changed", redaction_id=str(redaction.pk))


def test_progress_comes_first_as_it_is_and_then_as_it_changes(bob, redaction, browser):
    viewer = browser(bob)
    viewer.say("redactions")
    first = viewer.expect("redaction", id=str(redaction.pk))
    assert (first["state"], first["phase"], first["ready_revision"]) == ("running", "analyse", None)
    assert 0 <= first["share"] < 1
    _change(redaction, state="done", ready_revision=0)
    assert viewer.expect("redaction", state="done", within_s=4)["share"] == 1.0


def test_nobody_is_told_who_did_not_ask(bob, redaction, browser):
    viewer = browser(bob)
    _change(redaction, state="paused")
    viewer.listen(1.5)
    assert [message["type"] for message in viewer.messages] == ["ready"]


@pytest.mark.parametrize("name", ["charlie", "adam"])
def test_others_are_refused_and_learn_nothing(request, redaction, browser, name):
    viewer = browser(request.getfixturevalue(name))
    viewer.say("redactions")
    assert viewer.expect("error")["code"] == "forbidden"
    _change(redaction, state="done")
    assert "redaction" not in [message["type"] for message in viewer.listen(1.5)]


def test_a_role_that_was_taken_away_ends_the_news(bob, redaction, browser):
    viewer = browser(bob)
    viewer.say("redactions")
    viewer.expect("redaction")
    User.objects.filter(pk=bob.pk).update(role="operator")
    _change(redaction, state="done")
    assert viewer.expect("error", within_s=5)["code"] == "forbidden"
