"""What `manage.py models add` and `pull` have checked and installed: registered and signed at once."""

import json
import logging
from pathlib import Path
from typing import Any

from django.db import transaction
from redis import RedisError

from apps.core.redis import client
from apps.registry.checking import reply_lines
from apps.registry.choice import needs_gate
from apps.registry.models import ModelVersion, VersionStatus
from apps.registry.services import card_register
from apps.registry.statements import signed_statement, statement_sign
from apps.registry.versions import version_record
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.model_checks import CheckReply
from inference_workers.contracts.models import ModelCard
from inference_workers.contracts.names import MODELS_PRESENT

logger = logging.getLogger(__name__)


def version_installed(told: dict[str, Any], folder: Path) -> ModelVersion:
    """Register one line of the data plane's answer; `folder` is the model directory."""
    check = told.pop("check", None)
    card = decode(ModelCard, json.dumps(told))
    with transaction.atomic():
        version = card_register(card)
        version.side_file = (folder / f"{card.name}.json").read_text()
        version.problem = ""
        if not needs_gate(version):  # else the announcement said already that it waits, or what its gate said
            version.status = VersionStatus.READY
        if check is not None:
            _keep_lines(version, decode(CheckReply, json.dumps(check)))
        statement_sign(version)
        version.save()
        version_record("accept", version, {"signature": version.signature})
        _write(version, folder)
    _announce(card)
    return version


def _announce(card: ModelCard) -> None:
    """What was announced before the file came would mark it as absent until the worker looks again."""
    try:
        client().hset(MODELS_PRESENT, card.name, encode(card))
    except RedisError as error:
        logger.info("%s waits for the worker's own announcement: %s", card.name, type(error).__name__)


def _keep_lines(version: ModelVersion, reply: CheckReply) -> None:
    version.checks, version.check_facts = reply_lines(reply)


def versions_sign_again(folder: Path) -> list[str]:
    """New statements for every present version that was signed before; returns their names."""
    names = []
    for version in ModelVersion.objects.filter(present=True, builtin=False).exclude(signature=""):
        with transaction.atomic():
            statement_sign(version)
            version.save(update_fields=["statement", "signature"])
            version_record("sign", version, {"signature": version.signature})
            _write(version, folder)
        names.append(version.name)
    return names


def _write(version: ModelVersion, folder: Path) -> None:
    """In one step: a worker that loads meanwhile sees the old statement or the new one."""
    part = folder / f".new-{version.name}.statement.part"
    part.write_text(encode(signed_statement(version)))
    part.replace(folder / f"{version.name}.statement")
