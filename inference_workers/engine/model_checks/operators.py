"""Which operators a model may use: those of the ONNX standard that answer the same each time and end.

What is left out: loops, whose number of rounds a frame could decide, so that one picture stops a camera;
random numbers, with which the same picture gives two answers; text, which no picture needs; and everything
outside of the standard except the operators that onnxruntime's own quantisation and clean-up write.
"""

from collections.abc import Iterator
from typing import Any

import onnx
from onnx import defs

from inference_workers.engine.errors import EngineError

STANDARD = ("", "ai.onnx")
OWN_DOMAIN = "com.microsoft"
MIN_OPSET = 7
_REFUSED = {
    "Loop": "loops have no certain end",
    "Scan": "loops have no certain end",
    "SequenceMap": "loops have no certain end",
    "RandomNormal": "the same picture would give two answers",
    "RandomNormalLike": "the same picture would give two answers",
    "RandomUniform": "the same picture would give two answers",
    "RandomUniformLike": "the same picture would give two answers",
    "Multinomial": "the same picture would give two answers",
    "Bernoulli": "the same picture would give two answers",
    "StringConcat": "text is no part of a picture",
    "StringNormalizer": "text is no part of a picture",
    "StringSplit": "text is no part of a picture",
    "RegexFullMatch": "text is no part of a picture",
    "TfIdfVectorizer": "text is no part of a picture",
    "ImageDecoder": "pictures are decoded before they reach a model",
}
# Written by onnxruntime's quantisation and graph clean-up; they compute and nothing else.
_OWN = frozenset({
    "BiasGelu", "BiasSoftmax", "ConvTransposeWithDynamicPads", "DequantizeLinear", "FastGelu", "FusedConv",
    "FusedGemm", "FusedMatMul", "Gelu", "MatMulInteger16", "MatMulIntegerToFloat", "NhwcConv",
    "NhwcFusedConv", "NhwcMaxPool", "QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearConcat",
    "QLinearConv", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMul", "QLinearReduceMean",
    "QLinearSigmoid", "QLinearSoftmax", "QLinearWhere", "QuantizeLinear", "QuickGelu",
    "SkipLayerNormalization",
})  # fmt: skip


def max_opset() -> int:
    return int(defs.onnx_opset_version())


def opset_checked(model: onnx.ModelProto, name: str) -> int:
    """The version of the standard that the file asks for. Raises EngineError `model_opset`."""
    versions = [entry.version for entry in model.opset_import if entry.domain in STANDARD]
    if len(versions) != 1:
        raise EngineError("model_opset", f"{name}: expected one version of the ONNX standard, got {versions}")
    if not MIN_OPSET <= versions[0] <= max_opset():
        raise EngineError(
            "model_opset",
            f"{name}: expected opset {MIN_OPSET} to {max_opset()}, the file asks for {versions[0]}",
        )
    return int(versions[0])


def refuse_operators(model: onnx.ModelProto, name: str) -> set[str]:
    """Every operator that the file uses, subgraphs and functions included.

    Raises:
        EngineError: `model_operator`, with the first one that is not allowed and why.
    """
    own = {(function.domain, function.name) for function in model.functions}
    used: set[str] = set()
    for domain, operator in _nodes(model):
        reason = _why_not(domain, operator, own)
        if reason:
            raise EngineError("model_operator", f"{name}: operator {operator!r:.60} is refused: {reason}")
        used.add(operator)
    return used


def _why_not(domain: str, operator: str, own: set[tuple[str, str]]) -> str:
    if (domain, operator) in own:
        if domain in STANDARD or domain == OWN_DOMAIN:
            return "a function of the file takes the name of a known operator"
        return ""
    if domain == OWN_DOMAIN:
        return "" if operator in _OWN else f"of {OWN_DOMAIN} only operators of quantisation are allowed"
    if domain not in STANDARD:
        return f"the domain {domain!r:.60} is not the ONNX standard"
    if operator in _REFUSED:
        return _REFUSED[operator]
    return "" if defs.has(operator) else "the ONNX standard has no such operator"


def _nodes(message: Any) -> Iterator[tuple[str, str]]:
    """(domain, operator) of every node below `message`, wherever it hangs."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        if isinstance(current, onnx.TensorProto):
            continue
        if isinstance(current, onnx.NodeProto):
            yield current.domain, current.op_type
        for descriptor, value in current.ListFields():
            if descriptor.message_type is not None:
                waiting.extend([value] if hasattr(value, "ListFields") else value)
