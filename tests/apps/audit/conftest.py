"""Ways to tamper with the record that the product itself does not have."""

from collections.abc import Iterator

import pytest
from django.db import connection

from apps.audit.triggers import triggers_install, triggers_remove


@pytest.fixture
def without_triggers(db: None) -> Iterator[None]:
    """The owner of the tables has switched the triggers off."""
    triggers_remove(connection)
    yield
    if not connection.needs_rollback:
        triggers_install(connection)
