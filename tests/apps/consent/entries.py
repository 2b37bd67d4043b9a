"""What a compliance officer types."""

from typing import Any

FIELDS: dict[str, Any] = {
    "purpose": "Safety of the entrance",
    "lawful_basis": "public_task",
    "controller": "Example Ltd",
    "controller_contact": "privacy@example.org",
    "stages": ["view", "detect"],
}
CONSENTED: dict[str, Any] = FIELDS | {"lawful_basis": "consent"}
CONSENT: dict[str, Any] = {
    "stages": ["view", "detect"],
    "notice_version": "2026-1",
    "notice_text": "We film this entrance.\nYou may withdraw at any time.",
    "language": "en",
    "given_how": "written",
    "given_to": "reception desk",
}
