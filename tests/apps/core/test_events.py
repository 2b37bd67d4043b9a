"""News between apps arrive after the commit, or not at all."""

import pytest
from django.db import transaction

from apps.core.events import publish, subscribe, unsubscribe


@pytest.fixture
def heard():
    news = []

    def handler(**payload):
        news.append(payload)

    subscribe("camera.changed", handler)
    subscribe("camera.changed", handler)
    yield news
    unsubscribe("camera.changed", handler)


@pytest.mark.django_db(transaction=True)
def test_news_come_once_and_after_the_commit(heard):
    with transaction.atomic():
        publish("camera.changed", camera_id="1")
        assert heard == []
    assert heard == [{"camera_id": "1"}]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_told(heard):
    with transaction.atomic():
        publish("camera.changed", camera_id="1")
        transaction.set_rollback(True)
    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_raises_does_not_stop_the_next(heard, caplog):
    def broken(**payload):
        raise ZeroDivisionError

    subscribe("camera.removed", broken)
    subscribe("camera.removed", lambda **payload: heard.append(payload))
    with transaction.atomic():
        publish("camera.removed", camera_id="2")
    unsubscribe("camera.removed", broken)
    assert heard == [{"camera_id": "2"}]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("act", [lambda: publish("camera.chnaged"), lambda: subscribe("x", print)])
def test_an_unknown_topic_is_a_mistake(act):
    with pytest.raises(ValueError, match="expected a topic"):
        act()
