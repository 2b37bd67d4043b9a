"""Originals leave sealed or not at all; what is inside comes back to the holder of the private half alone."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from inference_workers.contracts.lease import RedactionPolicy
from inference_workers.contracts.recording import (
    SEAL_INFO,
    RecordingMode,
    RecordingPolicy,
    SealKey,
    seal_context,
)
from inference_workers.engine.errors import EngineError
from inference_workers.engine.frame import Frame
from inference_workers.engine.originals import OriginalKeeper, unpacked
from inference_workers.engine.recorder import Recorder, Scene
from inference_workers.engine.redaction import redact
from inference_workers.engine.sealing import seal, unseal
from tests.engine.test_recorder import T0, lease

PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = SealKey("key-1", base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode())
CONTEXT = seal_context("key-1", "cam-a", "seg-1")


def content_key(blob, context, private=PRIVATE):
    public = blob[4:36]
    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    salt = public + private.public_key().public_bytes_raw()
    return HKDF(SHA256(), 32, salt, SEAL_INFO + context).derive(shared)


def test_what_is_sealed_comes_back_with_the_private_half():
    blob = seal(b"original", KEY.public_key, CONTEXT)
    assert b"original" not in blob
    assert unseal(blob, content_key(blob, CONTEXT), CONTEXT) == b"original"


@pytest.mark.parametrize("where", [0, 10, 40, 50, -1])
def test_one_flipped_bit_is_noticed(where):
    blob = bytearray(seal(b"original", KEY.public_key, CONTEXT))
    key = content_key(bytes(blob), CONTEXT)
    blob[where] ^= 1
    with pytest.raises(EngineError):
        unseal(bytes(blob), key if where != 10 else content_key(bytes(blob), CONTEXT), CONTEXT)


def test_it_is_bound_to_its_segment():
    blob = seal(b"original", KEY.public_key, CONTEXT)
    other = seal_context("key-1", "cam-a", "seg-2")
    for key in (content_key(blob, CONTEXT), content_key(blob, other)):
        with pytest.raises(EngineError) as refused:
            unseal(blob, key, other)
        assert refused.value.code == "sealed_wrong_key"


def test_another_private_half_opens_nothing():
    blob = seal(b"original", KEY.public_key, CONTEXT)
    with pytest.raises(EngineError):
        unseal(blob, content_key(blob, CONTEXT, X25519PrivateKey.generate()), CONTEXT)


def test_a_key_that_is_none_is_refused():
    for text in ("", "!!", base64.b64encode(b"short").decode()):
        with pytest.raises(EngineError):
            seal(b"x", text, CONTEXT)


def _recorded(seal_key, masks=()):
    kept = replace(lease(), recording=RecordingPolicy(mode=RecordingMode.CONTINUOUS, seal=seal_key))
    recorder = Recorder(kept, OriginalKeeper())
    recorder.epoch = "e1"
    for number in range(5):
        raw = Frame(np.full((90, 160, 3), 220, np.uint8), "cam-a", "e1", number, T0 + number / 5)
        shown = redact(raw, np.array([[40.0, 20.0, 80.0, 60.0]]), RedactionPolicy(), masks)
        recorder.take(raw, shown, Scene(T0, {7: (0.2, 0.2, 0.6, 0.9)}, {}, masks))
    (segment,) = recorder.finish()
    return segment


def _opened(segment):
    context = seal_context("key-1", "cam-a", segment.result.segment_id)
    return unpacked(unseal(segment.sealed, content_key(segment.sealed, context), context))


def test_without_a_key_no_original_is_made():
    segment = _recorded(None)
    assert segment.sealed is None
    assert segment.result.original is None


def test_an_original_lies_beside_its_segment_and_names_it():
    segment = _recorded(KEY)
    original = segment.result.original
    assert original.object_key == f"originals/cam-a/2026-09-21/{segment.result.segment_id}.sealed"
    assert (original.key_id, original.bytes) == ("key-1", len(segment.sealed))
    sidecar, _video = _opened(segment)
    assert sidecar["redacted_sha256"] == segment.result.sha256
    assert len(sidecar["pictures"]) == segment.result.frames == 5
    first = sidecar["pictures"][0]
    assert first["boxes"] == {"7": [0.2, 0.2, 0.6, 0.9]}
    assert first["covered_xyxy"][0][0] < 0.25 < first["covered_xyxy"][0][2]


def test_a_privacy_mask_is_painted_in_the_original_too():
    import io

    import av

    whole = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    _sidecar, video = _opened(_recorded(KEY, (whole,)))
    with av.open(io.BytesIO(video)) as file:
        picture = next(file.decode(video=0)).to_ndarray(format="gray")
    assert picture[:, :70].mean() < 60
    assert picture[:, 90:].mean() > 200


def test_a_key_that_cannot_seal_costs_the_original_alone():
    segment = _recorded(SealKey("key-1", "broken"))
    assert segment.sealed is None
    assert segment.result.original is None
    assert segment.result.frames == 5


def test_a_broken_sidecar_is_refused():
    for plain in (b"", b"\x00\x00\x00\x02[]", b"\xff\xff\xff\xff{}", b"\x00\x00\x00\x02{}"):
        with pytest.raises(EngineError):
            unpacked(plain)
