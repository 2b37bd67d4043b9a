"""Founding a family, on its page and in the interface: what its versions are checked against."""

import pytest
from django.urls import reverse

from apps.audit.models import AuditRecord
from apps.registry.models import ModelFamily
from inference_workers.contracts.families import DECODERS
from inference_workers.engine.detectors.families import FAMILIES

pytestmark = pytest.mark.django_db

FORM = {
    "name": "gates", "task": "detection", "postprocess": "yolox", "classes": "person\r\n\r\n truck \r\n",
    "min_side": 320, "max_side": 640, "description": "What stands at the gates",
}  # fmt: skip
ADD = "/models/families/add/"


def test_the_contract_names_the_decoders_of_the_engine():
    engine = {name: family.task for name, family in FAMILIES.items()}
    assert {name: task for task, names in DECODERS.items() for name in names} == engine


def test_a_family_is_founded_on_its_page_and_on_record(client, erin):
    client.force_login(erin)
    assert reverse("console:model_family_add") in client.get("/models/families/").content.decode()
    answer = client.post(ADD, FORM, follow=True)
    family = ModelFamily.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("console:model_family", args=[family.pk])
    assert (family.classes, family.postprocess) == (["person", "truck"], "yolox")
    assert (family.input_contract["min_side"], family.input_contract["max_side"]) == (320, 640)
    assert AuditRecord.objects.get(action="model.family").details["name"] == "gates"
    assert "Founded." in answer.content.decode()
    assert f'value="{family.pk}"' in client.get("/models/upload/").content.decode()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": "Gates!"}, "small letters, digits, dots"),
        ({"postprocess": "yunet"}, "Vidette reads answers for this task by one of: yolox"),
        ({"classes": "person\nperson"}, "Every class has a name of its own."),
        ({"classes": " \n"}, "This field is required."),
        ({"classes": "x" * 81}, "A class has at most 80 characters"),
        ({"min_side": 640, "max_side": 320}, "The smallest side is larger than the largest."),
        ({"min_side": 1}, "greater than or equal to 32"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_what_was_typed_stays(client, erin, changed, sentence):
    client.force_login(erin)
    page = client.post(ADD, FORM | changed).content.decode()
    assert sentence in page
    assert "What stands at the gates" in page
    assert not ModelFamily.objects.exists()


def test_a_name_is_taken_once(client, erin):
    client.force_login(erin)
    client.post(ADD, FORM)
    assert "A family named gates is there already." in client.post(ADD, FORM).content.decode()
    assert ModelFamily.objects.count() == 1


def test_the_interface_refuses_what_nothing_reads(client, erin):
    client.force_login(erin)
    body = FORM | {"classes": ["person"], "postprocess": "retinanet"}
    answer = client.post("/api/v1/model-families", body, content_type="application/json")
    assert (answer.status_code, "It has nothing named retinanet" in answer.content.decode()) == (400, True)


def test_who_may_only_look_is_not_offered_it(client, bob):
    client.force_login(bob)
    assert "/models/families/add/" not in client.get("/models/families/").content.decode()
