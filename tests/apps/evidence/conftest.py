"""A camera with recorded segments and an event, and packs of them."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.apps.recordings.conftest import apply, recorded  # noqa: F401 - fixtures

JPEG = b"\xff\xd8\xff\xe0redacted\xff\xd9"


@pytest.fixture(autouse=True)
def checkpoints(settings, tmp_path):
    settings.CHECKPOINT_URL = (tmp_path / "checkpoints").as_uri()


@pytest.fixture
def granted(bob, adam, site_a):
    """bob may watch the site: packs are pictures, and pictures are open by grant alone."""
    from apps.cameras.services import grant_give

    grant_give(acting_user=adam, user=bob, site=site_a, permission="watch")


@pytest.fixture
def filmed(camera, recorded, granted):  # noqa: F811 - the fixture above
    """Two segments and an event with its picture, an hour ago."""
    from apps.core.objects import object_put
    from apps.detections.models import Event

    first, second = recorded(camera, hours=1), recorded(camera, hours=1 - 10 / 3600)
    key = f"snapshots/{camera.pk}/2026-11-24/{uuid4()}.jpg"
    object_put(key, JPEG)
    event = Event.objects.create(
        camera=camera, epoch=str(uuid4()), track_id=1, label="person", confidence=0.9,
        first_seen_at=first.started_at, last_seen_at=second.ended_at, lease_id=str(uuid4()),
        model_name="yolox-nano", model_sha256="ab" * 32, snapshot_key=key, snapshot_redaction="tracks",
    )  # fmt: skip
    return first, second, event


@pytest.fixture
def wanted(filmed):
    from apps.evidence.services import Wanted

    first, second, _event = filmed
    return Wanted(
        first.started_at - timedelta(seconds=1), second.ended_at + timedelta(seconds=1),
        "incident investigation", "2026/17", "theft at the door",
    )  # fmt: skip


@pytest.fixture
def pack(bob, camera, wanted):
    """A pack that is ready."""
    from apps.evidence.building import pack_build
    from apps.evidence.services import pack_create

    row = pack_create(acting_user=bob, camera=camera, wanted=wanted)
    assert pack_build(row.pk)
    row.refresh_from_db()
    return row


@pytest.fixture
def data(pack):
    from apps.core.objects import object_get

    return object_get(pack.object_key)


def found_in(data, keys=()):
    """Names of the files in which something was changed."""
    from apps.evidence.standalone.verify_pack import Bad, Pack, Unreadable

    try:
        return [bad.name for bad in Pack(io.BytesIO(data), keys).check()]
    except Bad as bad:
        return [bad.name]
    except Unreadable:
        return ["unreadable"]


def rebuilt(data, changes):
    """The archive with other contents for some of its files, in the same layout."""
    import zipfile

    from apps.evidence.writing import archive_write, measure, of_bytes

    archive = zipfile.ZipFile(io.BytesIO(data))
    files = [of_bytes(name, changes.get(name, archive.read(name))) for name in archive.namelist()]
    made = io.BytesIO()
    archive_write(made, map(measure, files))
    return made.getvalue()


def resigned(data, name, content):
    """The same pack with another file, signed by whoever has the key."""
    import hashlib
    import json
    import zipfile

    from apps.audit.chain import canonical
    from apps.evidence.manifest import signature_of

    manifest = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("manifest.json"))
    told = next(file for file in manifest["files"] if file["name"] == name)
    told |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    written = canonical(manifest)
    return rebuilt(data, {name: content, "manifest.json": written, "signature.json": signature_of(written)})
