"""Names that both planes use: Celery tasks and queues, Redis keys, object keys.

Redis carries nothing that must survive: leases are issued again, live pictures are perishable, results are
kept until the recorder has committed them.
"""

TASK_ANALYSE = "gpu.analyse"
TASK_ANALYSE_IMAGE = "gpu.analyse_image"
TASK_REDACT = "gpu.redact"
QUEUE_GPU = "gpu"
QUEUE_CONTROL = "control"

SECOND_LOOKS = "vidette:second-looks"  # list of SecondLook JSON, bounded; idle GPU workers take them
RESULTS = "vidette:results"  # stream: fields `type` (contract class name) and `data` (JSON)
RESULTS_GROUP = "recorder"
LEASES = "vidette:leases"  # hash camera_id -> Lease JSON
LEASES_CHANGED = "vidette:leases:changed"  # pub/sub: camera_id
PROBES = "vidette:probes"  # list of ProbeRequest JSON
HEARTBEATS = "vidette:heartbeats"  # hash process name -> JSON {at, pid, ...}
MODELS_PRESENT = "vidette:models"  # hash model name -> ModelCard JSON, announced by the GPU worker


def live_channel(camera_id: str) -> str:
    """Pub/sub channel of one camera's redacted pictures (see `contracts.live`)."""
    return f"vidette:live:{camera_id}"


def live_latest(camera_id: str) -> str:
    """Key of the newest redacted picture, with a short expiry, for viewers who join."""
    return f"vidette:latest:{camera_id}"


def watch_key(camera_id: str) -> str:
    """Key that exists while somebody watches; the data plane encodes only then. Expiry: WATCH_TTL_S."""
    return f"vidette:watch:{camera_id}"


WATCH_TTL_S = 5


def snapshot_key(camera_id: str, day: str, name: str) -> str:
    """Object key of a redacted snapshot; `day` is YYYY-MM-DD in UTC."""
    return f"snapshots/{camera_id}/{day}/{name}.jpg"


def sample_key(sample_id: str) -> str:
    """Key of a redacted picture that waits for its second look. Expiry: SAMPLE_TTL_S."""
    return f"vidette:sample:{sample_id}"


SAMPLE_TTL_S = 300
