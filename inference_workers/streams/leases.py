"""Leases from Redis: decoded strictly, one broken lease never disturbs the other cameras."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import redis
from cryptography.fernet import Fernet, InvalidToken

from inference_workers.contracts.codec import ContractError, decode
from inference_workers.contracts.lease import Lease, Source
from inference_workers.contracts.names import LEASES, LEASES_CHANGED
from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.sign_in import Credentials

POLL_S = 1.0
MAX_LEASE_BYTES = 256 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTable:
    """All leases of one moment; `problems` says per camera why its lease cannot be used."""

    leases: dict[str, Lease] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def read_leases(entries: dict[bytes, bytes], now: float) -> LeaseTable:
    """Decode the hash `LEASES`. Expired leases are left out, as if they had been withdrawn."""
    table = LeaseTable()
    for key, text in entries.items():
        camera_id = key.decode(errors="replace")
        try:
            lease = _read_lease(camera_id, text)
        except ContractError as error:
            table.problems[camera_id] = str(error)[:200]
            continue
        if lease.valid_until > now:
            table.leases[camera_id] = lease
    return table


def _read_lease(camera_id: str, text: bytes) -> Lease:
    if len(text) > MAX_LEASE_BYTES:
        raise ContractError(f"Lease: expected at most {MAX_LEASE_BYTES} bytes, got {len(text)}")
    lease = decode(Lease, text)
    if lease.camera_id != camera_id:
        raise ContractError(f"Lease: expected camera {camera_id!r:.60}, got {lease.camera_id!r:.60}")
    if not (0 < lease.analysis_fps <= 60 and 0 < lease.display_fps <= 60):
        raise ContractError("Lease: expected analysis_fps and display_fps above 0 and at most 60")
    if not 1 <= lease.window_s <= 3600:
        raise ContractError("Lease: expected window_s of 1 to 3600 seconds")
    for zone in lease.zones:
        if len(zone.polygon) < 3 or any(len(point) != 2 for point in zone.polygon):
            raise ContractError(f"Lease: zone {zone.zone_id!r:.60}: expected at least 3 points")
    return lease


def open_credentials(source: Source, lease_key: str) -> Credentials | None:
    """Open the sealed credentials; None when the source needs none.

    Raises:
        EngineError: `credentials_unreadable`, without a word of what was inside.
    """
    if source.sealed_credentials is None:
        return None
    try:
        opened = json.loads(Fernet(lease_key).decrypt(source.sealed_credentials.encode()))
        username, password = opened["username"], opened["password"]
    except (InvalidToken, ValueError, KeyError, TypeError):
        username = password = None
    if not isinstance(username, str) or not isinstance(password, str):
        raise EngineError(
            "credentials_unreadable",
            "the camera's credentials cannot be opened; an administrator can enter them again or check "
            "that VIDETTE_LEASE_KEY is the same on both planes",
        ) from None
    return Credentials(username, password)


class LeaseWatcher(threading.Thread):
    """Calls `on_table` with every new reading: each second, and at once when a change is announced."""

    def __init__(self, client: redis.Redis, on_table: Callable[[LeaseTable], None]) -> None:
        super().__init__(name="leases", daemon=True)
        self._client = client
        self._on_table = on_table
        self._stop = threading.Event()
        self.failures = 0

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        while not self._stop.is_set():
            try:
                self._watch()
            except redis.RedisError as error:
                # The leases in hand go on until they expire; longer nobody may look.
                self.failures += 1
                _log.warning("leases cannot be read: %s", type(error).__name__)
                self._stop.wait(POLL_S)

    def _watch(self) -> None:
        pubsub: Any = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with pubsub as changes:
            changes.subscribe(LEASES_CHANGED)
            while not self._stop.is_set():
                self._on_table(read_leases(self._read(), time.time()))
                changes.get_message(timeout=POLL_S)

    def _read(self) -> dict[bytes, bytes]:
        return cast(dict[bytes, bytes], self._client.hgetall(LEASES))
