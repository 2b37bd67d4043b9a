"""What the pages of a camera and of an alert say of second looks."""

from typing import Any

from apps.accounts.models import User
from apps.accounts.roles import Capability, user_can
from apps.cameras.models import Camera
from apps.core.clock import now
from apps.monitoring.leaks import WINDOW, leak_figures
from apps.monitoring.selectors import leak_guard


def leaks_shown(user: User, camera: Camera) -> dict[str, Any]:
    return {
        "leaks_day": leak_figures(camera, now() - WINDOW),
        "leaks_all": leak_figures(camera),
        "guard": leak_guard(camera),
        "may_review": user_can(user, Capability.REVIEW_LEAKS),
    }
