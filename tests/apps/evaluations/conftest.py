"""Fixtures of evaluations. What needs Django is imported inside: this file is read before it is set up."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Any:
    from tests.apps.evaluations.parts import Worker

    made = Worker()
    monkeypatch.setattr("apps.evaluations.sending.gpu_send", made.take)
    monkeypatch.setattr("apps.evaluations.sending.worker_lives", lambda: True)
    monkeypatch.setattr("apps.evaluations.sweeping.worker_lives", lambda: True)
    monkeypatch.setattr("apps.registry.checking.worker_lives", lambda: False)  # nobody checks what it made
    return made


@pytest.fixture
def versions(db: None) -> tuple[Any, Any]:
    """A candidate and a base."""
    from tests.apps.evaluations.parts import version_add

    return version_add("picodet-s-416", "aa"), version_add("picodet-s-320", "bb")


@pytest.fixture
def labelled(db: None, tmp_path: Path) -> Any:
    """A set that was checked."""
    from apps.core.context import audit_context, system_context
    from apps.evaluations.formats import Where, read_set
    from apps.evaluations.models import SetState, SetVersion
    from apps.evaluations.sets import set_add
    from tests.apps.evaluations.parts import yolo_folder

    read = read_set(Where(yolo_folder(tmp_path / "set")))
    with audit_context(system_context("test")):
        version = set_add(read=read, name="Yard")
    version.evaluations.update(state="done")
    SetVersion.objects.filter(pk=version.pk).update(state=SetState.READY)
    version.refresh_from_db()
    return version
