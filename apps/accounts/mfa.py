"""The second factor: its secrets are sealed in the database."""

from allauth.mfa.adapter import DefaultMFAAdapter

from apps.core.crypto import seal, unseal


class SealedMFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Whoever reads a copy of the database cannot make one-time codes from it."""

    def encrypt(self, text: str) -> str:
        return seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text.encode())

    def get_totp_issuer(self) -> str:
        return "Vidette"
