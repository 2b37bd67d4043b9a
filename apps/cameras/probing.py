"""The step-by-step test of a camera: asked here, run in the data plane, answered over a Redis list.

Nothing of it is kept: request and answers live ten minutes. The credentials travel sealed for the data
plane.
"""

import json
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cameras.addresses import Address, Credentials, address_parse
from apps.cameras.models import Camera, Site
from apps.cameras.sources import source_for
from apps.core import crypto
from apps.core.clock import now
from apps.core.errors import NotFound, Unavailable
from apps.core.redis import client
from inference_workers.contracts.codec import decode, encode
from inference_workers.contracts.lease import Source, SourceKind
from inference_workers.contracts.names import PROBES
from inference_workers.contracts.probe import ProbeOutcome, ProbeRequest, ProbeStep

DEADLINE_S = 30.0
KEPT_S = 600
MAX_WAITING = 20
DONE = "done"


@dataclass(frozen=True, slots=True)
class ProbeForm:
    """What a person typed. `camera`: an existing one whose stored credentials serve, if its host stayed."""

    kind: str
    url: str
    site: Site
    transport: str = "tcp"
    credentials: Credentials | None = None
    camera: Camera | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A test as far as it has come. `finished`: all steps are known, or the time is over."""

    probe_id: str
    outcomes: tuple[ProbeOutcome, ...]
    finished: bool
    timed_out: bool
    camera_id: str | None = None

    @property
    def steps(self) -> dict[ProbeStep, ProbeOutcome]:
        return {outcome.step: outcome for outcome in self.outcomes if outcome.step is not None}

    @property
    def succeeded(self) -> bool:
        """Nothing failed; a clock that could not be compared does not count."""
        return self.finished and not self.timed_out and all(step.status != "failed" for step in self.outcomes)


def _list_of(probe_id: str) -> str:
    return f"vidette:probe:{probe_id}"


def preview_key(probe_id: str) -> str:
    return f"previews/{probe_id}.jpg"


def probe_start(*, acting_user: User, form: ProbeForm) -> str:
    """Ask for a test; returns its id. It is on record, because it reaches into a network."""
    require(acting_user, Capability.MANAGE_CAMERAS)
    address = address_parse(form.kind, form.url)
    if client().llen(PROBES) >= MAX_WAITING:
        raise Unavailable("probes_waiting", _("Too many cameras are being tested now. Try again soon."))
    probe_id = str(uuid4())
    with transaction.atomic():
        audit.record_change(
            action="camera.probe",
            object_type="camera" if form.camera else "site",
            object_id=str(form.camera.pk if form.camera else form.site.pk),
            camera_id=form.camera.pk if form.camera else None,
            details={"kind": form.kind, "url": address.url, "probe_id": probe_id},
            acting_user=acting_user,
        )
    _ask(acting_user, probe_id, form, _source(form, address))
    return probe_id


def _ask(user: User, probe_id: str, form: ProbeForm, source: Source) -> None:
    deadline_at = now().timestamp() + DEADLINE_S
    request = ProbeRequest(
        probe_id=probe_id,
        source=source,
        reply_to=_list_of(probe_id),
        preview_key=preview_key(probe_id),
        deadline_at=deadline_at,
    )
    camera_id = str(form.camera.pk) if form.camera else None
    facts = json.dumps({"user": str(user.pk), "deadline_at": deadline_at, "camera_id": camera_id})
    pipeline = client().pipeline(transaction=True)
    pipeline.set(f"{_list_of(probe_id)}:facts", facts, ex=KEPT_S)
    pipeline.rpush(PROBES, encode(request))
    pipeline.expire(PROBES, KEPT_S)
    pipeline.execute()


def _source(form: ProbeForm, address: Address) -> Source:
    credentials = form.credentials or address.credentials
    return Source(
        kind=SourceKind(form.kind),
        url=address.url,
        sealed_credentials=_sealed(credentials) if credentials else _stored(form, address),
        transport=form.transport,
        allowed_networks=tuple(form.site.allowed_networks),
    )


def _sealed(credentials: Credentials) -> str:
    return crypto.seal_for_lease(
        json.dumps({"username": credentials.username, "password": credentials.password})
    )


def _stored(form: ProbeForm, address: Address) -> str | None:
    """A stored password is sent to the host that it was typed for and to no other."""
    if form.camera is None or Address(form.camera.url).origin != address.origin:
        return None
    return source_for(form.camera).sealed_credentials


def probe_get(user: User, probe_id: str) -> Probe:
    """The test as far as it has come. Raises NotFound for one that is over ten minutes old, or not yours."""
    require(user, Capability.MANAGE_CAMERAS)
    facts_text = client().get(f"{_list_of(probe_id)}:facts")
    facts = json.loads(cast(bytes, facts_text)) if facts_text else {}
    if facts.get("user") != str(user.pk):
        raise NotFound(_("test"))
    outcomes = tuple(probe_outcomes(probe_id))
    answered = any(outcome.status == DONE for outcome in outcomes)
    over = now().timestamp() > facts["deadline_at"] + 2
    return Probe(
        probe_id,
        outcomes,
        finished=answered or over,
        timed_out=over and not answered,
        camera_id=facts.get("camera_id"),
    )


def probe_outcomes(probe_id: str) -> list[ProbeOutcome]:
    """The outcomes known so far, in the order in which they came."""
    texts = cast(list[bytes], client().lrange(_list_of(probe_id), 0, -1))
    return [decode(ProbeOutcome, text) for text in texts]
