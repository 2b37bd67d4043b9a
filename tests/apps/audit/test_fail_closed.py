"""With the record made read-only no protected action does or shows anything: 503, with the reason.

Generated from the permission matrix: a new address that changes something or shows people has to be here.
"""

import json
from functools import cache
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.db import connection, transaction
from django.test import Client

from apps.cameras.models import CameraGroup
from apps.cameras.services import grant_give
from apps.retention.selectors import default_class
from tests.apps.api.conftest import made_world, world  # noqa: F401 - fixtures
from tests.apps.api.matrix import ROWS, Row
from tests.apps.api.test_matrix import _ARGUMENT
from tests.apps.audit.actions import API, JPEG_UPLOAD, JSON_PAGES, NOT_REACHED, PAGES, QUERIES, WITHOUT_RECORD
from tests.apps.audit.states import STATES

SHOWS_NOBODY = {
    # Versions, shares and figures; which camera had which settings.
    *(f"api/v1/{route}" for route in (
        "rollouts", "rollouts/<uuid:rollout_id>", "rollouts/<uuid:rollout_id>/report",
        "rollouts/<uuid:rollout_id>/looks", "serving", "serving/history", "cameras/<uuid:camera_id>/served",
    )),
    *(f"rollouts/{route}" for route in ("", "add/")),
    *(f"rollouts/<uuid:rollout_id>/{route}" for route in ("", "live/", "series.json", "report.pdf")),
    "cameras/<uuid:camera_id>/served/",
    # What cameras, models and people of the installation are called: no picture, no event, no reading.
    *(f"api/v1/{route}" for route in (
        "sites", "sites/<uuid:site_id>", "groups", "groups/<uuid:group_id>", "cameras",
        "cameras/<uuid:camera_id>", "cameras/<uuid:camera_id>/zones",
        "cameras/<uuid:camera_id>/zones/<uuid:zone_id>", "cameras/<uuid:camera_id>/cascades",
        "probes/<uuid:probe_id>", "streams",
        "streams/<uuid:camera_id>", "models", "models/<uuid:version_id>", "stages",
        "model-families", "model-families/<uuid:family_id>",
        "evaluations", "evaluations/<uuid:evaluation_id>", "evaluations/<uuid:evaluation_id>/result",
        "labelled-sets", "labelled-sets/<uuid:set_id>", "labelled-sets/<uuid:set_id>/pictures",
    )),
    "", "live/", "cameras/", "cameras/add/", "cameras/test/<uuid:probe_id>/", "cameras/<uuid:camera_id>/",
    "cameras/<uuid:camera_id>/edit/", "cameras/<uuid:camera_id>/zones/add/",
    "cameras/<uuid:camera_id>/zones/<uuid:zone_id>/", "sites/add/", "sites/<uuid:site_id>/",
    "sites/<uuid:site_id>/groups/add/", "groups/<uuid:group_id>/", "models/",
    "models/upload/", "models/families/", "models/families/add/", "models/cascades/", "models/cascades/add/",
    "cameras/<uuid:camera_id>/cascades/add/", "cameras/<uuid:camera_id>/cascades/<uuid:cascade_id>/",
    "models/families/<uuid:family_id>/", "models/<uuid:version_id>/",
    "models/<uuid:version_id>/checks/", "people/", "people/add/",
    # Figures and names of pictures; the pictures themselves and replays of cameras are on record.
    "models/<uuid:version_id>/speed/", "evaluations/", "evaluations/sets/<uuid:set_id>/",
    *(f"evaluations/<uuid:evaluation_id>/{part}" for part in ("", "state/", "report.pdf")),
    "people/<uuid:user_id>/", "tokens/add/", "health/", "integrate/",
    # Rules, registers and work lists: what they lead to, pictures and people, is recorded when it is opened.
    *(f"api/v1/{route}" for route in (
        "cameras/<uuid:camera_id>/segments", "cameras/<uuid:camera_id>/leaks", "alerts",
        "alerts/<uuid:alert_id>", "purposes", "purposes/<uuid:purpose_id>",
        "purposes/<uuid:purpose_id>/versions", "bases", "cameras/<uuid:camera_id>/basis",
        "cameras/<uuid:camera_id>/leases", "redactions", "redactions/<uuid:redaction_id>", "evidence",
        "evidence/<uuid:pack_id>",
    )),
    "evidence/", "evidence/add/", "evidence/verifiers/<str:name>", "evidence/<uuid:pack_id>/",
    "cameras/<uuid:camera_id>/evidence/",
    "duties/", "audit-pack/", "cameras/<uuid:camera_id>/recordings/", "unmasking/",
    "cameras/<uuid:camera_id>/unmask/",
    "unmasking/<uuid:request_id>/", "retention/", "retention/classes/add/",
    "retention/classes/<slug:code>/", "cameras/<uuid:camera_id>/retention/",
    "cameras/<uuid:camera_id>/holds/add/", "redactions/", "redactions/rows/",
    "redactions/<uuid:redaction_id>/", "purposes/", "purposes/add/", "purposes/<uuid:purpose_id>/",
    "purposes/<uuid:purpose_id>/edit/", "consents/add/", "cases/add/",
    # The form of a search alone; a search is tried in tests/apps/cases.
    "cases/<uuid:case_id>/find/", "alerts/", "alerts/<uuid:alert_id>/",
}  # fmt: skip


