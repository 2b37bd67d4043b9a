"""Number of pictures that went out = number of access rows: every address that answers with one is walked."""

from django.test import Client

from apps.audit.models import AuditRecord, RecordKind
from tests.apps.api.conftest import made_world, world  # noqa: F401 - fixtures
from tests.apps.api.matrix import ROWS
from tests.apps.audit.test_fail_closed import ask

PICTURES = ("image/", "video/")
# Live pictures go over the websocket and are counted in tests/live/test_viewing.py, what a grant of unmasking
# shows in tests/apps/unmasking. These are known to answer with a picture; a new one is found by its type.
KNOWN = {
    "api/v1/events/<uuid:event_id>/snapshot", "events/<uuid:event_id>/snapshot.jpg",
    "api/v1/readings/<uuid:reading_id>/snapshot",
    "api/v1/probes/<uuid:probe_id>/preview", "cameras/test/<uuid:probe_id>/preview.jpg",
    "api/v1/segments/<uuid:segment_id>/video", "recordings/<uuid:segment_id>.mp4",
    "api/v1/work/<uuid:work_id>/picture",
    "api/v1/redactions/<uuid:redaction_id>/result", "redactions/<uuid:redaction_id>/result",
}  # fmt: skip


def test_every_picture_has_its_access_row(world):  # noqa: F811
    own, people = world.own, world.people
    pictures = set()
    for row in [row for row in ROWS if row.method == "GET"]:
        for name in row.own.split():
            client = Client(raise_request_exception=False)
            client.force_login(people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
            before = AuditRecord.objects.count()
            response = ask(client, row, own.kwargs)
            if not response.headers.get("Content-Type", "").startswith(PICTURES):
                continue
            assert response.status_code in (200, 206), str(row)
            pictures.add(row.route)
            (entry,) = AuditRecord.objects.filter(seq__gte=before, kind=RecordKind.ACCESS)
            assert entry.request_id == response["X-Request-ID"], str(row)
            assert (entry.actor_name, entry.redacted) == (name, True), str(row)
            assert entry.actor_role, str(row)
            assert entry.purpose, str(row)
            assert entry.address == "127.0.0.1", str(row)
            assert "no-store" in response["Cache-Control"], f"{row}: a cache would answer in our place"
    assert pictures >= KNOWN


def test_a_refused_picture_leaves_a_refusal_and_no_access(world):  # noqa: F811
    own, people = world.own, world.people
    client = Client(raise_request_exception=False)
    client.force_login(people["charlie"], backend="allauth.account.auth_backends.AuthenticationBackend")
    before = AuditRecord.objects.count()
    for row in [row for row in ROWS if row.method == "GET" and "snapshot" in row.route]:
        assert ask(client, row, own.kwargs).status_code == 404
    kinds = list(AuditRecord.objects.filter(seq__gte=before).values_list("kind", flat=True))
    assert kinds == [RecordKind.REFUSAL] * 3
