"""What the pages show of leases."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from apps.cameras.models import Camera
from apps.dispatch.models import LeaseChange


def lease_newest(camera: Camera) -> LeaseChange | None:
    """What the newest lease of a camera allows; None for one that never had a lease."""
    return LeaseChange.objects.filter(camera=camera).order_by("-revision").first()


def lease_changes(cameras: Iterable[Camera], *, since: datetime | None = None) -> QuerySet[LeaseChange]:
    """What changed in the leases of cameras and when the data plane obeyed, newest first."""
    rows = LeaseChange.objects.filter(camera__in=[camera.pk for camera in cameras]).select_related(
        "camera__site"
    )
    if since is not None:
        rows = rows.filter(issued_at__gte=since)
    return rows.order_by("-issued_at", "-pk")
