"""What an audit-day pack holds: the registers and what happened, each as rows of plain values.

Nobody's contact, no picture and no original is among them. Names of accounts are: who looked is the question.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.audit.checkpoints import checkpoints_stored
from apps.audit.models import AuditRecord, RecordKind
from apps.audit.selectors import (
    LATEST_BLOCK,
    Verdict,
    chain_state,
    chain_verify,
    checkpoint_state,
    owner_can_alter_record,
    records_search,
    who_saw,
)
from apps.audit.viewing import Seen, seen_by, viewing_span
from apps.cameras.models import Camera
from apps.cases.models import Case
from apps.consent.models import Consent, Purpose, PurposeVersion
from apps.consent.selectors import bases_of
from apps.core.clock import now
from apps.dispatch.models import LeaseChange
from apps.retention.models import LegalHold, RetentionClass
from apps.retention.selectors import default_class
from apps.unmasking.models import UnmaskGrant, UnmaskRequest

Rows = list[dict[str, Any]]
_LOOKS = (RecordKind.ACCESS, RecordKind.VIEWING, RecordKind.REFUSAL)
_CERTIFICATES = ("retention.deleted", "erasure.deleted", "originals.key_destroyed", "originals.destroy")


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything of a pack but the report: rows by table, and what the record says of itself."""

    since: datetime
    until: datetime
    made_at: datetime
    tables: dict[str, Rows]
    consents: dict[str, Any]
    verdict: Verdict
    chain: dict[str, Any]


def contents_of(since: datetime, until: datetime) -> Contents:
    """Reads the registers as they are now and what was entered from `since` until before `until`.

    The record is walked as a whole: on a long one this takes the time that `audit verify` takes.
    """
    cameras = list(Camera.objects.select_related("site").order_by("site__name", "name"))
    tables = {
        "cameras": _cameras(cameras),
        "purposes": _purposes(),
        "purpose_versions": _versions(),
        "leases": _leases(since, until),
        "who_saw": _who_saw(since, until, cameras),
        "refusals": _refusals(since, until),
        "unmaskings": _unmaskings(since, until),
        "requests_of_persons": _cases(since, until),
        "holds": _holds(since, until),
        "retention_classes": _classes(),
        "certificates": _certificates(since, until),
        "checkpoints": _checkpoints(),
    }
    return Contents(since, until, now(), tables, _consents(), chain_verify(), _chain())


def accesses_between(since: datetime, until: datetime) -> QuerySet[AuditRecord]:
    """Accesses, viewing times and refusals that were entered in the span."""
    return records_search(since=since, until=until).filter(kind__in=_LOOKS)


def _cameras(cameras: list[Camera]) -> Rows:
    """Each camera with what it may do now, and why not more."""
    bases = bases_of(cameras)
    return [
        {
            "camera": camera.name,
            "site": camera.site.name,
            "camera_id": str(camera.pk),
            "enabled": camera.enabled,
            "allowed_now": sorted(bases[camera.pk].stages),
            "reason": bases[camera.pk].code,
            "purposes": [entry.purpose for entry in bases[camera.pk].entries],
        }
        for camera in cameras
    ]


_PURPOSE_FIELDS = (
    "camera_name", "zone_name", "purpose", "lawful_basis", "interest", "controller", "dpia_reference",
    "retention_class", "stages", "opening_hours", "valid_from", "valid_until", "ended_at", "origin",
)  # fmt: skip


def _purposes() -> Rows:
    return [
        {"id": str(row.pk), **{name: getattr(row, name) for name in _PURPOSE_FIELDS}, "version": row.version}
        for row in Purpose.objects.order_by("camera_name", "zone_name", "valid_from", "pk")
    ]


def _versions() -> Rows:
    """What each entry said from which moment on, and who changed it."""
    rows = PurposeVersion.objects.select_related("purpose").order_by(
        "purpose__camera_name", "purpose", "number"
    )
    return [
        {
            "purpose_id": str(row.purpose_id),
            "camera_name": row.purpose.camera_name,
            "version": row.number,
            "from": row.at,
            "by": row.by_name,
            "contents": row.contents,
        }
        for row in rows
    ]


