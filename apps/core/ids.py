"""Identifiers: random UUIDs, so that a number in an address says nothing about the others."""

import uuid


def new_id() -> uuid.UUID:
    return uuid.uuid4()
