"""A cascade from its setting to the event: the lease, real streams, real graphs, the recorder."""

from datetime import datetime

import pytest
from django.urls import reverse

from apps.cameras.services import grant_give
from apps.detections.models import Event
from apps.detections.selectors import events_search
from apps.dispatch.leases import lease_for
from apps.dispatch.selectors import moment_of
from apps.evidence.contents import events_told
from apps.registry.cascades import CascadeFacts, cascade_add
from apps.registry.models import ModelVersion
from inference_workers.contracts.lease import ModelRef
from inference_workers.contracts.results import TrackAttribute
from tests.apps.dispatch.messages import MODEL, send, track
from tests.workers.stream_parts import running_streams, wait_for
from tests.workers.test_cascades import DETECTOR, NAMER, directory_in, write_street
from tests.workers.test_swap_streams import RealWorker


def said(value: str, name: str = "colour", **changes: object) -> TrackAttribute:
    ref = ModelRef("v", "colours", "classifier-logits", "cd" * 32)
    facts = {
        "cascade_id": "3c1f0c9a-6d1b-4b52-8f0e-2f5f3f1f7a55",
        "confidence": 0.94,
        "looks": 2,
        "model": ref,
    }
    return TrackAttribute(name=name, value=value, **(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
def owner(erin, adam, site_a):
    grant_give(acting_user=adam, user=erin, site=site_a, permission="watch")
    return erin


def test_what_a_classifier_said_is_on_the_event_everywhere(recorder, redis, camera, new_epoch, alice, client):
    send(redis, track(camera.pk, new_epoch, label="car"))
    recorder.drain()
    assert Event.objects.get().attributes == []
    send(redis, track(camera.pk, new_epoch, label="car", revision=2, attributes=(said("Rouge\x00"),)))
    recorder.drain()
    event = Event.objects.get()
    (told,) = event.attributes
    assert (told["name"], told["value"], told["confidence"], told["looks"]) == ("colour", "Rouge", 0.94, 2)
    assert (event.model_name, told["model_name"], told["model_sha256"]) == (MODEL.name, "colours", "cd" * 32)
    assert [list(events_search(alice, text=text)) for text in ("rouge", "bleu")] == [[event], []]
    assert events_told([event])[0]["attributes"][0]["value"] == "Rouge"
    client.force_login(alice)
    (listed,) = client.get("/api/v1/events?text=rouge").json()["results"]
    assert listed["attributes"] == [told]
    page = client.get(reverse("console:event", args=[event.pk])).content.decode()
    assert "Closer names" in page
    assert "Rouge" in page
    assert "in 2 crops" in page
    assert "colour: Rouge" in client.get(reverse("console:events")).content.decode()


def test_a_late_message_takes_nothing_back(recorder, redis, camera, new_epoch):
    send(redis, track(camera.pk, new_epoch, revision=3, attributes=(said("red"),)))
    send(redis, track(camera.pk, new_epoch, revision=2))
    recorder.drain()
    assert Event.objects.get().attribute_text == "red"


def test_from_the_setting_to_the_event(recorder, redis, redis_url, camera, owner, tmp_path):
    ModelVersion.objects.create(
        name=DETECTOR.name, sha256=DETECTOR.sha256, family="detr", task="detection", classes=["person", "car"]
    )
    namer = ModelVersion.objects.create(
        name=NAMER.name, sha256=NAMER.sha256, family=NAMER.family, task="classification", classes=["red"]
    )
    camera.kind, camera.url, camera.realtime, camera.loop = "file", "street.mp4", True, True
    camera.save()
    facts = CascadeFacts("classify", ("car",), "colour", namer, every_s=1.0)
    row = cascade_add(acting_user=owner, camera=camera, facts=facts)
    write_street(tmp_path / "street.mp4")

    def colours() -> dict[str, list[str]]:
        recorder.drain()
        cars = Event.objects.filter(label="car")
        return {
            "left" if car.box_xyxy[0] < 0.4 else "right": [item["value"] for item in car.attributes]
            for car in cars
        }

    with running_streams(redis_url, tmp_path, VIDETTE_ANALYSE_DEADLINE_S="5") as plane:
        worker = RealWorker(redis_url, tmp_path, directory_in(tmp_path))
        worker.start()
        plane.issue(lease_for(camera))
        wait_for(lambda: colours() == {"left": ["red"], "right": ["blue"]}, 30, lambda: str(colours()))
        worker.stop()
    event = Event.objects.filter(label="car").first()
    (told,) = event.attributes
    assert (told["cascade"], told["model_sha256"], event.model_sha256) == (
        str(row.pk), NAMER.sha256, DETECTOR.sha256,
    )  # fmt: skip
    seen_at: datetime = event.last_seen_at
    (served,) = [item for item in moment_of(camera, seen_at).served if item.stage == "classify"]
    assert (served.cascade, served.sha256, served.proved_sha256) == ("colour", NAMER.sha256, NAMER.sha256)
