"""Celery of the control plane: short housekeeping on the queue `control`, and the clock that starts it."""

import os
from typing import Any

from celery import Celery, bootsteps
from celery.worker.consumer import Consumer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

app = Celery("vidette")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class LoopTurns(bootsteps.StartStopStep):
    """The worker's heartbeat hangs on the timer of the loop that takes the tasks: it stops with that loop."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Consumer, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._entry: Any = None

    def start(self, consumer: Consumer) -> None:
        # Deferred: the settings are read when the worker starts, not when its tasks are imported.
        from apps.core.heartbeat import HEARTBEAT_EVERY_S, Heart

        node = str(consumer.hostname).partition("@")[0]
        heart = Heart("control" if node in ("control", "celery") else f"control-{node}")
        heart.beat()
        self._entry = consumer.timer.call_repeatedly(HEARTBEAT_EVERY_S, heart.beat)

    def stop(self, consumer: Consumer) -> None:
        """The consumer starts its steps again after each loss of the broker."""
        if self._entry is not None:
            self._entry.cancel()

    shutdown = stop


app.steps["consumer"].add(LoopTurns)
