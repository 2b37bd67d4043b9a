"""Checkpoints in a bucket with Object Lock, against a real server of the S3 protocol (moto) over HTTP."""

from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from django.core.management import call_command
from django.urls import reverse
from moto.server import ThreadedMotoServer

from apps.audit import locking, outside
from apps.audit.checkpoints import checkpoints_make
from apps.audit.locking import Lock, storage_ask
from apps.audit.outside import outside_create, outside_name, outside_read
from apps.audit.selectors import chain_verify
from apps.core.clock import now
from tests.apps.audit.test_checkpoints import write
from webapp.checks import checkpoints_are_locked

pytestmark = pytest.mark.django_db
RETENTION_DAYS = 30
RULE = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "", "Days": RETENTION_DAYS}}}


@pytest.fixture(scope="module")
def server():
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@pytest.fixture
def bucket(server, monkeypatch, settings, request):
    """Makes a bucket, points the checkpoints at it, and gives what owns the account: (client, name)."""
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_ENDPOINT": server, "AWS_ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )  # fmt: skip

    def make(mode):
        name = f"b{abs(hash(request.node.name)) % 10**9}"
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=bool(mode))
        if mode:
            rule = {**RULE, "Rule": {"DefaultRetention": {"Mode": mode, "Days": RETENTION_DAYS}}}
            client.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=rule)
        settings.CHECKPOINT_URL = f"s3://{name}"
        return client, name

    yield make
    outside._store.cache_clear()
    locking._asked.clear()


def test_a_checkpoint_is_kept_until_its_day_whatever_the_owner_of_the_account_does(bucket):
    client, name = bucket("COMPLIANCE")
    write(3)
    assert checkpoints_make(force=True) == 1
    key = outside_name(0)
    kept = client.head_object(Bucket=name, Key=key)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    left = kept["ObjectLockRetainUntilDate"] - now()
    assert timedelta(days=RETENTION_DAYS - 1) < left <= timedelta(days=RETENTION_DAYS)
    content = outside_read(0)
    assert not outside_create(0, b"another statement")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=name, Key=key, VersionId=kept["VersionId"])
    client.put_object(Bucket=name, Key=key, Body=b"another statement")
    client.delete_object(Bucket=name, Key=key)
    version = client.get_object(Bucket=name, Key=key, VersionId=kept["VersionId"])
    assert version["Body"].read() == content


def test_the_chain_is_checked_against_the_bucket(bucket):
    client, name = bucket("COMPLIANCE")
    write(3)
    checkpoints_make(force=True)
    verdict = chain_verify()
    assert (verdict.ok, verdict.checkpoints, verdict.not_outside) == (True, 1, 0)
    client.put_object(Bucket=name, Key=outside_name(0), Body=b'{"statement": "of another chain"}')
    assert not chain_verify().ok


@pytest.mark.parametrize(
    ("mode", "lock", "words"),
    [
        ("COMPLIANCE", Lock.LOCKED, "locked"),
        ("GOVERNANCE", Lock.GOVERNED, "governance mode"),
        ("", Lock.OPEN, "not locked"),
    ],
)
def test_the_page_and_the_check_say_what_the_bucket_answers(bucket, client, bob, mode, lock, words):
    bucket(mode)
    assert storage_ask().lock is Lock.EMPTY
    write(1)
    checkpoints_make(force=True)
    found = storage_ask()
    assert (found.lock, found.number) == (lock, 0)
    told = [message.id for message in checkpoints_are_locked()]
    assert told == ([] if lock is Lock.LOCKED else ["vidette.W006"])
    client.force_login(bob)
    page = client.get(reverse("console:record")).content.decode()
    assert words in page
    assert ("not locked" in page) == (lock is Lock.OPEN)


def test_a_bucket_that_is_not_there_is_said_in_words(bucket, settings, client, bob, capsys):
    bucket("")
    settings.CHECKPOINT_URL = "s3://no-such-bucket"
    found = storage_ask()
    assert found.lock is Lock.AWAY
    assert "NoSuchBucket" in found.why
    [warning] = checkpoints_are_locked()
    assert "NoSuchBucket" in warning.msg
    call_command("check", "--deploy", "--tag", "security")
    assert "vidette.W006" in capsys.readouterr().err
    client.force_login(bob)
    assert "does not answer" in client.get(reverse("console:record")).content.decode()


def test_a_folder_is_called_one(settings, tmp_path):
    settings.CHECKPOINT_URL = tmp_path.as_uri()
    assert storage_ask().lock is Lock.FOLDER
    assert checkpoints_are_locked() == []
    settings.MODE = "production"
    assert "folder" in checkpoints_are_locked()[0].msg
