"""What the processes share: channel layer, cache, and Celery with its clock."""

from kombu import Queue

from inference_workers.contracts.names import QUEUE_CONTROL
from webapp.settings.values import CELERY_BROKER_URL, DATA_DIR, REDIS_URL

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL}], "prefix": "vidette:channels"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "vidette:cache",
    }
}

# On RabbitMQ every queue is a quorum queue: it survives the loss of a node. Redis knows no such thing.
_DURABLE = {"x-queue-type": "quorum"} if CELERY_BROKER_URL.startswith("amqp") else {}

CELERY_TASK_DEFAULT_QUEUE = QUEUE_CONTROL
CELERY_TASK_QUEUES = (Queue(QUEUE_CONTROL, routing_key=QUEUE_CONTROL, queue_arguments=_DURABLE),)
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = "quorum" if _DURABLE else "classic"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"confirm_publish": True}
    if _DURABLE
    else {"visibility_timeout": 120, "socket_timeout": 10, "socket_connect_timeout": 4}
)
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "run" / "beat-schedule")
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULER = "webapp.clock:Clock"


def _every(seconds: int, task: str) -> dict[str, object]:
    """A tick that nobody took in time is worthless: the next one does the same work."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds, "queue": QUEUE_CONTROL}}


CELERY_BEAT_SCHEDULE = {
    "renew-leases": _every(5, "apps.dispatch.tasks.renew_leases"),
    "sweep-work": _every(10, "apps.dispatch.tasks.sweep_work"),
    "sweep-redactions": _every(5, "apps.redactions.tasks.sweep_redactions"),
    "forget-redactions": _every(60, "apps.redactions.tasks.forget_redactions"),
    "sweep-evaluations": _every(5, "apps.evaluations.tasks.sweep_evaluations"),
    "check-models": _every(5, "apps.registry.tasks.work_models"),
    "sync-models": _every(15, "apps.registry.tasks.sync_models"),
    "look-at-rollouts": _every(5, "apps.rollouts.tasks.look"),
    "judge-leaks": _every(60, "apps.monitoring.tasks.judge_leaks"),
    "close-accounts": _every(60, "apps.detections.tasks.close_accounts"),
    "sweep-retention": _every(600, "apps.retention.tasks.sweep"),
    "sweep-unmasking": _every(10, "apps.unmasking.tasks.sweep"),
    "make-evidence": _every(5, "apps.evidence.tasks.sweep"),
    "sweep-orphans": _every(24 * 3600, "apps.retention.tasks.sweep_orphans"),
    "record-settings": _every(60, "apps.audit.tasks.record_settings"),
    "make-checkpoints": _every(15, "apps.audit.tasks.make_checkpoints"),
    "verify-record": _every(24 * 3600, "apps.audit.tasks.verify_chain"),
}
