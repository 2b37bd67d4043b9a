"""The clock of the control plane: Celery's, which says at every turn that it turns."""

from typing import Any

from celery.beat import PersistentScheduler

from apps.core.heartbeat import Heart


class Clock(PersistentScheduler):
    """Turns at least once per `CELERY_BEAT_MAX_LOOP_INTERVAL`, and sends one task per turn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._heart = Heart("beat")
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        self._heart.beat()
        return float(super().tick(*args, **options))
