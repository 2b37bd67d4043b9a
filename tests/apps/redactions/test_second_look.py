"""What the page of a file says about its second look; older results have none."""

from dataclasses import asdict

import pytest
from django.test import Client

from inference_workers.contracts.redactions import RedactionSummary
from tests.queries.objects import redactions_add

pytestmark = [pytest.mark.django_db, pytest.mark.database_neutral]
OLD = {"tracks": 1, "frames": 900, "frames_looked_at": 90, "frames_covered": 40, "frames_mosaic": 0,
       "uncertain_tracks": 0, "partial": False, "unreadable": []}  # fmt: skip


@pytest.fixture
def pages(bob):
    client = Client()
    client.force_login(bob)

    def texts(summary):
        (found,) = redactions_add(bob, 1)
        found.result = {**found.result, "summary": summary}
        found.save()
        answers = [client.get(address) for address in (f"/redactions/{found.pk}/", "/redactions/")]
        assert [answer.status_code for answer in answers] == [200, 200]
        return [answer.content.decode() for answer in answers]

    return texts


def test_a_leak_is_named_with_its_moment(pages):
    summary = RedactionSummary(1, 900, 90, 40, 0, 0, False, looked_again=2, leaky=1, leaks_at_s=(62.5,))
    page, queue = pages(asdict(summary))
    assert "2 pictures of the result had a second look: 1 with an uncovered face (5000 per 10,000)." in page
    assert "0:01:02.5" in page
    assert "uncovered face?" in page
    assert "uncovered face?" in queue


def test_without_a_leak_the_count_is_told_alone(pages):
    page, queue = pages(asdict(RedactionSummary(1, 900, 90, 40, 0, 0, False, looked_again=2)))
    assert "2 pictures of the result had a second look: 0 with" in page
    assert "uncovered face?" not in page + queue


def test_a_result_from_before_says_nothing_of_it(pages):
    page, queue = pages(OLD)
    assert "second look" not in page
    assert "uncovered face?" not in page + queue
