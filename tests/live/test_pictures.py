"""Live pictures reach those who watch, the newest first, and nobody encodes for an empty room."""

import time

import pytest

from inference_workers.contracts.names import WATCH_TTL_S, watch_key
from tests.live.pictures import Publisher, keep_latest, publish
from tests.services import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_viewers_get_the_same_bytes(alice, camera, browser, redis):
    viewers = [browser(alice).watch(camera.pk), browser(alice).watch(camera.pk)]
    with Publisher(redis, camera.pk):
        for viewer in viewers:
            viewer.next_picture()
    sent = publish(redis, camera.pk, 1000)
    for viewer in viewers:
        while viewer.next_picture().seq < 1000:
            continue
        assert viewer.raw[-1] == sent


def test_who_joins_sees_the_latest_picture_at_once(alice, camera, browser, redis):
    kept = keep_latest(redis, camera.pk, 41)
    viewer = browser(alice).watch(camera.pk)
    assert viewer.next_picture(within_s=3).seq == 41
    assert viewer.raw == [kept]


def test_no_picture_before_the_subscription_and_none_after_its_end(alice, camera, browser, redis):
    viewer = browser(alice)
    with Publisher(redis, camera.pk):
        viewer.listen(0.5)
        assert viewer.pictures == []
        viewer.watch(camera.pk).next_picture()
        viewer.say("unsubscribe", camera_id=str(camera.pk))
        viewer.expect("unsubscribed")
        seen = len(viewer.pictures)
        viewer.listen(0.7)
    assert len(viewer.pictures) == seen


def test_a_picture_of_another_camera_on_the_channel_is_not_delivered(alice, camera, camera_b, browser, redis):
    """The channel alone proves nothing: the header has to name the camera that was opened."""
    from inference_workers.contracts.names import live_channel
    from tests.live.pictures import live_message

    viewer = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        redis.publish(live_channel(str(camera.pk)), live_message(camera_b.pk, 1))
        redis.publish(live_channel(str(camera.pk)), b"\x00\x00\xff\xffnonsense")
        viewer.listen(0.5)
    assert {header.camera_id for header in viewer.pictures} == {str(camera.pk)}


def test_the_watch_key_lives_while_somebody_watches(alice, camera, browser, redis):
    key = watch_key(str(camera.pk))
    assert not redis.exists(key)
    first, second = browser(alice).watch(camera.pk), browser(alice).watch(camera.pk)
    wait_until(lambda: bool(redis.exists(key)), timeout_s=3, what="the watch key")
    first.close()
    until = time.monotonic() + WATCH_TTL_S + 1.5
    while time.monotonic() < until:
        second.listen(0.25)
        assert redis.exists(key), "nobody renewed the key although one viewer is left"
    second.close()
    wait_until(lambda: not redis.exists(key), timeout_s=WATCH_TTL_S + 3, what="the end of the watch key")


def test_pictures_go_on_after_redis_dropped_the_connection(alice, camera, browser, redis):
    viewer = browser(alice).watch(camera.pk)
    with Publisher(redis, camera.pk):
        viewer.next_picture()
        redis.client_kill_filter(_type="pubsub")
        seq = viewer.next_picture().seq
        wait_until(lambda: viewer.next_picture().seq > seq + 5, timeout_s=8, what="pictures again")
