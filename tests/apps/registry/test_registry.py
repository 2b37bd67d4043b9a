"""Versions by their bytes, the best one per stage, assignments on record."""

import pytest

from apps.audit.models import AuditRecord
from apps.core.errors import DomainError, Forbidden, Unavailable
from apps.core.redis import client
from apps.registry import selectors, services
from apps.registry.models import ModelVersion, StageAssignment
from apps.registry.tasks import sync_models
from inference_workers.contracts.codec import encode
from inference_workers.contracts.lease import Stage
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.names import MODELS_PRESENT


def card(name: str, task: str = "detection", **changes) -> ModelCard:
    fields = {
        "family": "yolox",
        "sha256": name.encode().hex().ljust(64, "0")[:64],
        "licence": "Apache-2.0",
        "source": "https://models.example/x",
        "classes": tuple(f"class{i}" for i in range(80)),
        "input_size": (416, 416),
    }
    return ModelCard(name=name, task=task, **fields | changes)


@pytest.mark.django_db
def test_an_announcement_is_registered_once():
    cards = [card("yolox-nano"), card("centerface", "face", builtin=True)]
    assert (services.models_announced(cards), services.models_announced(cards)) == (2, 0)
    assert AuditRecord.objects.filter(action="model.register").count() == 2


@pytest.mark.django_db
def test_a_broken_file_is_shown_with_its_problem_and_never_serves():
    broken = card("mine", "", family="", sha256="", problem="mine.json is missing", classes=())
    services.models_announced([broken])
    version = ModelVersion.objects.get()
    assert (version.task, version.problem) == ("unknown", "mine.json is missing")
    assert selectors.serving() == {}


@pytest.mark.django_db
def test_other_bytes_are_another_version():
    services.models_announced([card("yolox-nano")])
    services.models_announced([card("yolox-nano", sha256="cd" * 32)])
    assert ModelVersion.objects.filter(present=True).count() == 1
    assert ModelVersion.objects.count() == 2


@pytest.mark.django_db
def test_a_version_that_went_comes_back_as_itself():
    services.models_announced([card("yolox-nano"), card("x")])
    services.models_announced([card("x")])
    assert not ModelVersion.objects.get(name="yolox-nano").present
    services.models_announced([card("yolox-nano"), card("x")])
    assert ModelVersion.objects.get(name="yolox-nano").present


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cards", "best"),
    [
        ([], None),
        ([card("hog-people", builtin=True, classes=("person",))], "hog-people"),
        ([card("hog-people", builtin=True, classes=("person",)), card("mine", classes=("cat",))], "mine"),
        ([card("mine", classes=("cat",)), card("general")], "general"),
        ([card("general"), card("picodet-s-416")], "picodet-s-416"),
        ([card("picodet-s-416"), card("yolox-nano", problem="wrong hash")], "picodet-s-416"),
    ],
)
def test_the_best_present_version_serves(cards, best):
    services.models_announced(cards)
    serving = selectors.serving().get(Stage.DETECT)
    assert (serving.name if serving else None) == best


@pytest.mark.django_db
def test_an_assigned_version_goes_first_until_it_breaks(erin):
    services.models_announced([card("yolox-nano"), card("mine")])
    mine = ModelVersion.objects.get(name="mine")
    services.stage_assign(acting_user=erin, stage="detect", version=mine)
    assert selectors.serving()[Stage.DETECT] == mine
    services.models_announced([card("yolox-nano"), card("mine", problem="the file is gone")])
    assert selectors.serving()[Stage.DETECT].name == "yolox-nano"
    state = next(state for state in selectors.stage_states() if state.stage == Stage.DETECT)
    assert (state.assigned, state.unusable) == (False, mine)
    assert services.stage_clear(acting_user=erin, stage="detect")
    assert not services.stage_clear(acting_user=erin, stage="detect")


@pytest.mark.django_db
def test_it_refuses_a_version_of_another_task_or_with_a_problem(erin):
    services.models_announced([card("face", "face"), card("bad", problem="wrong hash")])
    for name, code in (("face", "wrong_task"), ("bad", "version_unusable")):
        with pytest.raises(DomainError) as refused:
            services.stage_assign(
                acting_user=erin, stage="detect", version=ModelVersion.objects.get(name=name)
            )
        assert refused.value.code == code
    with pytest.raises(DomainError):
        services.stage_clear(acting_user=erin, stage="view")


@pytest.mark.django_db
def test_charlie_and_administrators_assign_nothing(charlie, adam):
    services.models_announced([card("yolox-nano")])
    for user in (charlie, adam):
        with pytest.raises(Forbidden):
            services.stage_assign(acting_user=user, stage="detect", version=ModelVersion.objects.get())


@pytest.mark.django_db(transaction=True)
def test_without_a_record_nothing_is_assigned(erin, monkeypatch):
    services.models_announced([card("yolox-nano")])

    def refuse(**_):
        raise Unavailable("audit_unavailable", "no record")

    monkeypatch.setattr("apps.audit.services.record_change", refuse)
    with pytest.raises(Unavailable):
        services.stage_assign(acting_user=erin, stage="detect", version=ModelVersion.objects.get())
    assert not StageAssignment.objects.exists()


@pytest.mark.django_db
def test_the_task_reads_what_was_announced_and_skips_nonsense(redis_url):
    assert sync_models() == 0
    client().hset(MODELS_PRESENT, mapping={"yolox-nano": encode(card("yolox-nano")), "bad": "{}"})
    assert sync_models() == 1
    assert AuditRecord.objects.get(action="model.register").actor_name == "registry"


@pytest.mark.django_db
def test_versions_with_one_contract_share_a_family_and_others_do_not():
    other_classes = tuple(reversed(card("x").classes))
    services.models_announced(
        [card("a"), card("b"), card("c", classes=other_classes), card("d", family="ssd")]
    )
    families = dict(ModelVersion.objects.values_list("name", "family_ref__name"))
    assert families == {"a": "yolox-80", "b": "yolox-80", "c": "yolox-80-2", "d": "ssd-80"}


@pytest.mark.django_db
def test_a_variant_points_to_its_parent_and_keeps_what_a_person_said():
    base = card("base")
    variant = card("base-int8", kind="int8", parent_sha256=base.sha256, preprocessing_sha256="ab" * 32)
    services.models_announced([base, variant])
    row = ModelVersion.objects.get(name="base-int8")
    assert (row.kind, row.parent.name, row.preprocessing_sha256) == ("int8", "base", "ab" * 32)
    ModelVersion.objects.filter(pk=row.pk).update(training_data="gate cameras, spring")
    services.models_announced([base, card("base-int8")])
    row.refresh_from_db()
    assert (row.kind, row.parent.name, row.training_data) == ("int8", "base", "gate cameras, spring")


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["uploaded", "checking", "refused", "retired"])
def test_only_a_ready_version_may_serve(erin, status):
    services.models_announced([card("yolox-nano")])
    ModelVersion.objects.update(status=status)
    assert Stage.DETECT not in selectors.serving()
    with pytest.raises(DomainError) as caught:
        services.stage_assign(acting_user=erin, stage="detect", version=ModelVersion.objects.get())
    assert caught.value.code == "version_unusable"
