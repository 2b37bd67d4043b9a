"""Lets transactional tests empty the database although the record refuses deletion.

Django flushes all tables after such a test. The triggers that refuse it are taken away for that moment and
put back, and the chain is opened again, as `migrate` does it in a new database.
"""

import os
import time
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
    from django.core.management import CommandError
    from django.db import OperationalError, connection
    from django.test import TransactionTestCase

    from apps.audit.append_only import protect, unprotect
    from apps.audit.models import AuditHead
    from apps.audit.triggers import triggers_install, triggers_remove
    from apps.dispatch.history import LEASE_CHANGES
    from apps.rollouts.append_only import HISTORIES

    open_chain = import_module("apps.audit.migrations.0002_chain").open_chain
    histories = (LEASE_CHANGES, *HISTORIES)
    flush = TransactionTestCase._fixture_teardown

    def empty(test_case: Any, tries: int = 5) -> None:
        """A server under test may be writing at this moment: of a deadlock PostgreSQL ends one side."""
        try:
            for history in histories:
                unprotect(connection, history)
            triggers_remove(connection)
            flush(test_case)
        except (CommandError, OperationalError):
            if tries == 1:
                raise
            time.sleep(0.2)
            empty(test_case, tries - 1)

    def flush_and_reopen(test_case: Any) -> None:
        empty(test_case)
        if not AuditHead.objects.exists():
            open_chain(django_apps, None)
        triggers_install(connection)
        for history in histories:
            protect(connection, history)

    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", flush_and_reopen)
    yield
    patch.undo()
