"""Ways to tamper with the record that the product itself does not have."""

import pytest
from django.db import connection

from apps.audit.triggers import triggers_remove


@pytest.fixture
def without_triggers(db: None) -> None:
    """The owner of the tables has switched the triggers off; the end of the test puts them back."""
    triggers_remove(connection)
