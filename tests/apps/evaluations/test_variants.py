"""The gate of variants: one point of mAP, however fast."""

import pytest

from apps.audit.models import AuditRecord
from apps.core.errors import Conflict, Invalid
from apps.evaluations.models import Evaluation
from apps.evaluations.sweeping import evaluations_sweep
from apps.evaluations.variants import variant_create
from apps.registry.choice import usable
from apps.registry.models import ModelVersion
from apps.registry.services import models_announced
from inference_workers.contracts.models import ModelCard

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(erin, versions, labelled, worker):
    """An int8 file that the data plane made and announced; its gate is open."""
    parent = versions[1]
    job = variant_create(
        acting_user=erin, parent=parent, kind="int8", calibration_set=labelled, calibration=8
    )
    (step,) = worker.sent
    assert (step.variant.name, len(step.variant.calibration)) == ("picodet-s-320.int8", 3)
    worker.answer(step, output_sha256="cc" * 32)
    evaluations_sweep()
    assert Evaluation.objects.filter(kind="compare").count() == 0, (
        "nothing is compared before it is announced"
    )
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


def test_it_refuses_kinds_and_counts_that_make_no_sense(erin, versions, labelled, worker):
    ask = {"acting_user": erin, "parent": versions[1], "calibration_set": labelled}
    with pytest.raises(Invalid, match="int8"):
        variant_create(kind="int4", **ask)
    with pytest.raises(Invalid, match="calibration"):
        variant_create(kind="int8", calibration=1, **ask)
    variant_create(kind="int8", calibration=8, **ask)
    with pytest.raises(Conflict):
        variant_create(kind="int8", calibration=8, **ask)
