"""Merkle trees over the hashes of records, as in RFC 6962 §2.1: a record is proven by a handful of hashes.

Leaves and nodes are hashed with different first bytes, so that no node can be passed off as a leaf.
"""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").hexdigest()


def tree_root(hashes: Sequence[str]) -> str:
    """The root over record hashes in their order, as 64 hexadecimal digits."""
    return _root([_leaf(bytes.fromhex(value)) for value in hashes]).hex()


def tree_path(hashes: Sequence[str], index: int) -> list[str]:
    """The audit path of the record at `index`, from its sibling up to below the root."""
    if not 0 <= index < len(hashes):
        raise ValueError(f"tree_path: expected an index below {len(hashes)}, got {index}")
    return [node.hex() for node in _path([_leaf(bytes.fromhex(value)) for value in hashes], index)]


def root_of_path(record_hash: str, index: int, size: int, path: Sequence[str]) -> str:
    """The root that the path leads to (RFC 9162 §2.1.3.2). Raises ValueError for a path of another length."""
    node, last = _leaf(bytes.fromhex(record_hash)), size - 1
    for text in path:
        if last == 0:
            raise ValueError("the proof is too long")
        sibling = bytes.fromhex(text)
        if index % 2 or index == last:
            node = _node(sibling, node)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            node = _node(node, sibling)
        index, last = index // 2, last // 2
    if last != 0:
        raise ValueError("the proof is too short")
    return node.hex()


def _leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return _node(_root(leaves[:middle]), _root(leaves[middle:]))


def _path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_path(leaves[:middle], index), _root(leaves[middle:])]
    return [*_path(leaves[middle:], index - middle), _root(leaves[:middle])]
