"""Lets transactional tests empty the database although the record refuses deletion.

Django flushes all tables after such a test. The triggers that refuse it are taken away for that moment and
put back, and the chain is opened again, as `migrate` does it in a new database.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def record_survives_flush() -> Iterator[None]:
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        yield
        return
    from django.apps import apps as django_apps
    from django.db import connection
    from django.test import TransactionTestCase

    from apps.audit.append_only import protect, unprotect
    from apps.audit.models import AuditHead
    from apps.audit.triggers import triggers_install, triggers_remove
    from apps.dispatch.history import LEASE_CHANGES
    from apps.rollouts.append_only import HISTORIES

    open_chain = import_module("apps.audit.migrations.0002_chain").open_chain
    histories = (LEASE_CHANGES, *HISTORIES)
    flush = TransactionTestCase._fixture_teardown

    def flush_and_reopen(test_case: Any) -> None:
        for history in histories:  # their triggers call a function that goes with the record's
            unprotect(connection, history)
        triggers_remove(connection)
        flush(test_case)
        if not AuditHead.objects.exists():
            open_chain(django_apps, None)
        triggers_install(connection)
        for history in histories:
            protect(connection, history)

    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", flush_and_reopen)
    yield
    patch.undo()
