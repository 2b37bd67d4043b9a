"""What this installation states about a version that passed its checks, signed with the key of the record."""

import json
from dataclasses import asdict

from apps.audit import keys
from apps.core.clock import now
from apps.registry.models import ModelVersion
from inference_workers.contracts.model_checks import SignedStatement, Statement, side_sha256


def statement_sign(version: ModelVersion) -> None:
    """Fill `statement` and `signature` of a row that has its side file; the caller saves it."""
    statement = Statement(
        name=version.name,
        sha256=version.sha256,
        side_sha256=side_sha256(version.side_file),
        family=version.family,
        licence=version.licence,
        source=version.source,
        signed_at=now().isoformat(),
        facts={
            "version_id": str(version.pk),
            "kind": version.kind,
            "parent_sha256": version.parent.sha256 if version.parent else "",
            "preprocessing_sha256": version.preprocessing_sha256,
            "training_data": version.training_data,
        },
    )
    version.statement = json.dumps(asdict(statement), sort_keys=True, ensure_ascii=False)
    signature = keys.sign(version.statement.encode())
    version.signature = f"{signature.key_id}:{signature.value}"


def signed_statement(version: ModelVersion) -> SignedStatement:
    key_id, _, signature = version.signature.partition(":")
    return SignedStatement(version.statement, key_id, signature)


def statement_holds(version: ModelVersion) -> bool:
    """Whether a trusted key signed exactly what the row says; the page shows the answer."""
    signed = signed_statement(version)
    key = keys.public_keys().get(signed.key_id)
    if not version.statement or key is None:
        return False
    told = json.loads(version.statement)
    same = told["sha256"] == version.sha256 and told["side_sha256"] == side_sha256(version.side_file)
    return same and keys.signature_holds(key, version.statement.encode(), signed.signature)
