"""Eight cameras, two detectors, a model owner beside erin, and windows as the data plane reports them."""

from datetime import timedelta
from typing import Any

import pytest

ZEROS = [0] * 20


@pytest.fixture
def olga(db):
    """A second model owner, where two persons are needed."""
    from apps.accounts.models import User

    return User.objects.create_user(username="olga", password="correct horse battery", role="model_owner")


@pytest.fixture
def versions(db):
    """`base` serves detection; `candidate` and `third` could."""
    from apps.registry.models import ModelVersion, StageAssignment

    rows = {
        name: ModelVersion.objects.create(
            name=f"detector-{name}", family="picodet", task="detection", sha256=digit * 64
        )
        for name, digit in (("base", "a"), ("candidate", "b"), ("third", "c"))
    }
    StageAssignment.objects.create(stage="detect", version=rows["base"])
    return rows


@pytest.fixture
def fleet(adam, site_a, redis):
    """Eight cameras of site A that may do everything."""
    from apps.cameras.services import camera_create
    from tests.apps.purposes import purpose_add

    cameras = [
        camera_create(
            acting_user=adam,
            site=site_a,
            name=f"Camera {number}",
            kind="rtsp",
            url=f"rtsp://10.20.0.{number}/s",
        )
        for number in range(1, 9)
    ]
    for camera in cameras:
        purpose_add(camera)
    return cameras


@pytest.fixture
def erin_sees(adam, erin, site_a):
    """erin may see the cameras of site A, so that she can name them."""
    from apps.cameras.services import grant_give

    grant_give(acting_user=adam, user=erin, site=site_a, permission="watch")
    return erin


@pytest.fixture
def salt(fleet, monkeypatch):
    """A salt that puts 0, 1, 2 and 4 of the eight cameras below 1, 5, 25 and 50 %."""
    from apps.rollouts.share import reached

    keys = [camera.pk for camera in fleet]
    for number in range(100_000):
        salt = f"salt {number}"
        if [len(reached(salt, keys, percent)) for percent in (1, 5, 25, 50)] == [0, 1, 2, 4]:
            monkeypatch.setattr(
                "apps.rollouts.services.plans.secrets.token_hex", lambda _size, salt=salt: salt
            )
            return salt
    raise AssertionError("no salt among 100,000")


@pytest.fixture
def prepared(erin, versions, fleet, salt):
    """A canary that nobody has started."""

    def make(**changes):
        from apps.rollouts.services import Plan, rollout_create

        values = {
            "stage": "detect",
            "candidate": versions["candidate"],
            "strategy": "canary",
            "reason": "finds more bicycles",
        }
        return rollout_create(acting_user=erin, plan=Plan(**{**values, **changes}))

    return make


@pytest.fixture
def running(erin, prepared):
    def make(**changes):
        from apps.rollouts.services import rollout_start

        rollout = prepared(**changes)
        return rollout_start(acting_user=erin, rollout=rollout, version=rollout.version)

    return make


def seen(frames: int = 25, finds: int = 2, score_bin: int = 14, label: str = "person") -> dict[str, Any]:
    scores = list(ZEROS)
    scores[score_bin] = frames * finds
    return {
        "frames": frames,
        "detections": {label: frames * finds},
        "scores": scores,
        "hard_frames": 0,
        "tracks_started": 1,
        "tracks_ended": 1,
        "tracks_short": 0,
        "track_gaps": 0,
        "latency": {"cpu/1": [0] * 30 + [frames] + [0] * 49},
    }


@pytest.fixture
def report(versions):
    """Windows of five seconds up to `at` for cameras that run the candidate, the base being its shadow.

    `worse`: the candidate's side of each window; the base finds two persons per frame.
    """

    def make(cameras, at, *, windows=6, candidate=None, matched=None, serving="candidate"):
        from apps.rollouts.models import VersionWindow

        base, other = seen(), candidate or seen()
        both = min(sum(base["detections"].values()), sum(other["detections"].values()))
        matched = both if matched is None else matched
        sides = {"base": base, "candidate": other}
        shadow = "base" if serving == "candidate" else "candidate"
        beside = {
            "version_id": str(versions[serving].pk),
            "sha256": versions[serving].sha256,
            "seen": sides[serving],
            "matched": matched,
            "only_base": sum(sides[serving]["detections"].values()) - matched,
            "only_candidate": sum(sides[shadow]["detections"].values()) - matched,
        }
        rows = []
        for camera in cameras:
            for number in range(windows):
                ended = at - timedelta(seconds=5 * number)
                for role, name in (("serving", serving), ("shadow", shadow)):
                    counts = {"errors": 0, "skipped": 0, "seen": sides[name]}
                    rows.append(
                        VersionWindow(
                            camera=camera,
                            stage="detect",
                            version=versions[name],
                            sha256=versions[name].sha256,
                            role=role,
                            started_at=ended - timedelta(seconds=5),
                            ended_at=ended,
                            epoch="e",
                            lease_id="l",
                            frames=25,
                            counts=counts | ({"beside": beside} if role == "shadow" else {}),
                        )
                    )
        VersionWindow.objects.bulk_create(rows, ignore_conflicts=True)

    return make
