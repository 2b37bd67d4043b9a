"""What the pages show of leases."""

from apps.cameras.models import Camera
from apps.dispatch.models import LeaseChange


def lease_newest(camera: Camera) -> LeaseChange | None:
    """What the newest lease of a camera allows; None for one that never had a lease."""
    return LeaseChange.objects.filter(camera=camera).order_by("-revision").first()
