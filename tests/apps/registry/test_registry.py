"""Versions by their bytes, the best one per stage, assignments on record."""

import json

import pytest

from apps.audit.models import AuditRecord
from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.redis import client
from apps.registry import selectors, services
from apps.registry.assigning import stage_give
from apps.registry.installing import version_installed
from apps.registry.models import ModelVersion
from apps.registry.tasks import sync_models
from apps.rollouts.services import stage_assign
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
def test_an_assigned_version_goes_first_until_it_breaks():
    services.models_announced([card("yolox-nano"), card("mine")])
    mine = ModelVersion.objects.get(name="mine")
    stage_give(stage="detect", version=mine)
    assert selectors.serving()[Stage.DETECT] == mine
    services.models_announced([card("yolox-nano"), card("mine", problem="the file is gone")])
    assert selectors.serving()[Stage.DETECT].name == "yolox-nano"
    state = next(state for state in selectors.stage_states() if state.stage == Stage.DETECT)
    assert (state.assigned, state.unusable) == (False, mine)


@pytest.mark.parametrize("way", ["announced", "registered"])
def test_a_file_that_the_order_puts_first_takes_nothing_over_from_what_serves(way, camera):
    """Two persons choose what serves everywhere; who owns the model directory is one."""
    hog = card("hog-people", builtin=True, classes=("person",))
    services.models_announced([hog])
    services.models_announced([hog, card("general")])
    assert selectors.serving()[Stage.DETECT].name == "general", "what is built in gives way"
    ModelVersion.objects.update(first_seen_at=now() - services.SETTLES_AFTER)
    if way == "announced":
        services.models_announced([hog, card("general"), card("picodet-s-416")])
    else:
        services.card_register(card("picodet-s-416"))
    assert selectors.serving()[Stage.DETECT].name == "general"
    kept = AuditRecord.objects.get(action="model.keep")
    assert kept.details["instead_of"] == "picodet-s-416"
    services.models_announced([hog, card("picodet-s-416")])
    assert selectors.serving()[Stage.DETECT].name == "picodet-s-416", "what is gone cannot be kept"


@pytest.mark.django_db
def test_the_files_of_a_folder_come_one_by_one_and_the_best_of_them_serves(camera):
    services.models_announced([card("hog-people", builtin=True, classes=("person",))])
    for name in ("fastestdet-352", "picodet-s-416", "yolox-nano-0.1.0", "zebra"):
        services.card_register(card(name))
    assert selectors.serving()[Stage.DETECT].name == "yolox-nano-0.1.0"
    assert not AuditRecord.objects.filter(action="model.keep").exists()


@pytest.mark.django_db
def test_what_was_installed_is_not_taken_for_gone_by_an_older_announcement(redis_url, tmp_path):
    client().hset(MODELS_PRESENT, "hog-people", encode(card("hog-people", builtin=True)))
    (tmp_path / "yolox-nano.json").write_text("{}")
    version_installed(json.loads(encode(card("yolox-nano"))), tmp_path)
    sync_models()
    assert ModelVersion.objects.get(name="yolox-nano").present


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
def test_what_was_made_from_another_waits_for_its_gate_whatever_is_announced_first():
    """Redis gives the files of a folder in any order; a fine-tuning says so in its side file alone."""
    base = card("z-base")
    tuned = card("m-tuned", parent_sha256=base.sha256)
    again = card("a-tuned-again", parent_sha256=tuned.sha256)
    broken = card("broken", sha256="", problem="not readable")
    services.models_announced([again, tuned, broken, base])
    found = {row.name: (row.status, row.parent and row.parent.name) for row in ModelVersion.objects.all()}
    assert found == {
        "broken": ("ready", None),
        "z-base": ("ready", None),
        "m-tuned": ("gated", "z-base"),
        "a-tuned-again": ("gated", "m-tuned"),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["uploaded", "checking", "refused", "retired"])
def test_only_a_ready_version_may_serve(erin, status):
    services.models_announced([card("yolox-nano")])
    ModelVersion.objects.update(status=status)
    assert Stage.DETECT not in selectors.serving()
    with pytest.raises(DomainError) as caught:
        stage_assign(acting_user=erin, stage="detect", version=ModelVersion.objects.get())
    assert caught.value.code == "version_unusable"
