"""The way to the data plane's queue.

A Celery application of its own: Celery's 'current app' belongs to a thread, and requests run in threads
that never saw the application of the control worker.
"""

from functools import cache

from celery import Celery

from inference_workers.contracts.names import QUEUE_GPU


@cache
def _sender() -> Celery:
    app = Celery("vidette-dispatch", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app


def gpu_send(task: str, message: str, *, expires_s: float) -> None:
    """Put one task into the GPU queue. Raises kombu's OperationalError when the broker is away."""
    _sender().send_task(task, args=[message], queue=QUEUE_GPU, expires=expires_s, retry=False)
