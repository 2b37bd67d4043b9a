"""On PostgreSQL the role that runs the product cannot alter the record, nor switch its triggers off."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.services import PostgresServer

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "runtime-password"

pytestmark = pytest.mark.database_neutral  # it starts a PostgreSQL of its own in either run


def manage(
    database_url: str, data_dir: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "VIDETTE_DATA_DIR": str(data_dir), "DATABASE_URL": database_url}
    variables |= more
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def runtime_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = PostgresServer().start()
    try:
        data_dir = tmp_path_factory.mktemp("roles")
        migrated = manage(server.url, data_dir, "migrate", "--noinput")
        assert migrated.returncode == 0, migrated.stderr[-2000:]
        without = manage(server.url, data_dir, "database_roles")
        assert "set VIDETTE_RUNTIME_PASSWORD" in without.stderr
        for _again in range(2):
            made = manage(server.url, data_dir, "database_roles", VIDETTE_RUNTIME_PASSWORD=PASSWORD)
            assert made.returncode == 0, made.stderr[-2000:]
        refused = manage(server.url, data_dir, "database_roles", "--runtime", "postgres")
        assert "expected another role" in refused.stderr
        with psycopg.connect(server.url, autocommit=True) as owner:
            owner.execute("CREATE ROLE broad; GRANT UPDATE ON audit_auditrecord TO broad")
            owner.execute("GRANT broad TO vidette_runtime")
            inherited = manage(server.url, data_dir, "database_roles")
            assert "still has UPDATE on audit_auditrecord" in inherited.stderr
            owner.execute("REVOKE broad FROM vidette_runtime")
        yield f"postgresql://vidette_runtime:{PASSWORD}@127.0.0.1:{server.port}/postgres"
    finally:
        server.stop()


def test_the_runtime_role_can_work(runtime_url: str, tmp_path: Path) -> None:
    made = manage(runtime_url, tmp_path, "shell", "-c", WRITE_ONE_RECORD)
    assert made.returncode == 0, made.stderr[-2000:]
    assert "written" in made.stdout
    signed = manage(runtime_url, tmp_path, "audit", "checkpoint")
    assert signed.returncode == 0, signed.stdout + signed.stderr[-2000:]
    verified = manage(runtime_url, tmp_path, "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr[-2000:]


WRITE_ONE_RECORD = """
from django.db import transaction
from apps.audit.services import record_change
with transaction.atomic():
    record_change(action="test.written", object_type="test", object_id="1")
print("written")
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditrecord SET action = 'forged'",
        "DELETE FROM audit_auditrecord",
        "TRUNCATE audit_auditrecord",
        "ALTER TABLE audit_auditrecord DISABLE TRIGGER ALL",
        "ALTER TABLE audit_auditrecord DISABLE TRIGGER audit_auditrecord_no_change",
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "DROP TABLE audit_auditrecord",
        "UPDATE audit_auditcheckpoint SET last = 0",
        "DELETE FROM audit_auditcheckpoint",
        "TRUNCATE audit_auditcheckpoint",
        "DELETE FROM audit_audithead",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('audit', 'forged', now())",
        "CREATE TABLE hiding_place (id int)",
        "SET session_replication_role = replica",
    ],
)
def test_the_runtime_role_cannot(runtime_url: str, statement: str) -> None:
    with psycopg.connect(runtime_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)
