"""The database's own refusal to change the record, for PostgreSQL and SQLite.

A table's owner can switch triggers off: on PostgreSQL the runtime role must not own the table
(docs/security.md); on SQLite the record is tamper-evident, not tamper-proof.
"""

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

RECORD = "audit_auditrecord"
HEAD = "audit_audithead"
CHECKPOINT = "audit_auditcheckpoint"
_MESSAGE = "the record is append-only"

_SQLITE_INSTALL = (
    f"CREATE TRIGGER {RECORD}_no_update BEFORE UPDATE ON {RECORD} "
    f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
    f"CREATE TRIGGER {RECORD}_no_delete BEFORE DELETE ON {RECORD} "
    f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
    # REPLACE deletes the old row without firing a delete trigger.
    f"CREATE TRIGGER {RECORD}_no_replace BEFORE INSERT ON {RECORD} "  # noqa: S608 - constants
    f"WHEN EXISTS (SELECT 1 FROM {RECORD} WHERE seq = NEW.seq OR hash = NEW.hash) "
    f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
    f"CREATE TRIGGER {HEAD}_only_forward BEFORE UPDATE ON {HEAD} "
    "WHEN NEW.id <> OLD.id OR NEW.seq <= OLD.seq "
    f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
    f"CREATE TRIGGER {HEAD}_no_delete BEFORE DELETE ON {HEAD} BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
    f"CREATE TRIGGER {HEAD}_no_replace BEFORE INSERT ON {HEAD} "  # noqa: S608 - constants
    f"WHEN EXISTS (SELECT 1 FROM {HEAD}) "
    f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
)
_SQLITE_REMOVE = tuple(
    f"DROP TRIGGER IF EXISTS {name}"
    for name in (
        f"{RECORD}_no_update",
        f"{RECORD}_no_delete",
        f"{RECORD}_no_replace",
        f"{HEAD}_only_forward",
        f"{HEAD}_no_delete",
        f"{HEAD}_no_replace",
    )
)
_POSTGRESQL_INSTALL = (
    f"CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'insufficient_privilege'; END $$",
    f"CREATE TRIGGER {RECORD}_no_change BEFORE UPDATE OR DELETE ON {RECORD} "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER {RECORD}_no_truncate BEFORE TRUNCATE ON {RECORD} "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER {HEAD}_only_forward BEFORE UPDATE ON {HEAD} FOR EACH ROW "
    "WHEN (NEW.id <> OLD.id OR NEW.seq <= OLD.seq) EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER {HEAD}_no_delete BEFORE DELETE ON {HEAD} FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER {HEAD}_no_truncate BEFORE TRUNCATE ON {HEAD} "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)
# The function stays: the histories of other apps (apps.audit.append_only) call it too.
_POSTGRESQL_REMOVE = tuple(
    f"DROP TRIGGER IF EXISTS {name} ON {table}"
    for table, name in (
        (RECORD, f"{RECORD}_no_change"),
        (RECORD, f"{RECORD}_no_truncate"),
        (HEAD, f"{HEAD}_only_forward"),
        (HEAD, f"{HEAD}_no_delete"),
        (HEAD, f"{HEAD}_no_truncate"),
    )
)
_SQLITE_CHECKPOINT = tuple(
    f"CREATE TRIGGER {CHECKPOINT}_no_{name} BEFORE {verb} ON {CHECKPOINT} {when}"
    f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
    for name, verb, when in (
        ("update", "UPDATE", ""),
        ("delete", "DELETE", ""),
        (
            "replace",
            "INSERT",
            f"WHEN EXISTS (SELECT 1 FROM {CHECKPOINT} WHERE number = NEW.number OR last = NEW.last) ",  # noqa: S608
        ),
    )
)
_SQLITE_CHECKPOINT_REMOVE = tuple(
    f"DROP TRIGGER IF EXISTS {CHECKPOINT}_no_{name}" for name in ("update", "delete", "replace")
)
_POSTGRESQL_CHECKPOINT = (
    f"CREATE TRIGGER {CHECKPOINT}_no_change BEFORE UPDATE OR DELETE ON {CHECKPOINT} "
    "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    f"CREATE TRIGGER {CHECKPOINT}_no_truncate BEFORE TRUNCATE ON {CHECKPOINT} "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)
_POSTGRESQL_CHECKPOINT_REMOVE = tuple(
    f"DROP TRIGGER IF EXISTS {CHECKPOINT}_no_{name} ON {CHECKPOINT}" for name in ("change", "truncate")
)
# Per database: install and remove those of the chain, install and remove those of the checkpoints.
_STATEMENTS = {
    "sqlite": (_SQLITE_INSTALL, _SQLITE_REMOVE, _SQLITE_CHECKPOINT, _SQLITE_CHECKPOINT_REMOVE),
    "postgresql": (
        _POSTGRESQL_INSTALL,
        _POSTGRESQL_REMOVE,
        _POSTGRESQL_CHECKPOINT,
        _POSTGRESQL_CHECKPOINT_REMOVE,
    ),
}


def triggers_install(connection: BaseDatabaseWrapper) -> None:
    chain_triggers_install(connection)
    checkpoint_triggers_install(connection)


def triggers_remove(connection: BaseDatabaseWrapper) -> None:
    """Takes the triggers away: for tests that empty the database or tamper with it."""
    checkpoint_triggers_remove(connection)
    chain_triggers_remove(connection)


def chain_triggers_install(connection: BaseDatabaseWrapper) -> None:
    _run(connection, _statements(connection)[0])


def chain_triggers_remove(connection: BaseDatabaseWrapper) -> None:
    _run(connection, _statements(connection)[1])


def checkpoint_triggers_install(connection: BaseDatabaseWrapper) -> None:
    _run(connection, _statements(connection)[2])


def checkpoint_triggers_remove(connection: BaseDatabaseWrapper) -> None:
    _run(connection, _statements(connection)[3])


def _statements(connection: BaseDatabaseWrapper) -> tuple[Sequence[str], ...]:
    if connection.vendor not in _STATEMENTS:
        raise NotImplementedError(
            f"the record needs triggers: expected PostgreSQL or SQLite, got {connection.vendor}"
        )
    return _STATEMENTS[connection.vendor]


def _run(connection: BaseDatabaseWrapper, statements: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
