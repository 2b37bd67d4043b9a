"""What the benchmark changes in its installation, through the product's own services."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

from apps.accounts.models import User  # noqa: E402 - after django.setup
from apps.cameras.models import Camera  # noqa: E402
from apps.cameras.services import camera_create, camera_disable, camera_update  # noqa: E402
from apps.consent.seeding import trial_purpose_add  # noqa: E402


def analyse(fps: str) -> None:
    """Every camera that is on is analysed at `fps`."""
    for camera in Camera.objects.filter(enabled=True):
        camera_update(
            acting_user=_adam(),
            camera=camera,
            version=camera.version,
            changes={"analysis_fps": float(fps)},
        )


def disable() -> None:
    for camera in Camera.objects.filter(enabled=True):
        camera_disable(acting_user=_adam(), camera=camera, version=camera.version, reason="benchmark")


def idle(count: str, clip: str) -> None:
    """Cameras in whose pictures nothing happens."""
    site = Camera.objects.earliest("created_at").site
    for number in range(int(count)):
        camera = camera_create(acting_user=_adam(), site=site, name=f"Still {number}", kind="file", url=clip)
        # Without an entry in the register of purposes nothing is looked at, and idle costs nothing.
        trial_purpose_add(User.objects.get(username="bob"), camera)


def watched() -> None:
    """The id of a camera that alice may watch."""
    camera = Camera.objects.filter(enabled=True, site__name="Harbour office").earliest("created_at")
    sys.stdout.write(str(camera.pk))


def _adam() -> User:
    return User.objects.get(username="adam")


ACTIONS = {"analyse": analyse, "disable": disable, "idle": idle, "watched": watched}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](*sys.argv[2:])
