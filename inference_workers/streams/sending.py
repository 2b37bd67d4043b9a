"""Hands micro-batches to the broker."""

import time

from celery import Celery

from inference_workers.broker import kombu_url
from inference_workers.contracts.codec import encode
from inference_workers.contracts.frames import AnalyseBatch
from inference_workers.contracts.names import QUEUE_GPU, TASK_ANALYSE
from inference_workers.streams.analysis import Sender


def celery_sender(broker_url: str) -> Sender:
    """Sends batches to the queue of the GPU worker; gives up after seconds instead of waiting for ever."""
    url = kombu_url(broker_url)
    app = Celery("vidette-streams", broker=url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        broker_connection_retry_on_startup=False,
        broker_connection_timeout=2,
        broker_pool_limit=1,
    )
    if url.startswith("redis"):
        app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    else:
        app.conf.task_create_missing_queue_type = "quorum"  # as the worker declares its queue

    def send(batch: AnalyseBatch) -> None:
        app.send_task(
            TASK_ANALYSE,
            args=[encode(batch)],
            queue=QUEUE_GPU,
            expires=max(0.1, batch.deadline_at - time.time()),
            retry=False,
            ignore_result=True,
        )

    return send
