"""The gate of variants: one point of mAP, however fast."""

from datetime import timedelta

import pytest

from apps.audit.models import AuditRecord
from apps.console.speed import speed_tables
from apps.core.clock import now
from apps.core.errors import Conflict, Invalid
from apps.evaluations.comparing import comparison_create
from apps.evaluations.gates import gate_state
from apps.evaluations.models import Evaluation
from apps.evaluations.sweeping import evaluations_sweep
from apps.evaluations.variants import variant_create
from apps.registry.choice import usable
from apps.registry.models import ModelFamily, ModelVersion
from apps.registry.services import models_announced
from inference_workers.contracts.evaluations import made_key
from inference_workers.contracts.models import ModelCard
from tests.apps.evaluations.parts import version_add

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(erin, versions, labelled, worker):
    """An int8 file that the data plane made, and that was checked and installed; its gate is open."""
    parent = versions[1]
    job = variant_create(
        acting_user=erin, parent=parent, kind="int8", calibration_set=labelled, calibration=8
    )
    (step,) = worker.sent
    assert (step.variant.name, len(step.variant.calibration)) == ("picodet-s-320.int8", 3)
    worker.answer(step, output_sha256="cc" * 32, side_file="{}", summary={"bytes": 5.0})
    evaluations_sweep()
    row = ModelVersion.objects.get(name="picodet-s-320.int8")
    assert (row.status, row.parent, row.kind, row.side_file) == ("uploaded", parent, "int8", "{}")
    assert row.object_key == made_key(str(job.pk))
    assert Evaluation.objects.filter(kind="compare").count() == 0, "nothing is compared before it is there"
    ModelVersion.objects.filter(pk=row.pk).update(status="gated")
    announce(parent)
    return job


def announce(parent):
    facts = {
        "family": "picodet",
        "task": "detection",
        "licence": "MIT",
        "source": "x",
        "classes": ("person",),
    }
    cards = [
        ModelCard(
            name="picodet-s-320.int8", sha256="cc" * 32, input_size=(320, 320), kind="int8",
            parent_sha256=parent.sha256, **facts,
        )
    ]  # fmt: skip
    cards += [
        ModelCard(name=row.name, sha256=row.sha256, input_size=(320, 320), **facts)
        for row in ModelVersion.objects.exclude(name="picodet-s-320.int8")
    ]
    models_announced(cards)


@pytest.mark.parametrize(
    ("ap", "gate", "serves"), [(0.331, "passed", True), (0.329, "refused", False), (0.36, "passed", True)]
)
def test_more_than_a_point_of_loss_is_refused_however_fast(made, worker, ap, gate, serves):
    variant = ModelVersion.objects.get(name="picodet-s-320.int8")
    assert not usable(variant), "a variant serves nothing before its gate"
    evaluations_sweep()
    worker.do_all(summary={"candidate_ap": ap, "candidate_p50_ms": 1.0, "base_p50_ms": 9.0})
    made.refresh_from_db()
    variant.refresh_from_db()
    assert (made.gate, made.made) == (gate, variant)
    assert usable(variant) is serves
    assert AuditRecord.objects.get(action="evaluation.gate").details["gate"] == gate
    announce(variant.parent)
    variant.refresh_from_db()
    assert usable(variant) is serves, "the next announcement does not undo the gate"


def test_what_the_checks_refuse_is_refused_by_its_gate(made, worker):
    ModelVersion.objects.filter(name="picodet-s-320.int8").update(status="refused")
    evaluations_sweep()
    made.refresh_from_db()
    assert (made.gate, Evaluation.objects.filter(kind="compare").count()) == ("refused", 0)


@pytest.fixture
def by_hand(versions):
    """An int8 file with a parent that somebody uploaded; its checks passed."""
    row = version_add("mine-int8", "dd", parent=versions[1], kind="int8", status="gated")
    announce_all()
    return row


def announce_all():
    facts = {"family": "picodet", "task": "detection", "licence": "MIT", "source": "x"}
    models_announced(
        [
            ModelCard(
                name=row.name, sha256=row.sha256, input_size=(320, 320), classes=tuple(row.classes), **facts
            )
            for row in ModelVersion.objects.all()
        ]
    )


@pytest.mark.parametrize(
    ("ap", "gate", "status"), [(0.331, "passed", "ready"), (0.329, "refused", "refused")]
)
def test_a_file_that_somebody_uploaded_passes_the_same_gate(by_hand, labelled, worker, ap, gate, status):
    assert not usable(by_hand)
    assert gate_state(by_hand).words.startswith("It is compared")
    assert evaluations_sweep()["gates"] == 1
    assert evaluations_sweep()["gates"] == 0, "it is compared once"
    assert "being compared with picodet-s-320 on Yard" in gate_state(by_hand).words
    worker.do_all(summary={"candidate_ap": ap})
    by_hand.refresh_from_db()
    job = Evaluation.objects.get(kind="gate")
    assert (by_hand.status, job.gate, job.made, job.candidate) == (status, gate, by_hand, by_hand.parent)
    assert gate_state(by_hand).words.lower().startswith(gate)
    assert AuditRecord.objects.get(action="evaluation.gate").details["variant"] == by_hand.sha256


