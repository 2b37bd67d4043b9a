"""How many queries each page asks, for each person; the number is on file and does not grow with the rows.

`RECORD_QUERIES=1` writes the file anew; the difference then belongs into the review.
"""

import os
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from apps.cameras.services import grant_give
from apps.cases.models import Case
from apps.console import urls
from apps.detections.models import Event
from apps.evaluations.models import Evaluation, SetVersion
from apps.redactions.models import Redaction
from apps.registry.models import ModelFamily, ModelVersion
from apps.rollouts.models import Rollout
from tests.queries.objects import (
    cameras_add,
    cases_add,
    evaluations_add,
    people_add,
    redactions_add,
    rollouts_add,
)

TABLE = Path(__file__).parent / "pages.txt"
PEOPLE = ("adam", "alice", "bob", "charlie", "erin", "frank")
OF_FRANK = "evidence"  # compliance with a grant: he is bob everywhere else
FEW, MORE = 2, 9
# Documents that take seconds to lay out; what they ask is what the page of the same rows asks.
DRAWN = {"evaluation_report", "rollout_report"}

# Every page for six people, with few rows and with more: minutes where the cores are shared.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


def _addresses(camera, person):
    """Every address of the console that these objects can fill, by its name."""
    known = {
        "camera_id": camera.pk,
        "site_id": camera.site_id,
        "group_id": camera.groups.first().pk,
        "zone_id": camera.zones.first().pk,
        "event_id": Event.objects.filter(camera=camera).first().pk,
        "user_id": person.pk,
        "alert_id": camera.alerts.first().pk,
        "redaction_id": Redaction.objects.filter(state="done").first().pk,
        "purpose_id": camera.purposes.first().pk,
        "consent_id": camera.consents.first().pk,
        "case_id": Case.objects.first().pk,
        "evaluation_id": Evaluation.objects.filter(kind="compare").first().pk,
        "set_id": SetVersion.objects.filter(state="ready").first().pk,
        "pack_id": camera.evidence_packs.first().pk,
        "name": "verify.html",
        "version_id": ModelVersion.objects.order_by("first_seen_at").first().pk,
        "family_id": ModelFamily.objects.first().pk,
        "rollout_id": Rollout.objects.order_by("created_at")[0].pk,
    }
    found = {}
    for pattern in urls.urlpatterns:
        if pattern.name in DRAWN:
            continue
        arguments = {name: known[name] for name in pattern.pattern.converters if name in known}
        try:
            found[pattern.name] = reverse(f"console:{pattern.name}", kwargs=arguments)
        except NoReverseMatch:  # made of something that no row has, such as a test that runs
            continue
    return found


def _count(client, address):
    """Queries of a page; None where it does not open."""
    with CaptureQueriesContext(connection) as asked:
        if client.get(address).status_code != 200:
            return None
    return sum(_counts_everywhere(query["sql"]) for query in asked)


def _counts_everywhere(sql):
    """Not what only one database is asked, so that the table is the same on both.

    PostgreSQL is asked who owns the record (`owner_can_alter_record`); SQLite moves the record's head by a
    statement of its own, PostgreSQL in the one that writes the entry.
    """
    own = 'UPDATE "audit_audithead"'
    return not (sql.startswith(own) or any(name in sql for name in ("pg_class", "sqlite_master")))


def _counts(users, camera, person, *, opened):
    """What is asked once and then known is not counted; `opened`: each page was opened before."""
    addresses = _addresses(camera, person)
    counts = {}
    for name, user in users.items():
        client = Client()
        client.force_login(user)
        client.get("/")
        for page, address in addresses.items():
            if name == "frank" and not page.startswith(OF_FRANK):
                continue
            if not opened and client.get(address).status_code != 200:
                continue
            if (count := _count(client, address)) is not None:
                counts[f"{name} {page}"] = count
    return counts


@pytest.fixture(autouse=True)
def _quiet(caplog):
    """Refusals are half of the answers here."""
    caplog.set_level("ERROR", logger="django.request")


@pytest.fixture
def counted(request, adam, site_a, redis):
    """Counts with a few rows, and with more of everything."""
    users = {name: request.getfixturevalue(name) for name in PEOPLE}
    grant_give(acting_user=adam, user=users["frank"], site=site_a, permission="watch")
    camera = cameras_add(site_a, adam, FEW)[0]
    person = people_add(site_a, adam, FEW)[0]
    redactions_add(users["bob"], FEW)
    evaluations_add(FEW)
    cases_add(FEW)
    rollouts_add(users["erin"], FEW)
    few = _counts(users, camera, person, opened=False)
    cameras_add(site_a, adam, MORE)
    people_add(site_a, adam, MORE)
    redactions_add(users["bob"], MORE)
    evaluations_add(MORE)
    cases_add(MORE)
    rollouts_add(users["erin"], MORE)
    return few, _counts(users, camera, person, opened=True)


def _written(counts):
    return "".join(f"{page} {count}\n" for page, count in sorted(counts.items()))


def test_the_number_of_queries_is_on_file_and_does_not_grow(counted):
    few, more = counted
    grown = {page: (count, more[page]) for page, count in few.items() if more[page] != count}
    assert grown == {}, "these pages ask once per row"
    if "RECORD_QUERIES" in os.environ:
        TABLE.write_text(_written(more))
    assert _written(more) == TABLE.read_text()
