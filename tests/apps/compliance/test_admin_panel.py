"""What compliance has to reach from the administration panel, and the answer to who saw a camera."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.audit import services as audit
from apps.audit.selectors import who_saw
from apps.audit.viewing import seen_by
from apps.console.navigation import _PAGES_OF_MODELS, compliance_pages
from apps.core.clock import now

pytestmark = pytest.mark.django_db


def _opened(user, path):
    client = Client()
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def _module(text):
    found = re.search(r'id="compliance-pages".*?</table>', text, re.DOTALL)
    return found[0] if found else ""


def test_every_page_of_compliance_is_reached_from_the_panel(bob, redis):
    module = _module(_opened(bob, "/admin/"))
    addresses = re.findall(r'href="([^"]+)"', module)
    assert set(addresses) >= {
        "/duties/", "/purposes/", "/consents/", "/cases/", "/retention/", "/unmasking/", "/record/",
        "/audit-pack/",
    }  # fmt: skip
    for address in addresses:
        _opened(bob, address)


def test_administrators_are_offered_what_they_may_open(adam, redis):
    addresses = re.findall(r'href="([^"]+)"', _module(_opened(adam, "/admin/")))
    assert "/record/" not in addresses
    assert addresses == [page.url for page in compliance_pages(adam)] != []
    for address in addresses:
        _opened(adam, address)


@pytest.mark.parametrize("label", _PAGES_OF_MODELS)
def test_a_list_of_the_panel_leads_to_the_page_of_its_rows(bob, label):
    text = _opened(bob, f"/admin/{label.replace('.', '/')}/")
    assert 'class="object-tools"' in text
    assert "Work with these" in text


def test_who_saw_a_camera_sums_every_person_up(alice, dana, bob, camera):
    at = now()
    for number in range(3):
        audit.record_viewing(
            camera_id=camera.pk, started_at=at - timedelta(seconds=30 * (number + 1)),
            ended_at=at - timedelta(seconds=30 * number), pictures=10, redacted=True,
            models={"faces": "centerface@0918", "detect": f"yolox@{number}"}, acting_user=alice,
            purpose="live monitoring",
        )  # fmt: skip
    audit.record_access(
        action="unmask.view", object_type="unmask_request", object_id="1", camera_id=camera.pk,
        redacted=False, acting_user=dana, purpose="incident investigation",
    )  # fmt: skip
    since, until = at - timedelta(seconds=75), now() + timedelta(seconds=1)
    first, second = seen_by(who_saw(camera.pk, since=since, until=until), since, until)
    assert (first.name, first.seconds, first.pictures, first.looks, first.uncovered) == (
        "alice",
        75,
        30,
        0,
        0,
    )
    assert first.shown == ["centerface@0918", "yolox@0", "yolox@1", "yolox@2"]
    assert (second.name, second.seconds, second.looks, second.uncovered) == ("dana", 0, 1, 1)
    text = _opened(bob, f"/record/?camera_id={camera.pk}&seen=on")
    assert "centerface@0918, yolox@0" in text
    assert "not covered" in text


def test_a_sum_that_was_cut_says_so(alice, bob, camera, monkeypatch):
    monkeypatch.setattr("apps.console.views.record.MOST_SUMMED", 2)
    at = now()
    for _number in range(3):
        audit.record_viewing(
            camera_id=camera.pk, started_at=at, ended_at=at, pictures=1, redacted=True, models={},
            acting_user=alice,
        )  # fmt: skip
    text = _opened(bob, f"/record/?camera_id={camera.pk}&seen=on")
    assert "Only the newest 2 entries" in text
