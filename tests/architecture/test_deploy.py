"""The files of the scaled form say what the code does: same processes, same planes, commands that exist."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.core.supervision.plan import Installation, processes

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DATA_PLANE = {"streams", "gpu"}
SERVICES = {"postgres", "redis", "rabbitmq"}
DATABASE_NAMES = {
    "DATABASE_URL",
    "SECRET_KEY",
    "VIDETTE_FIELD_KEY",
    "VIDETTE_RECORD_KEY",
    "VIDETTE_MASTER_KEY",
    "POSTGRES_PASSWORD",
}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def manifests() -> list[dict[str, Any]]:
    folder = DEPLOY / "kubernetes"
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return [found for name in names for found in yaml.safe_load_all((folder / name).read_text())]


def containers() -> dict[str, dict[str, Any]]:
    return {
        container["name"]: container
        for manifest in manifests()
        if manifest["kind"] in ("Deployment", "Job")
        for container in manifest["spec"]["template"]["spec"]["containers"]
    }


def planned() -> set[str]:
    nowhere = Path("/nowhere")
    installation = Installation(nowhere, nowhere, 1, "", "", "", "", nowhere)
    return {spec.name for spec in processes({}, installation)}


def commands() -> list[tuple[str, list[str]]]:
    found = [
        (name, service["command"]) for name, service in compose()["services"].items() if "command" in service
    ]
    found += [
        (name, container["command"]) for name, container in containers().items() if "command" in container
    ]
    return [(name, list(map(str, command))) for name, command in found if name not in SERVICES]


def test_compose_runs_the_processes_of_one_machine() -> None:
    assert set(compose()["services"]) == planned() | SERVICES | {"migrate"}


def test_kubernetes_runs_the_processes_of_one_machine() -> None:
    assert set(containers()) == planned() | {"migrate"}


def test_compose_gives_the_data_plane_no_key_to_the_database() -> None:
    services = compose()["services"]
    for name in DATA_PLANE:
        assert DATABASE_NAMES & services[name]["environment"].keys() == set()
        assert "POSTGRES_PASSWORD" not in str(services[name])
    assert services["web"]["environment"].keys() >= {"DATABASE_URL", "SECRET_KEY", "VIDETTE_FIELD_KEY"}


def test_kubernetes_gives_the_data_plane_its_own_secret() -> None:
    for name, container in containers().items():
        plane = "vidette-data" if name in DATA_PLANE else "vidette-control"
        assert plane in str(container["envFrom"])
        assert str(container["envFrom"]).count("name") == 2
    text = (DEPLOY / "kubernetes" / "README.md").read_text()
    own_secret = text.partition("generic vidette-data")[2].partition("kubectl apply")[0]
    assert DATABASE_NAMES & set(re.findall(r"[A-Z_]{4,}", own_secret)) == set()


@pytest.mark.parametrize(
    ("name", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_exists(name: str, command: list[str]) -> None:
    if command[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(f"{command[2]}.__main__") or importlib.util.find_spec(command[2])
    elif command[:2] == ["python", "manage.py"]:
        from django.core.management import get_commands

        assert command[2] in get_commands()
    else:
        assert command[:2] == ["celery", "-A"]
        assert importlib.util.find_spec(command[2]) is not None
        if "--pool" in command:
            assert command[command.index("--pool") + 1] in ("threads", "solo", "${GPU_POOL:-threads}")


def test_secrets_have_no_default_that_boots() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    for name in (
        "SECRET_KEY",
        "VIDETTE_FIELD_KEY",
        "VIDETTE_LEASE_KEY",
        "VIDETTE_RECORD_KEY",
        "VIDETTE_MASTER_KEY",
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
    ):
        assert f"${{{name}:?" in text
        assert not re.search(rf"\$\{{{name}(:?-|\}})", text)
    example = (DEPLOY / "env.example").read_text()
    required = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    named = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    assert required <= named.keys()
    assert [name for name in named if name.endswith(("KEY", "PASSWORD", "TOKEN")) and named[name]] == []


def test_the_images_copy_what_exists_and_start_as_nobody() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists(), name
    assert set(re.findall(r"AS (\S+)", text)) == {"web", "engine"}
    assert text.count("USER vidette") == 2
    built = {service["build"]["target"] for service in compose()["services"].values() if "build" in service}
    assert built == {"web", "engine"}


def test_the_setup_of_the_images_knows_its_options() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    setup = [sys.executable, str(ROOT / "requirements" / "setup.py"), "--help"]
    answer = subprocess.run(setup, capture_output=True, text=True, check=True).stdout
    for engine in re.findall(r"--engine (\w+)", text):
        assert engine in answer


def test_the_service_starts_what_make_run_starts() -> None:
    text = (DEPLOY / "vidette.service").read_text()
    assert re.search(r"^ExecStart=\S+/\.venv/bin/python manage\.py up$", text, re.MULTILINE)
    assert "KillSignal=SIGINT" in text
