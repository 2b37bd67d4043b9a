"""`manage.py database_roles`: the database role that runs the product and cannot alter the record.

A table's owner can switch its triggers off. So the owner migrates, and the processes run as another role,
which may add entries to the record and read them, and nothing more.
"""

import os
import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql

PASSWORD_VARIABLE = "VIDETTE_RUNTIME_PASSWORD"  # noqa: S105 - the name of a variable
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_APPEND_ONLY = ("audit_auditrecord", "audit_auditcheckpoint")
_HEAD = "audit_audithead"
_MIGRATIONS = "django_migrations"
_GRANTS = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "REVOKE CREATE ON SCHEMA public FROM {role}",
    "GRANT USAGE ON SCHEMA public TO {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    f"REVOKE ALL ON {_MIGRATIONS}, {_HEAD}, {', '.join(_APPEND_ONLY)} FROM {{role}}",
    f"GRANT SELECT ON {_MIGRATIONS} TO {{role}}",
    f"GRANT SELECT, UPDATE ON {_HEAD} TO {{role}}",
    f"GRANT SELECT, INSERT ON {', '.join(_APPEND_ONLY)} TO {{role}}",
)
_FORBIDDEN = {
    **dict.fromkeys(_APPEND_ONLY, ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")),
    _HEAD: ("DELETE", "TRUNCATE", "TRIGGER"),
    _MIGRATIONS: ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
}


class Command(BaseCommand):
    help = (
        "Makes or updates the PostgreSQL role that runs the product and cannot alter the record. Run it as "
        "the owner of the tables, after every `migrate`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--runtime", default="vidette_runtime", help="name of the role")

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["runtime"]
        if connection.vendor != "postgresql":
            raise CommandError(
                "SQLite has no roles: there the record is tamper-evident, not tamper-proof. "
                "Set DATABASE_URL to PostgreSQL, as the owner of the tables."
            )
        if not _NAME.fullmatch(role):
            raise CommandError(f"--runtime: expected small letters, digits and _, got {role!r}")
        with transaction.atomic():
            self._make(role)
            for grant in _GRANTS:
                _run(grant, role)
            _check(role)
        self.stdout.write(
            f"{role} runs the product: it adds to the record and reads it, and can neither change, delete "
            "nor empty it, nor switch its triggers off."
        )

    def _make(self, role: str) -> None:
        if role == _one("SELECT current_user"):
            raise CommandError("--runtime: expected another role than the one that owns the tables")
        password = os.environ.get(PASSWORD_VARIABLE, "")
        exists = _one("SELECT 1 FROM pg_roles WHERE rolname = %s", role)
        if not exists and not password:
            raise CommandError(f"{role} does not exist yet: set {PASSWORD_VARIABLE} to the password it gets.")
        if not exists:
            _run("CREATE ROLE {role} LOGIN", role)
        if password:
            _run("ALTER ROLE {role} PASSWORD {password}", role, password=sql.Literal(password))
        if _one("SELECT rolsuper OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = %s", role):
            raise CommandError(f"{role} is a superuser or may replicate: it could alter everything.")


def _check(role: str) -> None:
    """What was granted on other ways, through a group for example, is found and refused."""
    for table, rights in _FORBIDDEN.items():
        for right in rights:
            if _one("SELECT has_table_privilege(%s, %s, %s)", role, table, right):
                raise CommandError(
                    f"{role} still has {right} on {table}, by a group or by PUBLIC: take it away."
                )
        if _one(
            "SELECT pg_has_role(%s, relowner, 'USAGE') FROM pg_class WHERE oid = %s::regclass", role, table
        ):
            raise CommandError(f"{role} is the owner of {table}, or a member of its owner.")


def _one(query: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    return row[0] if row else None


def _run(statement: str, role: str, **parts: sql.Composable) -> None:
    composed = sql.SQL(statement).format(role=sql.Identifier(role), **parts)
    with connection.cursor() as cursor:
        cursor.execute(composed.as_string(connection.connection))
