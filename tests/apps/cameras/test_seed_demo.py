"""`seed_demo` sets the demonstration up once, through the record, and leaves a person's changes alone."""

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.audit.models import AuditRecord
from apps.cameras.demo.footage import clip_cameras
from apps.cameras.models import Camera, Site, Zone
from apps.cameras.selectors import cameras_watchable_by
from apps.cameras.services import camera_disable

CANARY = "CANARY-55aa"


@pytest.fixture
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """An installation whose footage was drawn."""
    settings.DATA_DIR = tmp_path
    (tmp_path / "demo").mkdir()
    polygon = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]
    cameras = [
        {"name": name, "title": name.title(), "group": "G", "read_text": name == "gate", "zones": []}
        for name in ("lobby", "gate", "yard", "corridor")
    ]
    cameras[1]["zones"] = [{"name": "Sign", "kind": "read_text", "polygon": polygon, "script": "hebrew"}]
    cameras[0]["zones"] = [{"name": "Floor", "kind": "watch", "polygon": polygon, "script": None}]
    clips = [{"file": f"demo-{camera['name']}.mp4", "bytes": 1, "camera": camera} for camera in cameras]
    (tmp_path / "demo" / "clips.json").write_text(json.dumps({"version": "x", "clips": clips}))
    return tmp_path


@pytest.fixture
def seeded(data_dir: Path, db: None) -> Path:
    call_command("seed_demo", stdout=io.StringIO())
    return data_dir


def test_it_makes_people_sites_cameras_and_zones(seeded: Path) -> None:
    assert set(User.objects.values_list("username", flat=True)) == {
        *("alice", "dana", "bob", "erin", "adam", "charlie")
    }
    assert list(Site.objects.values_list("name", "time_zone")) == [
        ("Depot", "Asia/Almaty"),
        ("Harbour office", "Europe/Helsinki"),
    ]
    assert Camera.objects.filter(demo=True).count() == 5
    assert Zone.objects.get(name="Sign").script == "hebrew"


def test_each_sees_what_is_granted_and_charlie_nothing(seeded: Path) -> None:
    def sites(username: str) -> set[str]:
        user = User.objects.get(username=username)
        return {camera.site.name for camera in cameras_watchable_by(user)}

    assert sites("alice") == {"Harbour office"}
    assert sites("dana") == {"Depot"}
    assert sites("charlie") == set()
    assert sites("bob") == set()


def test_passwords_work_and_are_for_the_owner_alone(seeded: Path) -> None:
    path = seeded / "demo_accounts.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for row in json.loads(path.read_text()):
        assert User.objects.get(username=row["username"]).check_password(row["password"])


def test_a_second_run_changes_nothing(seeded: Path) -> None:
    before = AuditRecord.objects.count(), (seeded / "demo_accounts.json").read_text()
    call_command("seed_demo", stdout=io.StringIO())
    assert (AuditRecord.objects.count(), (seeded / "demo_accounts.json").read_text()) == before


def test_what_a_person_changed_stays(seeded: Path) -> None:
    adam = User.objects.get(username="adam")
    lobby = Camera.objects.get(name="Lobby")
    camera_disable(acting_user=adam, camera=lobby, version=lobby.version, reason="noisy")
    Camera.objects.get(name="Yard").delete()
    call_command("seed_demo", stdout=io.StringIO())
    assert not Camera.objects.get(name="Lobby").enabled
    assert not Camera.objects.filter(name="Yard").exists()


def test_everything_is_in_the_record(seeded: Path) -> None:
    assert AuditRecord.objects.filter(action="camera.create").count() == 5
    assert AuditRecord.objects.filter(action="user.create").count() == 6
    assert CANARY not in str(list(AuditRecord.objects.values("details")))


def test_other_footage_replaces_the_drawn_cameras_and_back(seeded: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("cam01_plaza.mp4", "cam02_road_overlay.avi", "notes.txt"):
        (clips / name).touch()
    call_command("seed_demo", demo=str(clips), stdout=io.StringIO())
    assert set(Camera.objects.filter(enabled=True).values_list("name", "read_text")) == {
        ("01 Plaza", False),
        ("02 Road overlay", True),
    }
    call_command("seed_demo", stdout=io.StringIO())
    assert Camera.objects.filter(enabled=True).count() == 5


def test_the_own_camera_has_its_password_sealed_and_its_address_allowed(seeded: Path) -> None:
    for _again in range(2):
        call_command("seed_demo", source=f"rtsp://user:{CANARY}@127.0.0.1:8554/live", stdout=io.StringIO())
    camera = Camera.objects.get(site__name="My cameras")
    assert camera.url == "rtsp://127.0.0.1:8554/live"
    assert camera.site.allowed_networks == ["127.0.0.1/32"]
    assert CANARY not in str(list(AuditRecord.objects.values()))
    assert camera in cameras_watchable_by(User.objects.get(username="alice"))
    assert camera not in cameras_watchable_by(User.objects.get(username="dana"))


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("http://192.0.2.1/video.mjpg", "mjpeg"),
        ("https://192.0.2.1/live/index.m3u8", "hls"),
        ("/dev/video0", "usb"),
        ("clips/door.mp4", "file"),
    ],
)
def test_the_kind_follows_from_what_was_typed(seeded: Path, typed: str, kind: str) -> None:
    call_command("seed_demo", source=typed, stdout=io.StringIO())
    camera = Camera.objects.get(site__name="My cameras")
    assert camera.kind == kind
    assert kind != "file" or Path(camera.url).is_absolute()


def test_without_footage_it_says_how_to_make_it(tmp_path: Path, settings: Any, db: None) -> None:
    settings.DATA_DIR = tmp_path
    with pytest.raises(CommandError, match=r"python -m inference_workers\.demo"):
        call_command("seed_demo")
    assert not User.objects.exists()


def test_an_empty_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="found none"):
        clip_cameras(tmp_path)
