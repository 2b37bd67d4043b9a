"""Signed statements of the control plane beside models: NAME.statement says what was checked and accepted.

The hash of the lease says which bytes shall serve; the statement says that these bytes, fed in this way,
passed the checks of this installation. Whoever can write to Redis and to the model directory can forge the
first, not the second.
"""

from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.model_checks import SignedStatement, Statement, side_sha256
from inference_workers.engine.errors import EngineError

MAX_BYTES = 64 * 1024
SUFFIX = ".statement"


def statement_path(model: Path) -> Path:
    return model.with_name(model.name.removesuffix(".onnx") + SUFFIX)


def trusted_keys(words: tuple[str, ...]) -> dict[str, Ed25519PublicKey]:
    """Public keys by their text. Raises EngineError `model_keys` for what is none."""
    try:
        return {word: Ed25519PublicKey.from_public_bytes(bytes.fromhex(word)) for word in words}
    except ValueError as error:
        raise EngineError(
            "model_keys", "VIDETTE_MODEL_KEYS: expected public keys of 64 hexadecimal digits (`models key`)"
        ) from error


def require_statement(
    model: Path, sha256: str, side_text: str, keys: Mapping[str, Ed25519PublicKey], *, always: bool
) -> None:
    """Compare a model that is about to be used with its statement.

    Args:
        keys: trusted public keys; without any, only the hashes are compared.
        always: refuse a model that has no statement.

    Raises:
        EngineError: `model_unsigned`, `model_signature`, `model_wrong_hash`.
    """
    path = statement_path(model)
    if not path.is_file():
        if always:
            raise EngineError(
                "model_unsigned",
                f"{model.name}: VIDETTE_SIGNED_MODELS_ONLY is set and it has no statement; upload it, or "
                "install it with `manage.py models add`",
            )
        return
    with path.open("rb") as file:
        signed = _decoded(file.read(MAX_BYTES + 1)[:MAX_BYTES], model.name)
    require_signed(signed, model.name, sha256, side_text, keys)


def require_signed(
    signed: SignedStatement,
    name: str,
    sha256: str,
    side_text: str,
    keys: Mapping[str, Ed25519PublicKey],
) -> None:
    """Raises EngineError `model_signature`, `model_wrong_hash`."""
    if keys and not any(_holds(key, signed) for key in keys.values()):
        raise EngineError(
            "model_signature",
            f"{name}: its statement is signed by none of VIDETTE_MODEL_KEYS; somebody changed it, or the key "
            "was exchanged: `manage.py models sign` signs what is registered again",
        )
    try:
        statement = decode(Statement, signed.statement)
    except ContractError as error:
        raise EngineError("model_signature", f"{name}: its statement is not readable: {error}") from error
    if (statement.sha256, statement.side_sha256) != (sha256, side_sha256(side_text)):
        raise EngineError(
            "model_wrong_hash", f"{name}: the file or its side file is not what was checked and signed"
        )


def _holds(key: Ed25519PublicKey, signed: SignedStatement) -> bool:
    try:
        key.verify(bytes.fromhex(signed.signature), signed.statement.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _decoded(raw: bytes, name: str) -> SignedStatement:
    try:
        return decode(SignedStatement, raw)
    except (ContractError, UnicodeDecodeError) as error:
        raise EngineError("model_signature", f"{name}: its statement is not readable: {error}") from error
