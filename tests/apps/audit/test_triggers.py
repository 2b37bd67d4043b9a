"""The database itself refuses to change the record, whatever Python does."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit import services as audit
from apps.audit.models import AuditHead, AuditRecord
from apps.audit.selectors import chain_verify

pytestmark = pytest.mark.django_db

STATEMENTS = [
    "UPDATE audit_auditrecord SET actor_name = 'nobody'",
    "UPDATE audit_auditrecord SET hash = previous_hash WHERE seq = 1",
    "DELETE FROM audit_auditrecord WHERE seq = 1",
    "DELETE FROM audit_auditrecord",
    "UPDATE audit_audithead SET seq = 0",
    "UPDATE audit_audithead SET hash = ''",
    "DELETE FROM audit_audithead",
    "INSERT INTO audit_audithead (id, seq, hash) VALUES (1, 99, '')",
]
ONLY = {
    "sqlite": [
        "REPLACE INTO audit_auditrecord SELECT * FROM audit_auditrecord WHERE seq = 1",
        "REPLACE INTO audit_audithead (id, seq, hash) VALUES (1, 0, '')",
    ],
    "postgresql": ["TRUNCATE audit_auditrecord", "TRUNCATE audit_audithead CASCADE"],
}


@pytest.fixture(autouse=True)
def _two_records():
    for number in ("1", "2"):
        audit.record_change(action="site.create", object_type="site", object_id=number)


@pytest.mark.parametrize("statement", [*STATEMENTS, *ONLY[connection.vendor]])
def test_raw_sql_is_refused(statement):
    before = list(AuditRecord.objects.values_list())
    with (
        pytest.raises(DatabaseError, match=r"append-only|duplicate key"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert list(AuditRecord.objects.values_list()) == before
    assert chain_verify().ok


@pytest.mark.parametrize("model", [AuditRecord, AuditHead])
def test_the_base_manager_is_refused(model):
    with pytest.raises(DatabaseError), transaction.atomic():
        model._base_manager.filter(pk=1).update(hash="0" * 64)
    with pytest.raises(DatabaseError), transaction.atomic():
        model._base_manager.all().delete()


def test_saving_and_deleting_a_row_is_refused():
    record = AuditRecord.objects.get(seq=1)
    record.purpose = "none"
    with pytest.raises(DatabaseError), transaction.atomic():
        record.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        record.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditRecord.objects.bulk_update([record], ["purpose"])


def test_the_next_record_is_still_written():
    assert audit.record_change(action="site.create", object_type="site", object_id="3").seq == 3
