"""People of every role, and a service account. Models are imported late: settings come after this file."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from apps.accounts.models import User

PASSWORD = "correct-horse-battery"
ROLES = {
    "alice": "operator",
    "bob": "compliance",
    "charlie": "operator",
    "erin": "model_owner",
    "adam": "administrator",
    "service": "integrator",
}


@pytest.fixture
def cast(db: None) -> "dict[str, User]":
    from apps.accounts.models import User

    return {name: User.objects.create_user(name, None, PASSWORD, role=role) for name, role in ROLES.items()}


@pytest.fixture
def adam(cast: "dict[str, User]") -> "User":
    return cast["adam"]


@pytest.fixture
def alice(cast: "dict[str, User]") -> "User":
    return cast["alice"]


@pytest.fixture
def charlie(cast: "dict[str, User]") -> "User":
    return cast["charlie"]


@pytest.fixture
def bob(cast: "dict[str, User]") -> "User":
    return cast["bob"]
