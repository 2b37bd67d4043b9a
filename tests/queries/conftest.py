"""The fixed cast of the control plane's tests."""

from tests.apps.conftest import adam, alice, bob, charlie, erin, frank, redis, site_a  # noqa: F401
