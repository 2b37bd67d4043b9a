"""MLflow for those who have it: versions go there and come from there, in a Python of its own.

What comes back is a stranger's file like any other: it goes through every check before it is installed.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from django.db import transaction

from apps.core.errors import DomainError
from apps.registry.models import ModelVersion
from apps.registry.versions import version_record

_SCRIPT = Path(__file__).parent / "standalone" / "mlflow_exchange.py"
_PASSED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
PATIENCE_S = 600


def version_export(name: str, *, uri: str, python: str, folder: Path) -> dict[str, Any]:
    """Put an installed version into MLflow with its card; raises DomainError with what went wrong."""
    version = (
        ModelVersion.objects.select_related("family_ref", "parent").filter(name=name, present=True).first()
    )
    files = [folder / f"{name}{suffix}" for suffix in (".onnx", ".json", ".statement")]
    if version is None or not files[0].is_file():
        raise DomainError("model_missing", f"{name}: expected an installed version; `models list` names them")
    told = {
        "do": "export",
        "uri": uri,
        "name": name,
        "model": version.family_ref.name if version.family_ref else version.family,
        "tags": _tags(version),
        "params": {
            **version.preprocess,
            **{f"threshold_{key}": value for key, value in version.thresholds.items()},
        },
        "metrics": version.metrics,
        "files": [str(path) for path in files if path.is_file()],
    }
    answer = _run(python, told)
    with transaction.atomic():
        version_record(
            "export", version, {"to": "mlflow", "model": answer["model"], "version": answer["version"]}
        )
    return answer


def version_fetch(model: str, number: str, *, uri: str, python: str, folder: Path) -> Path:
    """Fetch the file of a registered version, with its side file where there is one, into `folder`."""
    told = {"do": "import", "uri": uri, "model": model, "version": number, "folder": str(folder)}
    return Path(_run(python, told)["file"])


def _tags(version: ModelVersion) -> dict[str, str]:
    return {
        "vidette.sha256": version.sha256,
        "vidette.family": version.family,
        "vidette.kind": version.kind,
        "vidette.licence": version.licence,
        "vidette.source": version.source,
        "vidette.training_data": version.training_data,
        "vidette.preprocessing_sha256": version.preprocessing_sha256,
        "vidette.parent_sha256": version.parent.sha256 if version.parent else "",
        "vidette.signature": version.signature,
    }


def _run(python: str, told: dict[str, Any]) -> dict[str, Any]:
    environment = {
        name: value for name, value in os.environ.items() if name in _PASSED or name.startswith("MLFLOW_")
    }
    try:
        done = subprocess.run(
            [python, str(_SCRIPT)],
            input=json.dumps(told),
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DomainError(
            "mlflow_failed",
            f"{python}: {type(error).__name__}; expected a Python with requirements/mlflow.txt",
        ) from error
    if done.returncode != 0:
        raise DomainError("mlflow_failed", f"MLflow: {done.stderr.strip()[-600:] or 'it said nothing'}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
