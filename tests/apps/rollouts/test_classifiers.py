"""A classifier serves no stage: each door to a rollout, a shadow or a comparison says so, and what to do."""

import pytest

from apps.core.errors import DomainError
from apps.evaluations.variants import variant_create
from apps.registry.models import ModelVersion
from tests.apps.api.world import make_labelled_set

SENTENCE = "it serves no stage, so there is no rollout, shadow or comparison of it"


@pytest.fixture
def colours(versions) -> ModelVersion:
    return ModelVersion.objects.create(
        name="colours", family="classifier-logits", task="classification", sha256="d" * 64, classes=["red"]
    )


@pytest.fixture
def api(client, erin):
    client.force_login(erin)
    return client


@pytest.mark.parametrize("strategy", ["shadow", "canary", "ab", "blue_green", "at_once"])
def test_no_strategy_takes_one(prepared, colours, strategy):
    with pytest.raises(DomainError, match=SENTENCE):
        prepared(candidate=colours, strategy=strategy)


def test_the_pages_do_not_offer_it_and_say_why(api, colours, fleet):
    assert str(colours.pk) not in api.get("/rollouts/add/").content.decode()
    assert f'value="{colours.pk}"' not in api.get("/evaluations/").content.decode()
    page = api.get(f"/models/{colours.pk}/").content.decode()
    assert "labelled sets hold boxes" in page
    assert "It serves no stage" in page
    asked = api.post(
        "/models/assign/", {"stage": "detect", "version": colours.pk, "reason": "x"}, follow=True
    )
    assert SENTENCE in asked.content.decode()


def test_the_interface_says_it_too(api, colours, versions, fleet):
    def refused(method, address: str, **body) -> str:
        answer = method(f"/api/v1/{address}", body, content_type="application/json")
        assert answer.status_code in (400, 422), answer.content
        return answer.content.decode()

    plan = {"candidate": str(colours.pk), "strategy": "shadow", "reason": "because"}
    assert SENTENCE in refused(api.post, "rollouts", stage="detect", **plan)
    assert "A classifier is given to cascades" in refused(api.post, "rollouts", stage="classify", **plan)
    assert SENTENCE in refused(api.put, "stages/detect", version=str(colours.pk))
    labelled, _sha256 = make_labelled_set()
    both = {"candidate": str(colours.pk), "base": str(versions["base"].pk), "set_version": str(labelled.pk)}
    assert "Only detectors can be compared" in refused(api.post, "evaluations/comparisons", **both)
    asked = {"version": str(colours.pk), "kind": "int8", "calibration_set": str(labelled.pk)}
    assert "Only detectors can be compared" in refused(api.post, "evaluations/variants", **asked)


def test_what_is_built_in_or_gone_has_no_variant(erin, versions):
    labelled, _sha256 = make_labelled_set()
    for change, words in (
        ({"builtin": True}, "no file to make a variant of"),
        ({"present": False}, "directory"),
    ):
        ModelVersion.objects.filter(pk=versions["third"].pk).update(
            **{"builtin": False, "present": True} | change
        )
        parent = ModelVersion.objects.get(pk=versions["third"].pk)
        with pytest.raises(DomainError, match=words):
            variant_create(acting_user=erin, parent=parent, kind="int8", calibration_set=labelled)
