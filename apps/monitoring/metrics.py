"""The figures of the metrics page, read from the database and from the heartbeats at every scrape."""

from collections.abc import Iterable, Iterator
from typing import Any

import redis
from django.db.models import Sum
from prometheus_client import REGISTRY, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from apps.cameras.models import Camera
from apps.detections.models import CameraRuntime, FrameAccount
from apps.monitoring.heartbeats import Heartbeat, heartbeats
from apps.monitoring.models import Alert, AlertState, LeakHour
from apps.monitoring.queues import queue_depths, results_lag
from apps.registry.selectors import serving
from apps.retention.selectors import objects_waiting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class InstallationCollector:
    """Collects what is true of the installation as a whole, whichever web process is asked."""

    def collect(self) -> Iterator[Metric]:
        yield _frames()
        yield from _cameras()
        yield _models()
        yield from _leaks()
        yield GaugeMetricFamily(
            "vidette_objects_to_delete", "Objects that retention has still to delete", objects_waiting()
        )
        try:
            beats = heartbeats()
            lag = results_lag()
        except redis.RedisError:
            yield GaugeMetricFamily("vidette_redis_up", "Whether Redis answers", 0)
            return
        yield GaugeMetricFamily("vidette_redis_up", "Whether Redis answers", 1)
        yield from _processes(beats)
        yield from _inference(beats)
        yield _segments(beats)
        yield GaugeMetricFamily("vidette_results_waiting", "Results in the stream", lag.waiting)
        yield GaugeMetricFamily("vidette_results_pending", "Results taken, not committed", lag.pending)
        yield _queues()


