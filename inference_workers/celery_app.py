"""The Celery application of the inference workers.

    celery -A inference_workers.celery_app worker -Q gpu --pool solo

One process per GPU. On a CPU `--pool threads --concurrency 2` lets the search for faces go on while a long
line of text is read. Prefork is refused: a forked child cannot use CUDA (PITFALLS 5).
"""

import logging
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging, worker_init, worker_ready, worker_shutting_down

from inference_workers.broker import broker_url
from inference_workers.contracts.environment import Environment
from inference_workers.contracts.names import QUEUE_GPU
from inference_workers.observability import configure
from inference_workers.settings import settings

ALLOWED_POOLS = ("solo", "threads")
# Longer than any task: a shorter one would run a task twice. Perishable work expires long before.
VISIBILITY_TIMEOUT_S = 300

_BROKER_URL = broker_url(Environment())
app = Celery(
    "vidette",
    broker=_BROKER_URL,
    include=[f"inference_workers.tasks.{name}" for name in ("gpu", "redact", "models", "evaluate")],
)
app.conf.update(
    worker_pool="solo",
    worker_prefetch_multiplier=1,
    task_acks_late=True,
    # Without it a lost pool child acknowledges its task (PITFALLS 2).
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue=QUEUE_GPU,
    task_create_missing_queues=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    enable_utc=True,
)
if _BROKER_URL.startswith(("redis", "rediss")):
    app.conf.broker_transport_options = {"visibility_timeout": VISIBILITY_TIMEOUT_S}
else:
    # On RabbitMQ every queue is a quorum queue, as the control plane declares it when it sends.
    app.conf.task_default_queue_type = app.conf.task_create_missing_queue_type = "quorum"
    app.conf.broker_transport_options = {"confirm_publish": True}


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    configure(settings(), "gpu")
    # Each received task at INFO would be twenty lines a second that say nothing.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    logging.getLogger("celery.app.trace").setLevel(logging.WARNING)


@celeryd_init.connect
def _refuse_prefork(instance: Any, options: dict[str, Any], **_: Any) -> None:
    pool = options.get("pool") or options.get("pool_cls") or app.conf.worker_pool
    name = pool if isinstance(pool, str) else f"{pool.__module__}"
    if not any(allowed in name for allowed in (*ALLOWED_POOLS, "thread")):
        raise SystemExit(
            f"expected --pool solo (one process per GPU) or --pool threads, got {name}: "
            "a forked child cannot use CUDA and would load every model again"
        )


@worker_init.connect
def _preload(**_: Any) -> None:
    # Deferred: whoever only sends tasks imports this module too, and must not load an engine.
    import cv2

    from inference_workers.settings import settings
    from inference_workers.tasks.runtime import runtime
    from inference_workers.tasks.scratch import leftovers_remove

    leftovers_remove(settings().data_dir)
    cv2.setNumThreads(1)  # the pool's threads share the cores already
    runtime().preload()


@worker_ready.connect
def _start_announcing(sender: Any, **_: Any) -> None:
    from inference_workers.tasks.runtime import runtime

    runtime().start(str(sender.hostname))


@worker_shutting_down.connect
def _stop_announcing(**_: Any) -> None:
    from inference_workers.tasks.runtime import runtime

    runtime().stop()
