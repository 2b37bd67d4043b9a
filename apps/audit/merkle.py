"""Merkle trees over the hashes of records, as in RFC 6962 §2.1: a record is proven by a handful of hashes.

Leaves and nodes are hashed with different first bytes, so that no node can be passed off as a leaf. A node
without a sibling goes up as it is, which gives the same tree as the RFC's recursive definition.
"""

import hashlib
from collections.abc import Sequence


class Tree:
    """The tree over record hashes (64 hexadecimal digits each) in their order; at least one."""

    def __init__(self, hashes: Sequence[str]) -> None:
        if not hashes:
            raise ValueError("Tree: expected at least one hash")
        self._levels = [[_leaf(bytes.fromhex(value)) for value in hashes]]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1]))

    @property
    def root(self) -> str:
        return self._levels[-1][0].hex()

    def path(self, index: int) -> list[str]:
        """The audit path of the record at `index`, from its sibling up to below the root."""
        path = []
        for level in self._levels[:-1]:
            if index ^ 1 < len(level):
                path.append(level[index ^ 1].hex())
            index //= 2
        return path


def root_of_path(record_hash: str, index: int, size: int, path: Sequence[str]) -> str:
    """The root that the path of one of `size` records leads to.

    Raises ValueError when the path has another length than this place in the tree.
    """
    node, rest = _leaf(bytes.fromhex(record_hash)), iter(path)
    try:
        while size > 1:
            if index % 2:
                node = _node(bytes.fromhex(next(rest)), node)
            elif index + 1 < size:
                node = _node(node, bytes.fromhex(next(rest)))
            index, size = index // 2, (size + 1) // 2
    except StopIteration as error:
        raise ValueError("the proof is too short") from error
    if next(rest, None) is not None:
        raise ValueError("the proof is too long")
    return node.hex()


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
