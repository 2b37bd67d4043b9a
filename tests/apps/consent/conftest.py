"""A consent and what it takes to make one."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.apps.consent.entries import CONSENT

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.cameras.models import Camera
    from apps.consent.models import Consent


@pytest.fixture
def bare_camera(adam: "User", site_a: Any) -> "Camera":
    """A camera of which the register knows nothing."""
    from apps.cameras.services import camera_create

    return camera_create(acting_user=adam, site=site_a, name="Yard", kind="synthetic", url="clock")


@pytest.fixture
def consent(bob: "User", bare_camera: "Camera") -> "Consent":
    from apps.consent.services import consent_record

    return consent_record(
        acting_user=bob, fields=CONSENT, reference="S-ONE", contact="one@example.org", cameras=[bare_camera]
    )
