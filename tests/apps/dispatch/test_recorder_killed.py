"""kill -9 in the middle of 2,000 messages, ten batches of the recorder: nothing doubled, nothing lost."""

import os
import subprocess
import sys
import time
from uuid import uuid4

import pytest
from django.db import connection

from apps.detections.accounts import accounting_for
from apps.detections.models import Event, FeedEntry, Reading
from apps.dispatch.recorder import DEAD_LETTERS
from inference_workers.contracts.names import RESULTS, RESULTS_GROUP
from tests.apps.dispatch.messages import account, reading, send, track

TRACKS = 400
KILLS = 3


def _database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite://{values['NAME']}"
    return f"postgresql://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def _recorder() -> subprocess.Popen[bytes]:
    environment = os.environ | {"DATABASE_URL": _database_url()}
    return subprocess.Popen([sys.executable, "manage.py", "recorder"], env=environment)


def _wait(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the recorder did not get on"
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
def test_nothing_is_doubled_and_nothing_is_lost(redis, camera):
    epoch = str(uuid4())
    for number in range(TRACKS):
        send(
            redis,
            track(camera.pk, epoch, number, revision=1),
            reading(camera.pk, epoch, track_id=number),
            track(camera.pk, epoch, number, revision=2),
            account(camera.pk, epoch, number * 3 + 10, number % 7),
            track(camera.pk, epoch, number, revision=3, ended=True),
        )
    for kill in range(1, KILLS + 1):
        process = _recorder()
        rest = 5 * TRACKS * (KILLS + 1 - kill) // (KILLS + 1)
        _wait(lambda rest=rest: redis.xlen(RESULTS) < rest, 60)
        process.kill()
        process.wait()
    assert redis.xlen(RESULTS) > 0
    process = _recorder()
    _wait(lambda: redis.xlen(RESULTS) == 0, 90)
    process.terminate()
    assert process.wait(timeout=10) == 0

    assert Event.objects.filter(revision=3, ended=True).count() == Event.objects.count() == TRACKS
    assert Reading.objects.exclude(event=None).count() == TRACKS
    assert redis.xpending(RESULTS, RESULTS_GROUP)["pending"] == 0
    assert redis.xlen(DEAD_LETTERS) == 0
    assert accounting_for(camera).captured == (TRACKS - 1) * 3 + 10
    assert accounting_for(camera).balances
    sequence = list(FeedEntry.objects.values_list("seq", flat=True))
    assert sequence == list(range(1, 4 * TRACKS + 1))