def make_read_only() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            refuse = "BEGIN SELECT RAISE(ABORT, 'the record is read-only'); END"
            cursor.execute(f"CREATE TRIGGER record_read_only BEFORE INSERT ON audit_auditrecord {refuse}")
        else:
            cursor.execute(
                "CREATE TRIGGER record_read_only BEFORE INSERT ON audit_auditrecord "
                "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
            )


def ask(client: Client, row: Row, kwargs: dict[str, Any]):
    path = "/" + _ARGUMENT.sub(lambda match: str(kwargs[match[1]]), row.route)
    purpose = {"X-Vidette-Purpose": "test"}
    if row.method == "GET":
        return client.get(path, headers=purpose)
    if row.route in JSON_PAGES:
        return client.post(path, PAGES[row.route](kwargs), content_type="application/json")
    if not row.route.startswith("api/"):
        path += QUERIES.get(row.route, lambda _: "")(kwargs)
        return client.post(path, PAGES.get(row.route, lambda _: {})(kwargs))
    if row.route == "api/v1/frames":
        return client.post(path, JPEG_UPLOAD, content_type="image/jpeg", headers=purpose)
    body = API.get(f"{row.method} {row.route.removeprefix('api/v1/')}", lambda _: {})(kwargs)
    if row.method == "DELETE" and "version" in body:
        path += f"?version={body['version']}"
    return client.generic(
        row.method, path, json.dumps(body), content_type="application/json", headers=purpose
    )


def is_protected(row: Row) -> bool:
    if row.method == "GET":
        return row.route not in SHOWS_NOBODY
    return str(row) not in WITHOUT_RECORD and str(row) not in NOT_REACHED


@cache
def _count_them() -> tuple[list[str], str]:
    """Every table of the product but the record, which refuses by itself, counted in one question."""
    ours = [app for app in django_apps.get_app_configs() if app.name.startswith("apps.")]
    models = [model for app in ours if app.label != "audit" for model in app.get_models()]
    tables = [model._meta.db_table for model in models if model._meta.managed]
    counts = ", ".join(f"(SELECT COUNT(*) FROM {connection.ops.quote_name(table)})" for table in tables)
    return tables, f"SELECT {counts}"


def row_counts() -> dict[str, int]:
    tables, question = _count_them()
    with connection.cursor() as cursor:
        cursor.execute(question)
        return dict(zip(tables, cursor.fetchone(), strict=True))


@pytest.fixture
def read_only(world):  # noqa: F811
    own, people = world.own, world.people
    clients = {}
    for name, user in people.items():
        clients[name] = Client(raise_request_exception=False)
        clients[name].force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    group = CameraGroup.objects.get(pk=own.kwargs["group_id"])
    grant_give(acting_user=people["adam"], user=people["erin"], group=group, permission="watch")
    default_class()  # the one row that reading may make
    make_read_only()
    return clients, own.kwargs


@pytest.mark.parametrize("part", ["api/v1/", "pages"])
def test_without_a_record_every_protected_action_answers_503(read_only, part):
    clients, kwargs = read_only
    wrong = []
    for row in ROWS:
        if not row.own:
            continue
        if row.route.startswith("api/v1/") != (part == "api/v1/") or not is_protected(row):
            continue
        with transaction.atomic():
            client = clients[row.own.split()[0]]
            found = kwargs | (STATES.get(str(row), lambda *_: None)(kwargs, client) or {})
            before = row_counts()
            response = ask(client, row, found)
            content = b"" if response.streaming else response.content
            if response.status_code != 503 or b"record cannot be written" not in content:
                wrong.append(f"{row}: {response.status_code} {content[:200]!r}")
            elif row_counts() != before:
                wrong.append(f"{row}: answered 503, but something was stored or deleted")
            transaction.set_rollback(True)
    hint = "no record and no 503; a new action needs a body in tests/apps/audit/actions.py:\n"
    assert not wrong, hint + "\n".join(wrong)


def test_what_shows_nobody_and_what_writes_nothing_is_in_the_matrix():
    routes = {row.route for row in ROWS}
    assert routes >= SHOWS_NOBODY
    assert {str(row) for row in ROWS} >= WITHOUT_RECORD.keys()
    assert {str(row) for row in ROWS} >= NOT_REACHED.keys()
    assert routes >= PAGES.keys()
    assert {str(row) for row in ROWS} >= STATES.keys()
