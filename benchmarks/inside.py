"""What the benchmark changes in its installation, through the product's own services."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

from django.db.models import Count  # noqa: E402 - after django.setup

from apps.accounts.models import User  # noqa: E402
from apps.cameras.models import Camera  # noqa: E402
from apps.cameras.services import camera_create, camera_disable, camera_update  # noqa: E402
from apps.consent.seeding import trial_purpose_add  # noqa: E402
from apps.detections.accounts import accounting_of  # noqa: E402
from apps.detections.models import Event  # noqa: E402
from apps.redactions.models import Redaction  # noqa: E402


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


def cameras() -> None:
    """Id, site and clip of every camera, one per line."""
    for camera in Camera.objects.select_related("site").order_by("created_at"):
        sys.stdout.write(f"{camera.pk}\t{camera.site.name}\t{camera.name}\n")


def events() -> None:
    """Id of a camera, class and number of its events, one per line."""
    rows = Event.objects.values_list("camera_id", "label").annotate(Count("pk"))
    for camera_id, label, number in rows.order_by("camera_id", "label"):
        sys.stdout.write(f"{camera_id}\t{label}\t{number}\n")


def accounts() -> None:
    """Id of a camera, whether its account balances, captured, analysed, skipped, lost, in flight."""
    cameras = list(Camera.objects.order_by("created_at"))
    for camera, found in zip(cameras, accounting_of(cameras), strict=True):
        skipped, lost = sum(found.skipped.values()), sum(found.lost.values())
        counts = (found.captured, found.analysed, skipped, lost, found.in_flight)
        balances = found.captured == found.analysed + skipped + lost + found.in_flight
        sys.stdout.write("\t".join([str(camera.pk), str(int(balances)), *map(str, counts)]) + "\n")


def redaction(key: str) -> None:
    """What became of a redaction, as JSON."""
    row = Redaction.objects.get(pk=key)
    steps = list(row.steps.order_by("key"))
    facts = {
        "state": row.state, "sha256": row.result.get("sha256", ""), "steps": len(steps),
        "begun": sum(step.attempts for step in steps), "keys": [[step.key, step.state] for step in steps],
    }  # fmt: skip
    sys.stdout.write(json.dumps(facts))


def _adam() -> User:
    return User.objects.get(username="adam")


ACTIONS = {
    "analyse": analyse,
    "disable": disable,
    "idle": idle,
    "watched": watched,
    "cameras": cameras,
    "events": events,
    "accounts": accounts,
    "redaction": redaction,
}

if __name__ == "__main__":
    ACTIONS[sys.argv[1]](*sys.argv[2:])