def _leases(since: datetime, until: datetime) -> Rows:
    """How the basis of a camera took effect over time: each change of its lease, and when it was obeyed."""
    rows = LeaseChange.objects.filter(issued_at__gte=since, issued_at__lt=until).select_related("camera")
    return [
        {
            "at": row.issued_at,
            "camera": row.camera.name,
            "camera_id": str(row.camera_id),
            "reason": row.reason,
            "withheld": row.withheld,
            "stages": row.contents.get("stages", []),
            "obeyed_at": row.confirmed_at,
        }
        for row in rows.order_by("issued_at", "pk")
    ]


def _who_saw(since: datetime, until: datetime, cameras: Iterable[Camera]) -> Rows:
    """Per camera and person what was seen in the span. A camera that is gone keeps its id."""
    names: dict[UUID | None, str] = {camera.pk: camera.name for camera in cameras}
    seen = seen_by(who_saw(None, since=since, until=until).exclude(camera_id=None), since, until)
    seen.sort(key=lambda row: (names.get(row.camera_id) or str(row.camera_id), -row.seconds, row.name))
    return [_seen_row(row, names.get(row.camera_id)) for row in seen]


def _seen_row(seen: Seen, camera_name: str | None) -> dict[str, Any]:
    return {
        "camera": camera_name or str(seen.camera_id),
        "camera_id": str(seen.camera_id),
        "person": seen.name,
        "role": seen.role,
        "seconds_live": round(seen.seconds),
        "pictures": seen.pictures,
        "other_accesses": seen.looks,
        "uncovered": seen.uncovered,
        "models": sorted(seen.models),
    }


def _refusals(since: datetime, until: datetime) -> Rows:
    """How often who was refused what."""
    rows = records_search(kind=RecordKind.REFUSAL, since=since, until=until)
    counts = Counter(rows.order_by().values_list("actor_name", "actor_role", "action"))
    return [
        {"person": name, "role": role, "action": action, "times": times}
        for (name, role, action), times in sorted(counts.items())
    ]


def _unmaskings(since: datetime, until: datetime) -> Rows:
    rows = UnmaskRequest.objects.filter(requested_at__gte=since, requested_at__lt=until)
    return [
        {
            "id": str(row.pk),
            "camera": row.camera.name,
            "from": row.since,
            "until": row.until,
            "one_person": row.track_id is not None,
            "purpose": row.purpose,
            "case": row.case,
            "reason": row.reason,
            "asked_by": row.requested_by.get_username(),
            "asked_at": row.requested_at,
            "state": row.state,
            "decided_by": row.decided_by.get_username() if row.decided_by else "",
            "decided_at": row.decided_at,
            **_opened(row),
        }
        for row in rows.select_related("camera", "requested_by", "decided_by", "grant").order_by(
            "requested_at"
        )
    ]


def _opened(row: UnmaskRequest) -> dict[str, Any]:
    """When the grant was opened and locked, and the seconds that somebody looked."""
    grant = getattr(row, "grant", None)
    return {
        "opened_at": grant.opened_at if grant is not None else None,
        "locked_at": grant.locked_at if grant is not None else None,
        "seconds_watched": round(_watched_s(row, grant)) if grant is not None else 0,
    }


def _watched_s(row: UnmaskRequest, grant: UnmaskGrant) -> float:
    """As the record has it: a page that was closed in between showed nobody."""
    if grant.opened_at is None or grant.expires_at is None:
        return 0.0
    rows = records_search(
        camera_id=row.camera_id,
        kind=RecordKind.VIEWING,
        since=grant.opened_at,
        until=grant.expires_at + LATEST_BLOCK,
    )
    blocks = [entry for entry in rows if entry.details.get("models") == {"grant": str(grant.pk)}]
    spans = [viewing_span(entry.kind, entry.details) for entry in blocks]
    return sum((span[1] - span[0]).total_seconds() for span in spans if span is not None)