def metrics_text() -> bytes:
    """This process's own figures (websocket clients, memory) and those of the installation."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(InstallationCollector())
    return generate_latest(REGISTRY) + generate_latest(registry)


def _frames() -> Metric:
    """Sums over all runs of a camera: captured is the sum of all outcomes."""
    family = CounterMetricFamily(
        "vidette_frames", "Frames by outcome", labels=("camera", "outcome", "reason")
    )
    totals: dict[tuple[str, str, str], int] = {}
    for row in FrameAccount.objects.all().iterator():
        camera = str(row.camera_id)
        parts = [("captured", "", row.captured), ("analysed", "", row.analysed)]
        parts += [("skipped", reason, count) for reason, count in row.skipped.items()]
        parts += [("lost", reason, count) for reason, count in row.lost.items()]
        for outcome, reason, count in parts:
            key = (camera, outcome, reason)
            totals[key] = totals.get(key, 0) + count
    for key, count in sorted(totals.items()):
        family.add_metric(key, count)
    return family


def _cameras() -> Iterator[Metric]:
    enabled = Camera.objects.filter(enabled=True).count()
    yield GaugeMetricFamily("vidette_cameras_enabled", "Cameras that are switched on", enabled)
    flying = GaugeMetricFamily(
        "vidette_frames_in_flight", "Frames that are being analysed", labels=("camera",)
    )
    for camera_id, count in FrameAccount.objects.filter(closed=False).values_list("camera_id", "in_flight"):
        flying.add_metric((str(camera_id),), count)
    yield flying
    state = GaugeMetricFamily(
        "vidette_camera_state", "1 for the state that a camera is in", labels=("camera", "state")
    )
    fps = GaugeMetricFamily(
        "vidette_camera_fps", "Pictures per second that a camera delivers", labels=("camera",)
    )
    for row in CameraRuntime.objects.filter(camera__enabled=True):
        state.add_metric((str(row.camera_id), row.shown_state), 1)
        fps.add_metric((str(row.camera_id),), 0.0 if row.is_silent else row.fps)
    yield state
    yield fps


def _leaks() -> Iterator[Metric]:
    """What second looks at redacted pictures found, over all time."""
    families = {
        "frames": CounterMetricFamily(
            "vidette_second_looks", "Redacted pictures that were looked at again", labels=("camera", "kind")
        ),
        "leaky": CounterMetricFamily(
            "vidette_leaky_pictures", "Of these, with an uncovered face", labels=("camera", "kind")
        ),
        "leaks": CounterMetricFamily("vidette_leaks", "Uncovered faces found", labels=("camera", "kind")),
    }
    sums = LeakHour.objects.order_by().values_list("camera_id", "kind")
    for camera_id, kind, *counts in sums.annotate(*(Sum(name) for name in families)):
        for family, count in zip(families.values(), counts, strict=True):
            family.add_metric((str(camera_id), kind), count)
    yield from families.values()
    opened = Alert.objects.exclude(state=AlertState.CLOSED).count()
    yield GaugeMetricFamily("vidette_alerts_open", "Alerts that are not closed", opened)


def _models() -> Metric:
    family = GaugeMetricFamily(
        "vidette_model_served", "1 for the version that serves a stage", labels=("stage", "model", "sha256")
    )
    for stage, version in serving().items():
        family.add_metric((stage.value, version.name, version.sha256), 1)
    return family


def _processes(beats: Iterable[Heartbeat]) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "vidette_heartbeat_age_seconds", "Time since a process's last word", labels=("process",)
    )
    memory = GaugeMetricFamily("vidette_process_resident_bytes", "Memory of a process", labels=("process",))
    for beat in beats:
        age.add_metric((beat.process,), round(beat.age_s, 3))
        if _is_number(beat.facts.get("rss_bytes")):
            memory.add_metric((beat.process,), beat.facts["rss_bytes"])
    yield age
    yield memory


def _segments(beats: Iterable[Heartbeat]) -> Metric:
    """Recorded segments of each streams process since it started."""
    family = GaugeMetricFamily(
        "vidette_segments", "Recorded segments by what became of them", labels=("process", "outcome")
    )
    for beat in beats:
        for outcome in ("stored", "waiting", "lost"):
            count: Any = beat.facts.get(f"segments_{outcome}")
            if _is_number(count):
                family.add_metric((beat.process, outcome), count)
    return family


def _inference(beats: Iterable[Heartbeat]) -> Iterator[Metric]:
    """Counters, errors and histograms from the `metrics` of the inference workers' heartbeats."""
    total = CounterMetricFamily("vidette_inference", "What the worker counted", labels=("process", "what"))
    errors = CounterMetricFamily("vidette_inference_errors", "Errors by code", labels=("process", "code"))
    histograms: dict[str, HistogramMetricFamily] = {}
    for beat in beats:
        figures = beat.facts.get("metrics")
        if not isinstance(figures, dict):
            continue
        for what, count in figures.items():
            if _is_number(count):
                total.add_metric((beat.process, what), count)
        for code, count in _pairs(figures.get("errors")):
            errors.add_metric((beat.process, code), count)
        for name, figure in _pairs(figures.get("histograms")):
            _add_histogram(histograms, beat.process, name, figure)
    yield total
    yield errors
    yield from histograms.values()


def _add_histogram(families: dict[str, HistogramMetricFamily], process: str, name: str, figure: Any) -> None:
    """`infer_ms.faces` becomes `vidette_inference_infer_ms{stage="faces"}`."""
    measure, _, stage = name.partition(".")
    family = families.setdefault(
        measure,
        HistogramMetricFamily(
            f"vidette_inference_{measure}", "Measured by the inference worker", labels=("process", "stage")
        ),
    )
    running, buckets = 0, []
    for bound, count in zip([*figure["bounds"], float("inf")], figure["counts"], strict=True):
        running += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(running)))
    family.add_metric((process, stage), buckets=buckets, sum_value=figure["sum"])


def _queues() -> Metric:
    family = GaugeMetricFamily("vidette_queue_tasks", "Tasks that wait on the broker", labels=("queue",))
    for queue, depth in queue_depths().items():
        family.add_metric((queue,), depth)
    return family


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
