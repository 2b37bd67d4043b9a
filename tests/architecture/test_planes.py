"""The two planes stay apart: in their imports, and in what really is loaded when they run."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from apps.core.supervision.plan import Installation, data_environment

ROOT = Path(__file__).resolve().parents[2]

ENGINE = ("torch", "onnxruntime", "cv2", "av", "numpy", "rapidocr", "tesserocr", "supervision", "scipy")
WEB_LOADS = """
import json, sys
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import webapp.asgi, webapp.celery
webapp.celery.app.loader.import_default_modules()
print(json.dumps(sorted(sys.modules)))
"""
STREAMS_LOAD = """
import json, pkgutil, sys, importlib
import inference_workers
for found in pkgutil.walk_packages(inference_workers.__path__, "inference_workers."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(program: str, variables: dict[str, str] | None = None) -> set[str]:
    """Names of the modules that a fresh interpreter holds after `program`."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_import_directions_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_web_loads_no_engine() -> None:
    loaded = loaded_by(WEB_LOADS)
    assert "webapp.urls" in loaded
    assert [name for name in ENGINE if name in loaded] == []
    allowed = {"inference_workers", "inference_workers.contracts"}
    ours = {name for name in loaded if name.startswith("inference_workers")}
    assert {name for name in ours - allowed if not name.startswith("inference_workers.contracts.")} == set()


def test_the_data_plane_loads_no_django(tmp_path: Path) -> None:
    installation = Installation(
        root=ROOT,
        data_dir=tmp_path,
        port=1,
        redis_url="redis://127.0.0.1:1/0",
        broker_url="redis://127.0.0.1:1/0",
        object_store_url=tmp_path.as_uri(),
        lease_key="a" * 43 + "=",
        model_dir=tmp_path,
    )
    # Exactly what `make run` gives it: an environment that names no database and no Django.
    loaded = loaded_by(STREAMS_LOAD, data_environment(os.environ, installation))
    assert "inference_workers.engine" in loaded
    # kombu takes one class of django.utils along where Django is installed; nothing more may come.
    sought = ("django.db", "django.apps", "django.conf", "apps", "webapp", "psycopg", "sqlite3")
    assert [name for name in sought if name in loaded] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "inference_workers" / "contracts").glob("*.py")), ids=lambda path: path.stem
)
def test_the_contract_needs_the_standard_library_alone(path: Path) -> None:
    tops = {
        name.partition(".")[0]
        for name in _imports(path)
        if not name.startswith("inference_workers.contracts")
    }
    assert tops - set(sys.stdlib_module_names) == set()


def _imports(path: Path) -> list[str]:
    """Names imported anywhere in the file; relative imports do not occur here."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names