def _cases(since: datetime, until: datetime) -> Rows:
    """Requests of persons that were open at some time of the span; nobody's words, nobody's contact."""
    rows = Case.objects.filter(received_at__lt=until).filter(Q(closed_at=None) | Q(closed_at__gte=since))
    names = ("reference", "kind", "received_at", "due_at", "extended_at", "identity", "closed_at", "outcome")
    return [{name: getattr(row, name) for name in names} for row in rows.order_by("received_at", "pk")]


def _holds(since: datetime, until: datetime) -> Rows:
    """Holds that were in force at some time of the span."""
    rows = LegalHold.objects.filter(placed_at__lt=until, expires_at__gte=since)
    rows = rows.filter(Q(released_at=None) | Q(released_at__gte=since)).select_related("camera")
    names = (
        "since", "until", "reason", "case", "placed_by_name", "placed_at", "expires_at", "released_at",
        "released_by_name", "release_reason",
    )  # fmt: skip
    return [
        {"camera": row.camera.name, **{name: getattr(row, name) for name in names}}
        for row in rows.order_by("placed_at", "pk")
    ]


def _classes() -> Rows:
    default_class()  # made when it is first asked for
    names = ("code", "name", "hours", "original_hours", "justification", "version")
    return [{name: getattr(row, name) for name in names} for row in RetentionClass.objects.all()]


def _certificates(since: datetime, until: datetime) -> Rows:
    """What was deleted, as the record certifies it."""
    rows = records_search(since=since, until=until).filter(action__in=_CERTIFICATES).order_by("seq")
    return [
        {"seq": row.seq, "at": row.at, "action": row.action, "object": row.object_id, **row.details}
        for row in rows
    ]


def _checkpoints() -> Rows:
    """The signed statements; `record.jsonl` has those that the entries of the span stand on."""
    rows = []
    for checkpoint in checkpoints_stored():
        statement = checkpoint.document["statement"]
        names = ("number", "first", "last", "hash", "root", "at", "previous", "key_id")
        rows.append(
            {
                **{name: statement[name] for name in names},
                "signature": checkpoint.document["signature"],
                "time_stamped": bool(checkpoint.document.get("time_stamp")),
            }
        )
    return rows


def _consents() -> dict[str, Any]:
    """Counts only: who agreed is nobody's business on the day of an audit."""
    rows = list(
        Consent.objects.values_list(
            "withdrawn_at", "expires_at", "given_at", "language", "given_how", "stages", "evidence_key"
        )
    )
    at = now()
    states, languages, ways, stages = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for withdrawn, expires, given, language, way, agreed, _document in rows:
        states[_consent_state(withdrawn, expires, given, at)] += 1
        languages[language] += 1
        ways[way] += 1
        stages.update(agreed)
    return {
        "total": len(rows),
        "by_state": dict(sorted(states.items())),
        "by_language": dict(sorted(languages.items())),
        "by_way": dict(sorted(ways.items())),
        "by_stage": dict(sorted(stages.items())),
        "with_document": sum(bool(row[-1]) for row in rows),
    }


def _consent_state(
    withdrawn: datetime | None, expires: datetime | None, given: datetime, at: datetime
) -> str:
    if withdrawn is not None:
        return "withdrawn"
    if expires is not None and expires <= at:
        return "expired"
    return "standing" if given <= at else "to_come"


def _chain() -> dict[str, Any]:
    head, checkpoint = chain_state(), checkpoint_state()
    return {
        "entries": head.seq + 1 if head is not None else 0,
        "head": head.hash if head is not None else "",
        "last_checkpoint": checkpoint.number,
        "entries_since_checkpoint": checkpoint.uncovered,
        "owner_of_the_database_can_alter": owner_can_alter_record(),
    }
