"""Hands one model version to MLflow, or fetches one from it. Needs mlflow-skinny and nothing of Vidette.

Run by `manage.py models mlflow-export` and `mlflow-import` with the Python of an environment of its own
(requirements/mlflow.txt): MLflow's dependencies and the product's do not have to agree. One JSON object comes
in on standard input, one goes out on standard output; what goes wrong is a sentence on standard error.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

ARTIFACTS = "model"
MAX_BYTES = 1024 * 1024 * 1024


def export_version(client: Any, told: dict[str, Any]) -> dict[str, Any]:
    """A run with parameters, metrics and files, and a version of a registered model that points to it."""
    from mlflow.exceptions import MlflowException  # type: ignore[import-not-found]

    experiment = client.get_experiment_by_name("vidette")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment("vidette")
    run = client.create_run(experiment_id, run_name=told["name"], tags=told["tags"])
    for name, value in told["params"].items():
        client.log_param(run.info.run_id, name, value)
    for name, value in told["metrics"].items():
        client.log_metric(run.info.run_id, name, value)
    for path in told["files"]:
        client.log_artifact(run.info.run_id, path, ARTIFACTS)
    client.set_terminated(run.info.run_id)
    try:
        client.create_registered_model(told["model"])
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{run.info.artifact_uri}/{ARTIFACTS}"
    made = client.create_model_version(told["model"], source, run.info.run_id, tags=told["tags"])
    return {"model": told["model"], "version": str(made.version), "run_id": run.info.run_id}


def import_version(client: Any, told: dict[str, Any]) -> dict[str, Any]:
    """The one ONNX file of a registered version and its side file, copied into `folder`; nothing is run."""
    from mlflow.artifacts import download_artifacts  # type: ignore[import-not-found]

    found = client.get_model_version(told["model"], told["version"])
    fetched = Path(download_artifacts(artifact_uri=found.source, dst_path=told["folder"]))
    models = sorted(path for path in fetched.rglob("*.onnx") if path.is_file() and not path.is_symlink())
    if len(models) != 1:
        raise ValueError(f"expected one file NAME.onnx in the version's artifacts, got {len(models)}")
    if models[0].stat().st_size > MAX_BYTES:
        raise ValueError(f"expected a file of at most {MAX_BYTES} bytes, got {models[0].stat().st_size}")
    target = Path(told["folder"]) / "fetched.onnx"
    shutil.copyfile(models[0], target)
    side = models[0].with_suffix(".json")
    if side.is_file():
        shutil.copyfile(side, target.with_suffix(".json"))
    return {"file": str(target), "has_side_file": side.is_file(), "tags": dict(found.tags)}


def main() -> int:
    told = json.load(sys.stdin)
    if told["uri"].startswith("file:"):
        # MLflow 3 keeps its folder form for those who say that they want it; a server needs no such word.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    try:
        from mlflow import MlflowClient  # type: ignore[import-not-found]

        client = MlflowClient(tracking_uri=told["uri"], registry_uri=told["uri"])
        work = {"export": export_version, "import": import_version}[told["do"]]
        answer = work(client, told)
    except Exception as error:  # noqa: BLE001 - the edge of the program: one sentence for the person who called it
        sys.stderr.write(f"{type(error).__name__}: {str(error)[:500]}\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
