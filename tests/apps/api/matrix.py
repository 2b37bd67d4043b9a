"""Who may do what at which address. One row per address and method; a new address without one fails.

`own`: who gets past the gate for the object of site A, `foreign`: for that of site B (dana's site).
Everybody else, and a visitor who has not signed in, is refused. An address without an object has no
`foreign`. A refused form counts as past the gate; a read has to answer 200.
"""

from dataclasses import dataclass, field
from typing import Any

EVERYBODY = "alice dana charlie bob erin adam"


@dataclass(frozen=True)
class Row:
    route: str
    method: str
    own: str
    foreign: str | None = None
    body: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def _api(route: str, *rows: tuple[str, str] | tuple[str, str, str]) -> list[Row]:
    return [Row(f"api/v1/{route}", *row) for row in rows]


_CAMERA = "cameras/<uuid:camera_id>"
_EVENT = "events/<uuid:event_id>"
_SEE_CAMERAS = EVERYBODY
_SEE_EVENTS = EVERYBODY
_KNOW_A, _KNOW_B = "alice bob adam", "dana bob adam"
_SEE_MODELS = "bob erin adam"

ROWS: list[Row] = [
    *_api("sites", ("GET", _SEE_CAMERAS), ("POST", "adam")),
    *_api("sites/<uuid:site_id>", ("GET", _KNOW_A, _KNOW_B), ("PATCH", "adam", "adam")),
    *_api("sites/<uuid:site_id>", ("DELETE", "adam", "adam")),
    *_api("groups", ("GET", _SEE_CAMERAS), ("POST", "adam")),
    *_api("groups/<uuid:group_id>", ("GET", _KNOW_A, _KNOW_B), ("PATCH", "adam", "adam")),
    *_api("groups/<uuid:group_id>", ("DELETE", "adam", "adam")),
    *_api("groups/<uuid:group_id>/cameras", ("PUT", "adam", "adam")),
    *_api("cameras", ("GET", _SEE_CAMERAS), ("POST", "adam")),
    *_api(_CAMERA, ("GET", _KNOW_A, _KNOW_B), ("PATCH", "adam", "adam"), ("DELETE", "adam", "adam")),
    *_api(f"{_CAMERA}/enable", ("POST", "adam", "adam")),
    *_api(f"{_CAMERA}/disable", ("POST", "adam", "adam")),
    *_api(f"{_CAMERA}/credentials", ("PUT", "adam", "adam"), ("DELETE", "adam", "adam")),
    *_api(f"{_CAMERA}/zones", ("GET", _KNOW_A, _KNOW_B), ("POST", "adam", "adam")),
    *_api(f"{_CAMERA}/zones/<uuid:zone_id>", ("GET", _KNOW_A, _KNOW_B), ("PATCH", "adam", "adam")),
    *_api(f"{_CAMERA}/zones/<uuid:zone_id>", ("DELETE", "adam", "adam")),
    *_api("probes", ("POST", "adam")),
    *_api("probes/<uuid:probe_id>", ("GET", "adam")),
    *_api("probes/<uuid:probe_id>/preview", ("GET", "adam")),
    *_api("events", ("GET", _SEE_EVENTS)),
    *_api(_EVENT, ("GET", "alice bob", "dana bob")),
    *_api(f"{_EVENT}/snapshot", ("GET", "alice", "dana")),
    *_api(f"{_EVENT}/status", ("POST", "alice", "dana")),
    *_api(f"{_EVENT}/flags", ("POST", "alice", "dana")),
    *_api("readings", ("GET", _SEE_EVENTS)),
    *_api("readings/<uuid:reading_id>/snapshot", ("GET", "alice", "dana")),
    *_api("streams", ("GET", _SEE_CAMERAS)),
    *_api("streams/<uuid:camera_id>", ("GET", _KNOW_A, _KNOW_B)),
    *_api("feed", ("GET", _SEE_EVENTS)),
    *_api("models", ("GET", _SEE_MODELS)),
    *_api("models/<uuid:version_id>", ("GET", _SEE_MODELS)),
    *_api("stages", ("GET", _SEE_MODELS)),
    *_api("stages/<stage:stage>", ("PUT", "erin")),
    *_api("audit", ("GET", "bob")),
    *_api("frames", ("POST", "erin")),
    *_api("work/<uuid:work_id>", ("GET", "erin")),
    *_api("work/<uuid:work_id>/picture", ("GET", "erin")),
]

# Addresses that are judged by their first part: no camera can be reached through them.
# value: who gets a page there with GET, where it needs no argument.
PREFIXES: dict[str, str] = {
    "admin/": "bob adam",
    "accounts/": EVERYBODY,
}

# Open to everybody, signed in or not, with the reason.
PUBLIC: dict[str, str] = {
    "api/v1/schema/": "describes the API and names no object",
    "healthz": "says that the process lives",
    "readyz": "says which part is missing; names no object",
    "metrics": "asks for a token or the loopback address, not for a user",
}
