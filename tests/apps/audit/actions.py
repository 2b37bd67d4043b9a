"""A valid body for every action of the permission matrix, so that it gets as far as the record.

A new address without one fails `test_fail_closed.py`. `kwargs` are the objects of the matrix.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apps.cameras.models import Camera, CameraGroup, Site, Zone
from apps.cases.models import Case
from apps.consent.models import Consent, Purpose
from apps.detections.models import Event
from apps.monitoring.models import Alert
from apps.retention.models import LegalHold
from apps.rollouts.guards import DEFAULT_GUARDS, FURTHER_GUARDS
from apps.rollouts.models import Rollout
from apps.unmasking.models import UnmaskRequest
from tests.apps.api.world import SQUARE
from tests.apps.consent.entries import CONSENT, FIELDS

Kwargs = dict[str, Any]
Body = Callable[[Kwargs], dict[str, Any]]


def _version(model: Any, key: str, /, **more: Any) -> Body:
    return lambda kwargs: {"version": model.objects.get(pk=kwargs[key]).version, **more}


def _fixed(**values: Any) -> Body:
    return lambda kwargs: values


def _extension(case: Case) -> dict[str, Any]:
    """The person was told an hour after the request came."""
    told_at = case.received_at + timedelta(hours=1)
    return {"version": case.version, "reason": "many cameras", "notified_at": f"{told_at:%Y-%m-%dT%H:%M}"}


_SITE = {"name": "Yard", "time_zone": "UTC"}
_ZONE = {"name": "Door", "kind": "watch", "polygon": SQUARE}
_ADDRESS = "rtsp://10.20.0.9:554/a"
_LOOK = {
    "name": "Yard", "script": "latin", "redaction_target": "faces", "redaction_style": "mosaic",
    "analysis_fps": "5", "display_fps": "10", "display_delay_s": "0.9", "detect_objects": "on",
}  # fmt: skip
_SOURCE = {"kind": "rtsp", "url": _ADDRESS, "transport": "tcp"}
_CASE = "cases/<uuid:case_id>"
_CAMERA, _ZONES = "cameras/<uuid:camera_id>", "zones/<uuid:zone_id>"

_PURPOSE = FIELDS | {"retention_class": "standard"}
_ROLLOUT = "rollouts/<uuid:rollout_id>"


def _plan(kwargs: Kwargs) -> dict[str, Any]:
    """A shadow of the version that the draft of the matrix is about."""
    candidate = str(Rollout.objects.get(pk=kwargs["rollout_id"]).candidate_id)
    return {"stage": "detect", "candidate": candidate, "strategy": "shadow", "reason": "finds more"}


def _plan_form(kwargs: Kwargs) -> dict[str, Any]:
    guards = {
        f"{guard.metric.value}_{part}": getattr(guard, part)
        for guard in (*DEFAULT_GUARDS, *FURTHER_GUARDS)
        for part in ("limit", "min_samples", "window_s")
    }
    return {**_plan(kwargs), **guards, "fewer_on": "on", "steps": "1, 100"}


API: dict[str, Body] = {
    "POST rollouts": _plan,
    f"POST {_ROLLOUT}/start": _version(Rollout, "rollout_id"),
    f"POST {_ROLLOUT}/roll-back": _version(Rollout, "rollout_id", reason="because"),
    "POST serving/history/<int:entry_number>/return": _fixed(reason="because"),
    "POST sites": _fixed(**_SITE),
    "PATCH sites/<uuid:site_id>": _version(Site, "site_id", name="Yard"),
    "DELETE sites/<uuid:site_id>": _version(Site, "site_id"),
    "POST groups": lambda kwargs: {"site": str(kwargs["site_id"]), "name": "Doors"},
    "PATCH groups/<uuid:group_id>": _version(CameraGroup, "group_id", name="Doors"),
    "DELETE groups/<uuid:group_id>": _version(CameraGroup, "group_id"),
    "PUT groups/<uuid:group_id>/cameras": lambda kwargs: {
        **_version(CameraGroup, "group_id")(kwargs),
        "cameras": [str(kwargs["camera_id"])],
    },
    "POST cameras": lambda kwargs: {"site": str(kwargs["site_id"]), "name": "Yard", **_SOURCE},
    f"PATCH {_CAMERA}": _version(Camera, "camera_id", name="Yard"),
    f"DELETE {_CAMERA}": _version(Camera, "camera_id"),
    f"POST {_CAMERA}/enable": _version(Camera, "camera_id"),
    f"POST {_CAMERA}/disable": _version(Camera, "camera_id"),
    f"PUT {_CAMERA}/credentials": _version(Camera, "camera_id", username="a", password="b"),
    f"DELETE {_CAMERA}/credentials": _version(Camera, "camera_id"),
    f"POST {_CAMERA}/zones": _fixed(**_ZONE),
    f"PATCH {_CAMERA}/{_ZONES}": _version(Zone, "zone_id", name="Gate"),
    f"DELETE {_CAMERA}/{_ZONES}": _version(Zone, "zone_id"),
    "POST probes": lambda kwargs: {"site": str(kwargs["site_id"]), **_SOURCE},
    "POST events/<uuid:event_id>/status": _version(Event, "event_id", status="confirmed"),
    "POST events/<uuid:event_id>/flags": _fixed(reason="not_there"),
    "POST purposes": lambda kwargs: {**FIELDS, "camera": str(kwargs["camera_id"])},
    "PATCH purposes/<uuid:purpose_id>": _version(Purpose, "purpose_id", controller="Another one"),
    "POST consents": lambda kwargs: {**CONSENT, "subject": "S-new", "cameras": [str(kwargs["camera_id"])]},
    "POST purposes/<uuid:purpose_id>/end": _version(Purpose, "purpose_id"),
    "POST consents/<uuid:consent_id>/withdraw": _version(Consent, "consent_id"),
    "POST alerts/<uuid:alert_id>/acknowledge": _version(Alert, "alert_id"),
    "POST alerts/<uuid:alert_id>/close": _version(Alert, "alert_id", note="looked at"),
    "POST evidence": lambda kwargs: {
        "event": str(kwargs["event_id"]),
        "case": "2026/17",
        "reason": "theft",
    },
    "POST models/<uuid:version_id>/retire": _fixed(reason="another one is better"),
    "POST model-families": _fixed(name="gates", task="detection", postprocess="yolox", classes=["person"]),
    f"PUT {_CAMERA}/{_ZONES}/detector": lambda kwargs: {"version": str(kwargs["version_id"])},
    f"POST {_CAMERA}/cascades": _fixed(stage="text", labels=["person"]),
    f"PUT {_CAMERA}/cascades/<uuid:cascade_id>": _fixed(stage="text", labels=["person"]),
    "POST evaluations/comparisons": lambda kwargs: {
        "candidate": str(kwargs["version_id"]),
        "base": str(kwargs["base_id"]),
        "set_version": str(kwargs["set_id"]),
    },
    "POST evaluations/replays": lambda kwargs: {
        "candidate": str(kwargs["version_id"]),
        "base": str(kwargs["base_id"]),
        "camera": str(kwargs["camera_id"]),
        "since": "2026-11-24T07:59:00Z",
        "until": "2026-11-24T08:01:00Z",
    },
    "POST evaluations/variants": lambda kwargs: {
        "version": str(kwargs["version_id"]),
        "kind": "int8",
        "calibration_set": str(kwargs["set_id"]),
    },
    "PUT labelled-sets/<uuid:set_id>/must-pass": lambda kwargs: {
        "sha256": kwargs["picture"],
        "must_pass": True,
    },
    "PUT stages/<stage:stage>": lambda kwargs: {"version": str(kwargs["version_id"]), "reason": "a test"},
}

PAGES: dict[str, Body] = {
    "rollouts/add/": _plan_form,
    f"{_ROLLOUT}/start/": _version(Rollout, "rollout_id"),
    "events/<uuid:event_id>/status/": _version(Event, "event_id", status="confirmed"),
    "events/<uuid:event_id>/flag/": _fixed(reason="not_there"),
    "cameras/add/": lambda kwargs: {"site": kwargs["site_id"], **_LOOK, **_SOURCE},
    "cameras/test/": lambda kwargs: {"site": kwargs["site_id"], **_SOURCE},
    f"{_CAMERA}/edit/": _version(Camera, "camera_id", **_LOOK, **_SOURCE),
    f"{_CAMERA}/credentials/": _version(Camera, "camera_id", username="a", password="b"),
    f"{_CAMERA}/switch/": _version(Camera, "camera_id", enabled="no"),
    f"{_CAMERA}/remove/": _version(Camera, "camera_id"),
    f"{_CAMERA}/move/": _fixed(x=0.5, y=0.5),
    f"{_CAMERA}/zones/add/": _fixed(**_ZONE | {"polygon": str(SQUARE)}),
    f"{_CAMERA}/{_ZONES}/": _version(Zone, "zone_id", **_ZONE | {"polygon": str(SQUARE)}),
    f"{_CAMERA}/{_ZONES}/remove/": _version(Zone, "zone_id"),
    "sites/add/": _fixed(**_SITE),
    "sites/<uuid:site_id>/": _version(Site, "site_id", **_SITE),
    "sites/<uuid:site_id>/remove/": _version(Site, "site_id"),
    "sites/<uuid:site_id>/groups/add/": _fixed(name="Doors"),
    "groups/<uuid:group_id>/": _version(CameraGroup, "group_id", name="Doors"),
    "groups/<uuid:group_id>/remove/": _version(CameraGroup, "group_id"),
    "models/<uuid:version_id>/retire/": _fixed(reason="another one is better"),
    f"{_CAMERA}/{_ZONES}/detector/": lambda kwargs: {"version": kwargs["version_id"]},
    f"{_CAMERA}/cascades/add/": _fixed(stage="text", labels=["person"]),
    f"{_CAMERA}/cascades/<uuid:cascade_id>/": _fixed(stage="text", labels=["person"]),
    "models/families/add/": _fixed(
        name="gates", task="detection", postprocess="yolox", classes="person", min_side=32, max_side=640
    ),
    "evaluations/sets/<uuid:set_id>/must-pass/": lambda kwargs: {
        "sha256": kwargs["picture"],
        "must_pass": "yes",
    },
    "evaluations/add/": lambda kwargs: {
        "what": "compare",
        "candidate": kwargs["version_id"],
        "base": kwargs["base_id"],
        "labelled_set": kwargs["set_id"],
    },
    "models/assign/": lambda kwargs: {"stage": "detect", "version": kwargs["version_id"], "reason": "a test"},
    "people/<uuid:user_id>/role/": _fixed(role="operator"),
    "people/<uuid:user_id>/password/": _fixed(password="a long enough passphrase"),
    "people/<uuid:user_id>/active/": _fixed(active="no"),
    "people/<uuid:user_id>/grants/give/": lambda kwargs: {
        "target": f"site:{kwargs['site_id']}",
        "permission": "watch",
    },
    "cases/add/": _fixed(kind="access", received_at="2026-11-02T10:00", received_how="letter", asked="all"),
    f"{_CASE}/identity/": _version(Case, "case_id", method="document", outcome="confirmed"),
    f"{_CASE}/extend/": lambda kwargs: _extension(Case.objects.get(pk=kwargs["case_id"])),
    f"{_CASE}/items/": lambda kwargs: {"item": f"event:{kwargs['event_id']}"},
    f"{_CASE}/disclosures/": _fixed(form="viewing", language="en"),
    **{
        f"{_CASE}/{what}/<uuid:{what[:-1]}_id>/{act}/": _fixed(version=1, note="seen", receipt="by letter")
        for what in ("erasures", "disclosures")
        for act in ("approve", "refuse", "execute", "give")
        if (what, act) not in (("erasures", "give"), ("disclosures", "execute"))
    },
    f"{_CASE}/close/": _version(Case, "case_id", outcome="withdrawn", note="by letter"),
    "people/add/": _fixed(username="grace", role="operator", password="a long enough passphrase"),
    "tokens/add/": lambda kwargs: {
        "user": kwargs["user_id"],
        "name": "phone",
        "actions": ["events:read"],
        "days": 30,
    },
    "purposes/add/": _fixed(**_PURPOSE),
    "purposes/<uuid:purpose_id>/edit/": _version(
        Purpose, "purpose_id", **_PURPOSE | {"lawful_basis": "public_task", "purpose": "Another one"}
    ),
    "consents/add/": lambda kwargs: {**CONSENT, "reference": "S-new", "cameras": [kwargs["camera_id"]]},
    f"{_CAMERA}/unmask/": _fixed(
        since="2026-11-24T09:59:50",
        until="2026-11-24T10:00:10",
        purpose="incident investigation",
        case="2026/17",
        reason="theft",
    ),
    **{
        f"unmasking/<uuid:request_id>/{act}/": _version(UnmaskRequest, "request_id", note="seen")
        for act in ("approve", "refuse", "withdraw", "open")
    },
    "retention/classes/add/": _fixed(code="short", name="Short", hours=24, original_hours=0),
    "retention/classes/<slug:code>/": _fixed(version=1, name="Standard", hours=48, original_hours=0),
    "retention/classes/<slug:code>/remove/": _fixed(version=1),
    f"{_CAMERA}/retention/": _fixed(version=0, recording="off", retention_class=""),
    f"{_CAMERA}/retention/originals/": _fixed(day="2026-11-24", reason="asked for"),
    f"{_CAMERA}/holds/add/": _fixed(
        since="2026-11-24T09:00", until="2026-11-24T11:00", reason="accident", case="", days=30
    ),
    f"{_CAMERA}/leaks/lower/": _fixed(version=1, note="looked at"),
    "audit-pack/": _fixed(since="2026-11-24T00:00", until="2026-11-25T00:00"),
    f"{_CAMERA}/evidence/": _fixed(
        since="2026-11-24T09:59:00",
        until="2026-11-24T10:01:00",
        purpose="incident investigation",
        case="2026/17",
        reason="theft",
    ),
    "purposes/<uuid:purpose_id>/end/": _version(Purpose, "purpose_id", reason="over"),
    "consents/<uuid:consent_id>/withdraw/": _version(Consent, "consent_id"),
    "alerts/<uuid:alert_id>/acknowledge/": _version(Alert, "alert_id"),
    "alerts/<uuid:alert_id>/close/": _version(Alert, "alert_id", note="looked at"),
    "holds/<uuid:hold_id>/release/": _version(LegalHold, "hold_id", reason="over"),
    "people/<uuid:user_id>/grants/revoke/": lambda kwargs: {
        "target": f"group:{kwargs['group_id']}",
        "permission": "watch",
    },
}
# What a page is told in its address.
QUERIES: dict[str, Callable[[Kwargs], str]] = {
    "purposes/add/": lambda kwargs: f"?camera={kwargs['camera_id']}"
}
JSON_PAGES = {f"{_CAMERA}/move/"}

JPEG_UPLOAD = b"\xff\xd8\xff\xe0" + b"\x00" * 32
# Addresses that write no row, each with the reason. Everything else that changes something must refuse.
WITHOUT_RECORD: dict[str, str] = {
    "POST api/v1/tickets": "opens nothing by itself: the websocket records what it opens",
    "POST preferences/purpose/": "chooses the purpose that later rows carry",
    "POST record/check/": "reads the whole chain to check it and shows no row of it",
}

_STATE = "asks for another state or for a file than the matrix has; its services are tried in "
# Addresses that the matrix cannot bring as far as the record, with the place where they are tried instead.
NOT_REACHED: dict[str, str] = {
    "POST api/v1/models": _STATE + "tests/apps/registry",
    **dict.fromkeys(
        (
            *(f"POST {prefix}rollouts/<uuid:rollout_id>/{step}{suffix}"
              for step in ("promote", "approve", "decline", "finish")
              for prefix, suffix in (("api/v1/", ""), ("", "/"))),
        ),
        _STATE + "tests/apps/rollouts",
    ),
    **dict.fromkeys(
        (
            *(f"POST api/v1/redactions/<uuid:redaction_id>/{change}"
              for change in ("pause", "resume", "cancel", "render", "edits", "undo")),
            "POST api/v1/redactions", "POST redactions/<uuid:redaction_id>/change/",
        ),
        _STATE + "tests/apps/redactions",
    ),
    **dict.fromkeys(
        (
            "PUT api/v1/consents/<uuid:consent_id>/document",
            "POST consents/<uuid:consent_id>/document/",
        ),
        _STATE + "tests/apps/consent",
    ),
    **{
        f"POST cases/<uuid:case_id>/items/<uuid:item_id>/original/{act}/": _STATE + "tests/apps/cases"
        for act in ("ask", "edit")
    },
}  # fmt: skip
