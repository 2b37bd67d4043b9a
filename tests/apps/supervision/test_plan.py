"""What each process is started with: the data plane gets nothing that opens the database."""

from pathlib import Path

import pytest

from apps.core.supervision.plan import Installation, data_environment, processes

SECRETS = {
    "DATABASE_URL": "postgresql://canary-database",
    "SECRET_KEY": "canary-secret",
    "VIDETTE_FIELD_KEY": "canary-field",
    "VIDETTE_REDIS_PASSWORD": "canary-redis",
    "METRICS_TOKEN": "canary-metrics",
    "DJANGO_SETTINGS_MODULE": "webapp.settings",
    "SOMEBODY_ELSES_TOKEN": "canary-token",
}
KEPT = {
    "PATH": "/bin",
    "LC_ALL": "C.UTF-8",
    "VIDETTE_PROVIDERS": "CPUExecutionProvider",
    "CUDA_VISIBLE_DEVICES": "0",
}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(
        root=tmp_path,
        data_dir=tmp_path / "var",
        port=8123,
        redis_url="unix://:pw@/run/redis.sock",
        broker_url="redis+socket://:pw@/run/redis.sock",
        object_store_url="file:///objects",
        lease_key="lease-key",
        model_dir=tmp_path / "models",
        media_roots=(tmp_path / "a", tmp_path / "b"),
    )


def test_the_data_plane_sees_no_secret_of_the_control_plane(installation: Installation) -> None:
    variables = data_environment(SECRETS | KEPT, installation)
    assert [name for name in SECRETS if name in variables] == []
    assert "canary" not in " ".join(variables.values())
    assert {name: variables[name] for name in KEPT} == KEPT


def test_the_data_plane_is_told_where_everything_is(installation: Installation, tmp_path: Path) -> None:
    variables = data_environment({}, installation)
    assert variables["VIDETTE_LEASE_KEY"] == "lease-key"
    assert variables["REDIS_URL"] == installation.redis_url
    assert variables["VIDETTE_MEDIA_ROOTS"] == f"{tmp_path / 'a'},{tmp_path / 'b'}"


def test_the_six_processes_are_there(installation: Installation) -> None:
    specs = {spec.name: spec for spec in processes(SECRETS | KEPT, installation)}
    assert set(specs) == {"web", "streams", "gpu", "control", "recorder", "beat"}
    assert [name for name, spec in specs.items() if not (spec.heartbeat or spec.url)] == []
    assert specs["web"].environment["PORT"] == "8123"
    assert specs["web"].environment["DATABASE_URL"] == SECRETS["DATABASE_URL"]
    for name in ("streams", "gpu"):
        assert "canary" not in " ".join(specs[name].environment.values())


@pytest.mark.parametrize(
    ("providers", "pool"),
    [("CPUExecutionProvider", "threads"), ("CUDAExecutionProvider,CPUExecutionProvider", "solo")],
)
def test_a_gpu_is_used_by_one_thread(installation: Installation, providers: str, pool: str) -> None:
    specs = {spec.name: spec for spec in processes({"VIDETTE_PROVIDERS": providers}, installation)}
    arguments = specs["gpu"].arguments
    assert arguments[arguments.index("--pool") + 1] == pool


def test_no_secret_is_shown_when_a_plan_is_printed(installation: Installation) -> None:
    printed = repr(installation) + repr(processes(SECRETS, installation))
    assert "canary" not in printed
    assert "lease-key" not in printed
    assert ":pw@" not in printed
