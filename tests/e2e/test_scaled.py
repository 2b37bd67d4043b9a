"""The same processes against PostgreSQL, Redis and RabbitMQ: by settings alone."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from kombu import Connection

from inference_workers.contracts.names import QUEUE_CONTROL, QUEUE_GPU
from tests.product import MARKS, Product
from tests.services import PostgresServer, RabbitServer, RedisServer, wait_until

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def scaled(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Product, PostgresServer, RabbitServer]]:
    services = [PostgresServer(), RedisServer(), RabbitServer()]
    try:
        for service in services:
            service.start()
        postgres, redis_server, rabbit = services
        product = Product(
            tmp_path_factory.mktemp("scaled") / "var",
            DATABASE_URL=postgres.url,
            REDIS_URL=redis_server.url,
            CELERY_BROKER_URL=rabbit.url,
        )
        try:
            product.start()
            yield product, postgres, rabbit
        finally:
            product.stop()
    finally:
        for service in services:
            service.stop()


def test_it_runs_without_the_embedded_redis(scaled: tuple[Product, PostgresServer, RabbitServer]) -> None:
    product, _postgres, _rabbit = scaled
    expected = set(MARKS) - {"redis"}
    wait_until(lambda: set(product.pids()) == expected, timeout_s=20, what="all processes")
    assert not (product.folder / "vidette.sqlite3").exists()


def test_frames_travel_by_rabbitmq_and_results_reach_postgresql(
    scaled: tuple[Product, PostgresServer, RabbitServer],
) -> None:
    product, postgres, _rabbit = scaled

    def analysed() -> int:
        with psycopg.connect(postgres.url) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(analysed), 0) FROM detections_frameaccount"
            ).fetchone()
        assert row is not None
        return int(row[0])

    wait_until(lambda: analysed() > 0, timeout_s=90, what="an analysed frame in PostgreSQL")
    with product.redis() as client:
        assert isinstance(client, redis.Redis)
        assert client.llen(QUEUE_GPU) == client.llen(QUEUE_CONTROL) == 0


@pytest.mark.parametrize("queue", [QUEUE_GPU, QUEUE_CONTROL])
def test_the_queues_are_quorum_queues(
    scaled: tuple[Product, PostgresServer, RabbitServer], queue: str, tmp_path: Path
) -> None:
    """RabbitMQ refuses to declare a queue again as something else."""
    _product, _postgres, rabbit = scaled
    with Connection(rabbit.url) as connection:
        channel = connection.channel()
        declared = channel.queue_declare(
            queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
        )
        assert declared.queue == queue
        assert declared.consumer_count == 1
