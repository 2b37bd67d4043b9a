"""A sealed original reaches the editor after two people decided, covered before anybody sees it."""

import io

import av
import pytest
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.cameras.services import grant_give
from apps.cases.services import items_add, original_ask, original_edit
from apps.core.errors import Conflict, DomainError, Unavailable
from apps.core.objects import object_get, objects_list
from apps.recordings.models import Segment
from apps.recordings.opening import original_film
from apps.redactions.models import Redaction
from apps.unmasking.services import grant_open, request_approve
from inference_workers.contracts.redactions import input_key
from tests.apps.unmasking.conftest import originals  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(case, bob, adam, site_a, originals, monkeypatch):  # noqa: F811
    """A request with a recording of which an original is kept; the models that cover are there."""
    monkeypatch.setattr("apps.redactions.services.models_now", lambda _targets: {"faces": []})
    grant_give(acting_user=adam, user=bob, site=site_a, permission="watch")
    made, segment = case(), originals()
    items_add(acting_user=bob, case=made, chosen=[("segment", str(segment.pk))], purpose="x")
    return made, segment


def _item(made):
    return made.items.get(kind="segment")


def test_the_film_of_an_original_opens_and_a_changed_one_does_not(recording):
    _made, segment = recording
    with av.open(io.BytesIO(original_film(segment)), "r", format="mp4") as film:
        assert sum(1 for _frame in film.decode(video=0)) == 10
    Segment.objects.filter(pk=segment.pk).update(original_sha256="ab" * 32)
    segment.refresh_from_db()
    with pytest.raises(Conflict):
        original_film(segment)


def test_two_people_bring_an_original_into_the_editor(bob, frank, recording, camera, client):
    made, segment = recording
    request = original_ask(acting_user=bob, case=made, item=_item(made))
    with pytest.raises(DomainError):
        original_edit(acting_user=bob, case=made, item=_item(made))
    with pytest.raises(DomainError) as own:
        request_approve(acting_user=bob, request=request, version=1)
    assert own.value.code == "second_person_required"
    request_approve(acting_user=frank, request=request, version=1)
    redaction = original_edit(acting_user=bob, case=made, item=_item(made))
    assert object_get(input_key(str(redaction.pk))) == original_film(segment)
    assert redaction.options["targets"] == ["face"]
    assert _item(made).facts["edited_as"] == str(redaction.pk)
    opened = AuditRecord.objects.get(action="case.original_open")
    assert (opened.camera_id, opened.redacted) == (camera.pk, False)
    client.force_login(bob)
    shown = client.get(reverse("console:case", args=[made.pk])).content.decode()
    assert reverse("console:redaction", args=[redaction.pk]) in shown


def test_a_grant_is_used_once_here_or_there(bob, frank, recording):
    made, _segment = recording
    request = original_ask(acting_user=bob, case=made, item=_item(made))
    request_approve(acting_user=frank, request=request, version=1)
    original_edit(acting_user=bob, case=made, item=_item(made))
    for again in (
        lambda: original_edit(acting_user=bob, case=made, item=_item(made)),
        lambda: grant_open(acting_user=bob, request=request, session_key="s"),
    ):
        with pytest.raises(DomainError) as refused:
            again()
        assert refused.value.code == "grant_used"
    assert Redaction.objects.count() == 1


def test_without_a_record_no_original_is_left_open(bob, frank, recording, monkeypatch):
    made, _segment = recording
    request = original_ask(acting_user=bob, case=made, item=_item(made))
    request_approve(acting_user=frank, request=request, version=1)

    def refuse(*_args, **_kwargs):
        raise Unavailable("audit_unavailable", "the record cannot be written")

    monkeypatch.setattr("apps.audit.services._chain", refuse)
    before = {listed.key for portion in objects_list("redactions/") for listed in portion}
    with pytest.raises(Unavailable):
        original_edit(acting_user=bob, case=made, item=_item(made))
    assert {listed.key for portion in objects_list("redactions/") for listed in portion} == before
