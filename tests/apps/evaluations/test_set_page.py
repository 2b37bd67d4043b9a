"""The page of a labelled set: what is in it, and which pictures must pass; and the same from a comparison."""

import json

import pytest
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.core.errors import Conflict
from apps.core.objects import object_get
from apps.evaluations.models import SetVersion
from apps.evaluations.sets import must_pass_set
from inference_workers.contracts.evaluations import manifest_key
from tests.apps.api.world import make_comparison

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hashes(labelled) -> list[str]:
    data = json.loads(object_get(manifest_key(str(labelled.labelled_set_id), labelled.sha256)))
    return [picture["sha256"] for picture in data["pictures"]]


def mark(client, labelled, sha256: str, word: str = "yes", **more: str):
    address = reverse("console:must_pass", args=[labelled.pk])
    return client.post(address, {"sha256": sha256, "must_pass": word, **more}, follow=True)


def test_a_picture_is_marked_and_taken_back_on_record(client, erin, labelled, hashes):
    client.force_login(erin)
    page = mark(client, labelled, hashes[1], query="q=1.jpg").content.decode()
    assert "Marked: no version may miss an object on it." in page
    assert "1 picture must pass" in page
    assert 'value="1.jpg"' in page, "the filter is kept"
    assert SetVersion.objects.get().must_pass == [hashes[1]]
    entry = AuditRecord.objects.filter(action="labelled_set.must_pass").get()
    assert (entry.actor_name, entry.details) == ("erin", {"picture": hashes[1], "must_pass": True})
    assert "It need not pass any more." in mark(client, labelled, hashes[1], "no").content.decode()
    assert SetVersion.objects.get().must_pass == []


def test_an_unknown_picture_is_a_sentence(client, erin, labelled, hashes):
    client.force_login(erin)
    assert "This picture is not in the set." in mark(client, labelled, "00" * 32).content.decode()


def test_pictures_are_found_by_name_and_by_mark_a_page_at_a_time(client, erin, labelled, hashes, monkeypatch):
    must_pass_set(acting_user=erin, version=labelled, sha256=hashes[2], must_pass=True)
    client.force_login(erin)
    address = reverse("console:labelled_set", args=[labelled.pk])

    def names(query: str) -> list[str]:
        page = client.get(f"{address}?{query}").content.decode()
        return [name for name in ("0.jpg", "1.jpg", "2.jpg") if f"<bdi>{name}</bdi>" in page]

    assert names("") == ["0.jpg", "1.jpg", "2.jpg"]
    assert names("q=1.J") == ["1.jpg"]
    assert names("marked=on") == ["2.jpg"]
    assert names("q=nothing") == []
    monkeypatch.setattr("apps.console.views.labelled_sets.PAGE_ROWS", 2)
    assert names("") == ["0.jpg", "1.jpg"]
    assert names("cursor=2") == ["2.jpg"]
    assert names("cursor=nonsense") == ["0.jpg", "1.jpg"]


def test_who_may_only_look_is_offered_no_mark(client, bob, labelled, hashes):
    client.force_login(bob)
    page = client.get(reverse("console:labelled_set", args=[labelled.pk])).content.decode()
    assert "0.jpg" in page
    assert reverse("console:must_pass", args=[labelled.pk]) not in page


def test_what_an_erasure_replaced_is_marked_no_more(client, erin, labelled, hashes):
    SetVersion.objects.filter(pk=labelled.pk).update(state="erased")
    labelled.refresh_from_db()
    with pytest.raises(Conflict, match="replaced after an erasure"):
        must_pass_set(acting_user=erin, version=labelled, sha256=hashes[0], must_pass=True)
    client.force_login(erin)
    page = client.get(reverse("console:labelled_set", args=[labelled.pk])).content.decode()
    assert "Nothing is left to measure on." in page
    assert "0.jpg" not in page


def test_labels_that_cannot_be_read_are_a_sentence(client, erin, labelled, monkeypatch):
    monkeypatch.setattr("apps.evaluations.manifests.object_get", lambda key: b"other bytes")
    client.force_login(erin)
    page = client.get(reverse("console:labelled_set", args=[labelled.pk])).content.decode()
    assert "The labels cannot be read:" in page


def test_a_picture_that_got_worse_is_marked_where_it_is_seen(
    client, erin, labelled, versions, hashes, monkeypatch
):
    job = make_comparison(*versions, labelled)
    client.force_login(erin)
    address = reverse("console:evaluation", args=[job.pk])
    assert reverse("console:must_pass", args=[labelled.pk]) in client.get(address).content.decode()
    answer = mark(client, labelled, hashes[0], evaluation=str(job.pk))
    assert answer.redirect_chain[-1][0] == address
    elsewhere = mark(client, labelled, hashes[0], "no", evaluation="https://example.org/")
    assert elsewhere.redirect_chain[-1][0].startswith(reverse("console:labelled_set", args=[labelled.pk]))


def test_the_interface_lists_and_marks_them(client, erin, labelled, hashes, monkeypatch):
    client.force_login(erin)
    address = f"/api/v1/labelled-sets/{labelled.pk}"
    body = {"sha256": hashes[1], "must_pass": True}
    assert client.put(f"{address}/must-pass", body, content_type="application/json").status_code == 200
    marked = client.get(f"{address}/pictures?marked=true").json()
    assert (marked["count"], marked["next_start"]) == (1, None)
    assert (marked["results"][0]["name"], marked["results"][0]["must_pass"]) == ("1.jpg", True)
    monkeypatch.setattr("apps.evaluations.api.PAGE_PICTURES", 2)
    first = client.get(f"{address}/pictures").json()
    assert (len(first["results"]), first["next_start"], first["count"]) == (2, 2, 3)
    rest = client.get(f"{address}/pictures?start=2").json()
    assert ([row["name"] for row in rest["results"]], rest["next_start"]) == (["2.jpg"], None)
    assert client.get(f"{address}/pictures?start=-1").status_code == 400
