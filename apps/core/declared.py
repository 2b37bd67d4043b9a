"""Reads what a view declares per HTTP method."""

from collections.abc import Mapping


def named_for(declared: str | Mapping[str, str] | None, method: str) -> str | None:
    """What a view declares for a method; HEAD is judged as GET."""
    if declared is None or isinstance(declared, str):
        return declared or None
    return declared.get("GET" if method == "HEAD" else method)
