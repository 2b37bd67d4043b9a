"""The database's own refusal to change a table of history, for tables beside the record.

The same triggers as those of the record (`apps.audit.triggers`), for PostgreSQL and SQLite. A migration that
rebuilds such a table on SQLite drops them: put `protect` after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

MESSAGE = "this history is append-only"


@dataclass(frozen=True, slots=True)
class History:
    """A table whose rows stay as they were written.

    Attributes:
        keys: sets of columns that are unique; on SQLite `REPLACE` would delete by them without a trigger.
        once: a column that may be set while it is NULL; empty for none.
    """

    table: str
    keys: tuple[tuple[str, ...], ...]
    once: str = ""


def protect(connection: BaseDatabaseWrapper, history: History) -> None:
    """Raises NotImplementedError for a database that has no such triggers here."""
    _run(connection, _statements(connection, history))


def unprotect(connection: BaseDatabaseWrapper, history: History) -> None:
    """For tests that empty the database, and for going back in migrations."""
    on = f" ON {history.table}" if connection.vendor == "postgresql" else ""
    _run(connection, (f"DROP TRIGGER IF EXISTS {name}{on}" for name in _names(connection, history)))


def _names(connection: BaseDatabaseWrapper, history: History) -> list[str]:
    suffixes = ["no_update", "no_delete"]
    if connection.vendor == "postgresql":
        suffixes.append("no_truncate")
    else:
        suffixes += [f"no_replace_{number}" for number in range(len(history.keys))]
    return [f"{history.table}_{suffix}" for suffix in suffixes]


def _statements(connection: BaseDatabaseWrapper, history: History) -> Iterator[str]:
    if connection.vendor == "postgresql":
        return _postgresql(history)
    if connection.vendor == "sqlite":
        return _sqlite(connection, history)
    raise NotImplementedError(
        f"histories need triggers: expected PostgreSQL or SQLite, got {connection.vendor}"
    )


def _postgresql(history: History) -> Iterator[str]:
    """`audit_refuse` is made by the record's own migration."""
    table, once = history.table, history.once
    unless = (
        f"WHEN (OLD.{once} IS NOT NULL OR NEW.{once} IS NULL "
        f"OR (to_jsonb(OLD) - '{once}') IS DISTINCT FROM (to_jsonb(NEW) - '{once}')) "
        if once
        else ""
    )
    for verb, condition in (("update", unless), ("delete", "")):
        yield (
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} FOR EACH ROW "
            f"{condition}EXECUTE FUNCTION audit_refuse()"
        )
    yield (
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )


def _sqlite(connection: BaseDatabaseWrapper, history: History) -> Iterator[str]:
    table, once = history.table, history.once
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    unless = ""
    if once:
        same = " AND ".join(
            f"OLD.{name} IS NEW.{name}" for name in _columns(connection, table) if name != once
        )
        unless = f"WHEN NOT (OLD.{once} IS NULL AND NEW.{once} IS NOT NULL AND {same}) "
    yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {unless}{refuse}"
    yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}"
    for number, key in enumerate(history.keys):
        taken = " AND ".join(f"{name} = NEW.{name}" for name in key)
        yield (
            f"CREATE TRIGGER {table}_no_replace_{number} BEFORE INSERT ON {table} "  # noqa: S608 - our names
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken}) {refuse}"
        )


def _columns(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _run(connection: BaseDatabaseWrapper, statements: Iterator[str]) -> None:
    sentences = list(statements)
    with connection.cursor() as cursor:
        for statement in sentences:
            cursor.execute(statement)
