"""A request of a person, and what the house holds about that person."""

from datetime import timedelta

import pytest

from tests.apps.evaluations.conftest import versions, worker  # noqa: F401 - fixtures
from tests.apps.recordings.conftest import apply, no_record, recorded  # noqa: F401 - fixtures
from tests.apps.retention.conftest import seen  # noqa: F401 - a fixture


@pytest.fixture
def case(bob):
    """Makes a request that came some days ago, entered by bob, with the identity confirmed."""
    from apps.cases.services import Received, case_open, identity_check
    from apps.core.clock import now

    def make(kind="access", days=2.0, confirmed=True, **more):
        received = Received(
            kind, now() - timedelta(days=days), "letter", "Blue coat, Tuesday noon, the lobby", **more
        )
        made = case_open(acting_user=bob, received=received)
        if confirmed:
            identity_check(
                acting_user=bob, case=made, version=made.version, method="document", outcome="confirmed"
            )
        return made

    return make
