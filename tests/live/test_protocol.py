"""What a client may say; everything else is answered with a code and a sentence."""

import json

import pytest

from apps.live import protocol
from apps.live.protocol import Authenticate, CatchUp, Ping, ProtocolError, Subscribe, Unsubscribe, parse

CAMERA = "0190a5b2-8b1d-7c3e-9f00-0123456789ab"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"type": "authenticate", "ticket": "t"}, Authenticate),
        ({"type": "subscribe", "camera_id": CAMERA}, Subscribe),
        ({"type": "unsubscribe", "camera_id": CAMERA}, Unsubscribe),
        ({"type": "events"}, CatchUp),
        ({"type": "catch_up", "after": 0}, CatchUp),
        ({"type": "ping"}, Ping),
    ],
)
def test_it_reads(message, kind):
    assert isinstance(parse(json.dumps(message)), kind)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_json"),
        ("[]", "not_json"),
        ("null", "not_json"),
        ("[" * 1500, "not_json"),
        ('{"type": "ping", "x": "' + "x" * 3000 + '"}', "too_long"),
        ("{}", "unknown_type"),
        ('{"type": ["ping"]}', "unknown_type"),
        ('{"type": "feed.look"}', "unknown_type"),
        ('{"type": "subscribe"}', "bad_field"),
        ('{"type": "subscribe", "camera_id": 7}', "bad_field"),
        ('{"type": "subscribe", "camera_id": "*"}', "bad_field"),
        ('{"type": "authenticate", "ticket": {"$ne": ""}}', "bad_field"),
        ('{"type": "catch_up"}', "bad_field"),
        ('{"type": "catch_up", "after": true}', "bad_field"),
        ('{"type": "catch_up", "after": -1}', "bad_field"),
        ('{"type": "catch_up", "after": 1.5}', "bad_field"),
        ('{"type": "catch_up", "after": 99999999999999999999}', "bad_field"),
    ],
)
def test_it_refuses(text, code):
    with pytest.raises(ProtocolError) as refusal:
        parse(text)
    assert refusal.value.code == code


@pytest.mark.django_db(transaction=True)
def test_mallory_is_answered_a_few_times_and_then_closed(alice, browser):
    viewer = browser(alice)
    for text in ("[", b"\x00\x01", '{"type": "feed.look"}', '{"type": "subscribe", "camera_id": "<img>"}'):
        viewer.send(text)
        viewer.expect("error")
    viewer.say("ping")
    viewer.expect("pong")
    viewer.send("no json")
    assert viewer.closing(within_s=3)[0] == 4400


@pytest.mark.django_db(transaction=True)
def test_a_connection_watches_a_bounded_number_of_cameras(adam, alice, site_a, browser):
    from apps.cameras.models import Camera

    cameras = [
        Camera.objects.create(site=site_a, name=f"C{number}", kind="rtsp", url="rtsp://10.20.0.7/1")
        for number in range(protocol.MAX_CAMERAS + 1)
    ]
    viewer = browser(alice)
    for camera in cameras[:-1]:
        viewer.watch(camera.pk)
    viewer.say("subscribe", camera_id=str(cameras[-1].pk))
    assert viewer.expect("error")["code"] == "too_many"
