"""From an upload to a version that serves; and every file that somebody might send instead of a model."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation

from apps.audit.models import AuditRecord
from apps.core.errors import Conflict, DomainError, Forbidden, Unavailable
from apps.core.objects import object_get, object_put
from apps.evaluations.models import Evaluation
from apps.registry import checking, selectors, versions
from apps.registry.assigning import stage_give
from apps.registry.choice import usable, why_unusable
from apps.registry.families import FamilyFacts, family_create
from apps.registry.models import ModelVersion, VersionStatus
from apps.registry.problems import problem_words
from apps.registry.statements import statement_holds
from apps.registry.versions import MadeFile
from apps.rollouts.services import stage_assign
from inference_workers.contracts.lease import ModelRef, Stage
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from tests.apps.registry.worker import only, post, side_text, stored
from tests.engine import hostile_models as hostile
from tests.engine.onnx_graphs import constant_graph, detr_outputs, side_of

pytestmark = pytest.mark.django_db(transaction=True)


def _upload(user, data: bytes, name: str = "tiny", **fields: str):
    answer = post(user, data, **{"name": name, "side_file": side_text(data), **fields})
    assert answer.status_code == 202, answer.content
    return answer.json()


def test_from_upload_to_serving(erin, worker, walls):
    data = hostile.good()
    told = _upload(erin, data, training_data="two gates, spring")
    assert (told["status"], told["present"], told["artifact"]) == ("uploaded", False, "onnx")
    worker.work()
    version = only()
    assert (version.status, version.problem, version.present) == ("ready", "", True)
    assert {line["outcome"] for line in version.checks} == {"passed"}
    assert "system call filter" in version.check_facts["sandbox"]
    assert (version.family_ref.name, version.classes) == ("detr-2", ["person", "car"])
    assert version.training_data == "two gates, spring"
    assert statement_holds(version)
    assert (worker.model_dir / "tiny.onnx").read_bytes() == data
    assert selectors.serving()[Stage.DETECT] != version, "nobody has said yet that it shall serve"
    stage_give(stage="detect", version=version)
    assert selectors.serving()[Stage.DETECT] == version
    loaded = worker.directory.load(ModelRef(str(version.pk), "tiny", "detr", version.sha256))
    assert loaded.detector is not None
    actions = set(AuditRecord.objects.values_list("action", flat=True))
    assert {"model.upload", "model.accept"} <= actions


def test_known_bytes_need_no_side_file(erin, worker, monkeypatch):
    from inference_workers import side_files

    data = hostile.good()
    known = side_files.KnownModel("tiny", len(data), side_of(data))
    monkeypatch.setitem(side_files._BY_SHA256, known.side.sha256, known)
    _upload(erin, data, side_file="")
    worker.work()
    assert (only().status, json.loads(only().side_file)["family"]) == ("ready", "detr")


def test_a_family_that_was_chosen_is_the_contract(erin, worker):
    facts = FamilyFacts("gates", "detection", "detr", ("person", "truck"))
    family = family_create(acting_user=erin, facts=facts)
    _upload(erin, hostile.good(), family=str(family.pk))
    worker.work()
    assert (only().status, only().problem) == (
        "refused", "family: class 1: expected 'truck', got 'car'",
    )  # fmt: skip


def test_a_variant_names_its_parent(erin, worker):
    base = hostile.good()
    _upload(erin, base)
    worker.work()
    parent = only()
    variant = constant_graph(detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.8)))
    _upload(erin, variant, "tiny-int8", parent=str(parent.pk), kind="int8")
    worker.work()
    row = ModelVersion.objects.get(name="tiny-int8")
    assert (row.parent, row.kind, row.status, row.present) == (parent, "int8", "gated", True)
    assert statement_holds(row)
    assert not usable(row), "it waits for the comparison with its parent"
    assert list(parent.children.all()) == [row]


def test_the_side_file_alone_names_the_parent_and_gates_it_too(erin, worker):
    base = hostile.good()
    _upload(erin, base)
    worker.work()
    parent = only()
    variant = constant_graph(detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.8)))
    side = side_text(variant, kind="int8", parent_sha256=parent.sha256)
    _upload(erin, variant, "tiny-int8", side_file=side)
    worker.work()
    row = ModelVersion.objects.get(name="tiny-int8")
    assert (row.parent, row.kind, row.status) == (parent, "int8", "gated")


def test_a_variant_without_its_parent_is_refused(erin, worker):
    _upload(erin, hostile.good(), kind="int8")
    worker.work()
    assert (only().status, only().problem[:7]) == ("refused", "parent:")
    with translation.override("ru"):
        assert problem_words(only()).startswith("parent: ожидается версия")
        assert why_unusable(only()) == problem_words(only())


def test_what_no_gate_can_compare_is_refused_at_the_door(erin, worker):
    parent = ModelVersion.objects.create(name="yunet", family="yunet", task="face", sha256="ab" * 32)
    data = hostile.good()
    answer = post(erin, data, filename="tiny.onnx", side_file=side_text(data), parent=str(parent.pk))
    assert (answer.status_code, answer.json()["code"]) == (400, "parent_task")
    assert stored() == []


def test_what_the_product_makes_is_checked_signed_and_installed_where_only_signed_models_serve(erin, worker):
    """The file of a variant job, in a model directory that refuses everything without a signature."""
    config = dataclasses.replace(worker.directory._settings, signed_models_only=True)
    worker.directory = ModelDirectory(config)
    worker.desk = dataclasses.replace(worker.desk, directory=worker.directory)
    _upload(erin, hostile.good())
    worker.work()
    data = constant_graph(detr_outputs((0.5, 0.5, 0.2, 0.4, 0, 0.8)))
    side = side_text(data, kind="fp16", parent_sha256=only().sha256)
    object_put("evaluations/job/model.onnx", data)
    made = MadeFile(
        "tiny.fp16", "evaluations/job/model.onnx", hashlib.sha256(data).hexdigest(), len(data), side, "fp16"
    )
    with transaction.atomic():
        row = versions.version_made(parent=only(), made=made, created_by=None)
    worker.work()
    row.refresh_from_db()
    assert (row.status, row.present, row.problem) == ("gated", True, "")
    assert statement_holds(row)
    worker.directory.load(ModelRef(str(row.pk), "tiny.fp16", "detr", row.sha256))
    (worker.model_dir / "tiny.fp16.statement").unlink()
    with pytest.raises(EngineError, match="SIGNED_MODELS_ONLY"):
        worker.directory.load(ModelRef(str(row.pk), "tiny.fp16", "detr", row.sha256))


REFUSED_AT_THE_DOOR = {
    "pickle": hostile.pickled,
    "zip renamed": hostile.zipped,
    "empty": lambda _canary: b"",
    "zeros": lambda _canary: bytes(4096),
    "text": lambda _canary: b"#!/bin/sh\ntouch canary\n",
}


@pytest.mark.parametrize("kind", REFUSED_AT_THE_DOOR)
def test_what_is_no_model_is_refused_at_its_first_bytes(kind, erin, worker, tmp_path):
    canary = tmp_path / "canary"
    data = REFUSED_AT_THE_DOOR[kind](canary)
    answer = post(erin, data, side_file=side_text(data))
    assert (answer.status_code, answer.json()["code"]) == (415, "model_format")
    assert (stored(), ModelVersion.objects.count(), worker.sent) == ([], 0, [])
    assert not canary.exists()


REFUSED_BY_A_CHECK = {
    "external tensor": (lambda tmp: hostile.EXTERNAL["in_subgraph"](_external(tmp)), "external"),
    "pickle behind a model": (lambda tmp: hostile.onnx_with_pickle_behind(tmp / "canary"), "structure"),
    "loop without end": (lambda tmp: hostile.loop_without_end(), "operators"),
    "no number": (lambda tmp: hostile.nan_for_white_only(), "inference"),
}


def _external(folder: Path):
    (folder / "secret").write_bytes(bytes(16))
    return hostile.external_tensor(str(folder / "secret"))


@pytest.mark.parametrize("kind", REFUSED_BY_A_CHECK)
def test_what_hides_deeper_is_refused_in_words_and_never_installed(kind, erin, worker, walls, tmp_path):
    make, check = REFUSED_BY_A_CHECK[kind]
    _upload(erin, make(tmp_path))
    worker.work()
    version = only()
    assert version.status == VersionStatus.REFUSED
    assert version.problem.startswith(f"{check}: ")
    assert not (tmp_path / "canary").exists()
    assert not list(worker.model_dir.glob("*.onnx"))
    assert AuditRecord.objects.filter(action="model.refuse").count() == 1
    with pytest.raises(DomainError, match=check):
        stage_assign(acting_user=erin, stage="detect", version=_task(version))


def _task(version: ModelVersion) -> ModelVersion:
    version.task = "detection"
    return version


def test_ten_gigabytes_are_refused_before_a_byte_is_read(erin, worker):
    client = Client()
    client.force_login(erin)
    answer = client.generic(
        "POST", "/api/v1/models", b"x", content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(10 * 1024**3),
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert stored() == []


def test_safetensors_are_kept_and_serve_nothing(erin, worker):
    header = {"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    answer = post(
        erin, hostile.safetensors(header, bytes(16)), filename="weights.pt", licence="MIT", training_data="x"
    )
    assert (answer.status_code, answer.json()["name"]) == (202, "weights")
    worker.work()
    version = only()
    assert (version.status, version.artifact, version.present, worker.sent) == (
        "ready", "safetensors", False, [],
    )  # fmt: skip
    with pytest.raises(DomainError, match="training"):
        stage_assign(acting_user=erin, stage="detect", version=_task(version))


def test_a_file_without_a_licence_is_refused(erin, worker):
    data = hostile.safetensors({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"x")
    post(erin, data, filename="w.safetensors")
    worker.work()
    assert only().problem.startswith("licence: ")


def test_bytes_that_changed_in_the_store_are_refused(erin, worker, settings):
    from apps.core.objects import object_put

    _upload(erin, hostile.good())
    other = hostile.not_a_number()
    object_put(only().object_key, other + bytes(len(hostile.good()) - len(other)))
    worker.work()
    assert only().status != VersionStatus.READY
    assert not list(worker.model_dir.glob("*.onnx"))


def test_what_was_signed_is_compared_at_every_load(erin, worker):
    _upload(erin, hostile.good())
    worker.work()
    ref = ModelRef("x", "tiny", "detr", only().sha256)
    worker.directory.load(ref)
    side = worker.model_dir / "tiny.json"
    side.write_text(side.read_text().replace('"scale": 1.0', '"scale": 0.5'))
    with pytest.raises(EngineError, match="not what was checked and signed"):
        worker.directory.load(ref)
    [card] = [card for card in worker.directory.cards() if card.name == "tiny"]
    assert "signed" in card.problem
    statement = worker.model_dir / "tiny.statement"
    statement.write_text(statement.read_text().replace("Apache-2.0", "MIT"))
    with pytest.raises(EngineError, match="signed by none"):
        worker.directory.load(ref)


def test_an_unsigned_file_can_be_refused_by_a_setting(erin, worker):
    import dataclasses

    from inference_workers.engine.model_directory import ModelDirectory

    _upload(erin, hostile.good())
    worker.work()
    (worker.model_dir / "tiny.statement").unlink()
    strict = dataclasses.replace(worker.directory._settings, signed_models_only=True)
    with pytest.raises(EngineError, match="has no statement"):
        ModelDirectory(strict).load(ModelRef("x", "tiny", "detr", only().sha256))


def test_a_name_is_given_once(erin, worker):
    _upload(erin, hostile.good())
    answer = post(erin, hostile.not_a_number(), filename="tiny.onnx")
    assert (answer.status_code, answer.json()["code"]) == (409, "version_exists")
    assert len(stored()) == 1


def test_a_refused_upload_gives_its_name_back_and_its_file_goes(erin, worker):
    _upload(erin, hostile.not_a_number())
    worker.work()
    first = only().object_key
    _upload(erin, hostile.good())
    worker.work()
    assert only().status == VersionStatus.READY
    assert stored() == [only().object_key] != [first]


def test_what_was_compared_before_it_was_refused_keeps_its_name(erin, worker):
    """A gate refused it: its comparison names the row, so that nobody can put other bytes in its place."""
    refused = ModelVersion.objects.create(
        name="tiny", family="detr", task="detection", sha256="cd" * 32, status="refused"
    )
    Evaluation.objects.create(kind="compare", state="done", candidate=refused)
    data = hostile.good()
    answer = post(erin, data, filename="tiny.onnx", side_file=side_text(data))
    assert (answer.status_code, answer.json()["code"]) == (409, "version_exists")
    assert "was refused after it was compared" in answer.json()["detail"]
    assert (stored(), ModelVersion.objects.count()) == ([], 1)


def test_an_installation_is_asked_for_without_end(erin, worker):
    """The number of the question begins again before its column is full."""
    _upload(erin, hostile.good())
    worker.apply(checking.check_apply, worker.desk.check(worker.sent.pop()))
    worker.sent.clear()
    ModelVersion.objects.update(check_attempts=2**15 - 1, check_until=None)
    assert checking.models_send() == 1
    assert worker.sent[0].attempt == only().check_attempts < 2**15
    worker.work()
    assert only().present


def test_answers_to_an_earlier_question_change_nothing(erin, worker):
    _upload(erin, hostile.good())
    reply = worker.desk.check(worker.sent.pop())
    ModelVersion.objects.update(check_attempts=2)
    assert worker.apply(checking.check_apply, reply) is False
    assert only().status == VersionStatus.CHECKING


def test_a_lost_worker_is_asked_again_and_at_last_nothing_is_decided_well(erin, worker):
    _upload(erin, hostile.good())
    for _attempt in range(checking.MAX_ATTEMPTS):
        ModelVersion.objects.update(check_until=None)
        checking.models_send()
    ModelVersion.objects.update(check_until=None)
    checking.models_send()
    assert (only().status, only().check_attempts) == (VersionStatus.REFUSED, checking.MAX_ATTEMPTS)


def test_a_machine_without_walls_decides_nothing(erin, worker, monkeypatch):
    from inference_workers.tasks import check_models

    def no_walls(_path, _work):
        raise EngineError("sandbox_missing", "this machine has no walls")

    monkeypatch.setattr(check_models, "check_file", no_walls)
    _upload(erin, hostile.good())
    worker.work()
    assert (only().status, only().problem) == (
        VersionStatus.CHECKING, "sandbox_missing: this machine has no walls",
    )  # fmt: skip


def test_without_a_worker_an_upload_waits(erin, worker, redis):
    redis.delete("vidette:heartbeats")
    _upload(erin, hostile.good())
    assert (only().status, worker.sent) == (VersionStatus.UPLOADED, [])


def test_retiring_needs_a_reason_and_an_unused_version(erin, worker):
    _upload(erin, hostile.good())
    worker.work()
    stage_give(stage="detect", version=only())
    with pytest.raises(Conflict, match="detect"):
        versions.version_retire(acting_user=erin, version=only(), reason="replaced")
    stage_give(stage="detect", version=None)
    versions.version_retire(acting_user=erin, version=only(), reason="replaced")
    assert only().status == VersionStatus.RETIRED
    assert selectors.serving().get(Stage.DETECT) != only()


def test_charlie_uploads_and_retires_nothing(charlie, erin, worker):
    answer = post(charlie, hostile.good(), filename="tiny.onnx")
    assert (answer.status_code, stored()) == (403, [])
    _upload(erin, hostile.good())
    with pytest.raises(Forbidden):
        versions.version_retire(acting_user=charlie, version=only(), reason="because")


def test_without_a_record_nothing_stays(erin, worker, monkeypatch):
    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    answer = post(erin, hostile.good(), filename="tiny.onnx")
    assert answer.status_code == 503
    assert (stored(), ModelVersion.objects.count()) == ([], 0)


def test_the_object_is_what_was_sent(erin, worker):
    _upload(erin, hostile.good())
    assert object_get(only().object_key) == hostile.good()


def test_answers_come_home_over_the_results_stream(erin, worker):
    from apps.detections.results import Outcome, ResultBatch
    from apps.dispatch.results import Entry
    from inference_workers.contracts.codec import encode

    _upload(erin, hostile.good())
    reply = worker.desk.check(worker.sent.pop())
    entry = Entry(b"1-0", {b"type": b"CheckReply", b"data": encode(reply).encode()})
    with transaction.atomic():
        assert entry.apply(ResultBatch()) is Outcome.APPLIED
    with transaction.atomic():
        assert entry.apply(ResultBatch()) is Outcome.REPEATED
    assert (only().status, type(worker.sent[0]).__name__) == (VersionStatus.READY, "InstallModel")


def test_the_task_hands_work_on_and_drops_what_it_does_not_understand(erin, worker, monkeypatch):
    from inference_workers.contracts.codec import encode
    from inference_workers.tasks import models

    taken, counted = [], []

    class Desk:
        take_check = staticmethod(taken.append)

    class Counters:
        error = staticmethod(counted.append)

    monkeypatch.setattr(models, "desk", Desk)
    monkeypatch.setattr(models, "runtime", lambda: type("Runtime", (), {"counters": Counters}))
    _upload(erin, hostile.good())
    models.check_model(encode(worker.sent[0]))
    models.check_model('{"version_id": "x", "run": "rm"}')
    assert (taken, counted) == ([worker.sent[0]], ["bad_message"])