def test_the_interface_says_where_the_gate_of_a_version_stands(
    by_hand, versions, labelled, worker, erin, client
):
    client.force_login(erin)
    address = f"/api/v1/models/{by_hand.pk}"
    waiting = client.get(address).json()["gate"]
    assert (waiting["gate"], waiting["comparison"]) == ("open", None)
    assert waiting["words"].startswith("It is compared with its parent")
    evaluations_sweep()
    worker.do_all(summary={"candidate_ap": 0.329})
    judged = client.get(address).json()
    assert (judged["status"], judged["gate"]["gate"]) == ("refused", "refused")
    assert judged["gate"]["words"].startswith(
        "Refused: +1.1 points of mAP lost against picodet-s-320 on Yard"
    )
    assert judged["gate"]["comparison"] == str(Evaluation.objects.get(kind="compare").pk)
    assert client.get(f"/api/v1/models/{versions[1].pk}").json()["gate"] is None


def test_it_says_what_its_gate_misses(by_hand, versions):
    def said(**changes):
        ModelVersion.objects.filter(pk=by_hand.pk).update(**changes)
        by_hand.refresh_from_db()
        return gate_state(ModelVersion.objects.get(pk=by_hand.pk)).words

    assert evaluations_sweep()["gates"] == 0
    assert "no labelled set" in said()
    assert "datasets add" in said()
    assert "lies in the model directory" in said(present=False)
    assert "Only detectors" in said(present=True, task="face")
    assert "parent is not known" in said(parent=None)
    assert gate_state(versions[1]) is None


def test_a_set_without_a_class_of_the_parent_judges_nothing(by_hand, labelled, worker):
    ModelVersion.objects.filter(pk=by_hand.parent.pk).update(classes=["gate"])
    by_hand = ModelVersion.objects.get(pk=by_hand.pk)
    assert evaluations_sweep()["gates"] == 0
    assert "has a class of its parent" in gate_state(by_hand).words


def test_where_the_parent_finds_nothing_the_gate_stays_open_until_a_person_compares(
    erin, by_hand, labelled, worker
):
    evaluations_sweep()
    worker.do_all(summary={"candidate_ap": 0.0, "base_ap": 0.0})
    by_hand.refresh_from_db()
    assert (by_hand.status, Evaluation.objects.get(kind="gate").gate) == ("gated", "open")
    assert "finds nothing" in gate_state(by_hand).words
    comparison_create(acting_user=erin, candidate=by_hand, base=by_hand.parent, set_version=labelled)
    worker.do_all(summary={"candidate_ap": 0.339})
    by_hand.refresh_from_db()
    assert (by_hand.status, Evaluation.objects.get(kind="gate").gate) == ("ready", "passed")


def test_it_refuses_kinds_and_counts_that_make_no_sense(erin, versions, labelled, worker):
    ask = {"acting_user": erin, "parent": versions[1], "calibration_set": labelled}
    with pytest.raises(Invalid, match="int8"):
        variant_create(kind="int4", **ask)
    with pytest.raises(Invalid, match="calibration"):
        variant_create(kind="int8", calibration=1, **ask)
    variant_create(kind="int8", calibration=8, **ask)
    with pytest.raises(Conflict):
        variant_create(kind="int8", calibration=8, **ask)


def test_the_family_shows_precision_against_speed_and_each_set_by_itself(erin, versions, client):
    """What a version lost on one set says nothing of its parent's figure on another."""
    parent = versions[1]
    family = ModelFamily.objects.create(name="people", task="detection", postprocess="picodet")
    ModelVersion.objects.filter(pk=parent.pk).update(family_ref=family)
    for name, kind, set_name, base_ap, ap in (
        ("of-int8", "int8", "Yard v1", 0.34, 0.335),
        ("of-fp16", "fp16", "Gate v1", 0.52, 0.52),
        ("of-fp16", "fp16", "Gate v1", 0.52, 0.1),
    ):
        variant, _new = ModelVersion.objects.get_or_create(
            name=name, sha256=name.encode().hex().ljust(64, "0"), kind=kind, parent=parent, family_ref=family
        )
        Evaluation.objects.filter(candidate=variant).update(finished_at=now() - timedelta(days=1))
        Evaluation.objects.create(
            kind="compare", state="done", candidate=variant, base=parent, set_name=set_name,
            finished_at=now(), summary={
                "candidate_ap": ap, "base_ap": base_ap, "difference": ap - base_ap,
                "candidate_p50_ms": 5.0, "base_p50_ms": 10.0,
            },
        )  # fmt: skip
    tables = {table.set_name: table for table in speed_tables(erin, [parent])}
    figures = {name: [dot.precision for dot in table.dots] for name, table in tables.items()}
    assert figures == {"Yard v1": [0.34, 0.335], "Gate v1": [0.52, 0.1]}
    client.force_login(erin)
    for address in (f"/models/families/{family.pk}/", f"/models/{parent.pk}/speed/"):
        page = client.get(address).content.decode()
        assert page.count('<svg class="plot"') == 2, address
        assert "Yard v1" in page
        assert "50 %" in page
