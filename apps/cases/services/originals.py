"""From a sealed original to the editor: two people decide, everybody in it is covered, then the person alone
is uncovered. Nobody sees the original as it was.

The request and the decision are those of unmasking; a grant is used up here instead of on its own page.
"""

import hashlib

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.roles import Capability, require
from apps.audit import services as audit
from apps.cases.models import Case, CaseItem, ItemKind
from apps.cases.services.cases import identified, record, still_open
from apps.core.errors import Conflict, NotFound
from apps.core.ids import new_id
from apps.core.objects import object_delete, object_put
from apps.recordings.models import Segment
from apps.recordings.opening import original_film
from apps.recordings.selectors import segment_look_up
from apps.redactions.models import Redaction
from apps.redactions.options import options_checked
from apps.redactions.services import redaction_create
from apps.redactions.uploads import Received
from apps.unmasking.models import UnmaskRequest
from apps.unmasking.services import grant_spend, request_create
from apps.unmasking.services.requests import Wanted
from inference_workers.contracts.redactions import input_key

PURPOSE = "data subject request"


def original_ask(*, acting_user: User, case: Case, item: CaseItem) -> UnmaskRequest:
    """Ask for the original of a collected recording; somebody else decides, as on every unmasking."""
    require(acting_user, Capability.RUN_CASES)
    still_open(case)
    identified(case)
    segment = _segment(acting_user, item)
    reason = _("To cover everybody but the person who asked, in the editor, for the request %s.")
    wanted = Wanted(segment.started_at, segment.ended_at, PURPOSE, case.reference, reason % case.reference)
    request = request_create(acting_user=acting_user, camera=segment.camera, wanted=wanted)
    CaseItem.objects.filter(pk=item.pk).update(facts={**item.facts, "request": str(request.pk)})
    return request


def original_edit(*, acting_user: User, case: Case, item: CaseItem) -> Redaction:
    """Use the grant: the original becomes the upload of a redaction in which everybody is covered first."""
    require(acting_user, Capability.RUN_CASES)
    still_open(case)
    identified(case)
    segment = _segment(acting_user, item)
    request = UnmaskRequest.objects.filter(pk=item.facts.get("request"), camera=segment.camera_id).first()
    if request is None or not request.since <= segment.started_at <= segment.ended_at <= request.until:
        raise Conflict("not_granted", _("A second person has to approve the original first."))
    film = original_film(segment)
    redaction_id = new_id()
    key = input_key(str(redaction_id))
    try:
        object_put(key, film)
        with transaction.atomic():
            grant_spend(acting_user=acting_user, request=request)
            _access(acting_user, case, segment)
            received = Received(
                redaction_id,
                f"{case.reference}.mp4",
                len(film),
                hashlib.sha256(film).hexdigest(),
                QueryDict(),
            )
            made = redaction_create(
                acting_user=acting_user,
                received=received,
                options=options_checked(),
                purpose=PURPOSE,
            )
            CaseItem.objects.filter(pk=item.pk).update(facts={**item.facts, "edited_as": str(made.pk)})
            told = {"item": str(item.pk), "redaction": str(made.pk)}
            record(acting_user, case, "original_edit", told)
    except BaseException:
        object_delete(key)
        raise
    return made


def _segment(user: User, item: CaseItem) -> Segment:
    if item.kind != ItemKind.SEGMENT:
        raise NotFound(_("original"))
    segment = segment_look_up(user, item.object_id, purpose=PURPOSE)
    if not segment.original_key:
        raise NotFound(_("original"))
    return segment


def _access(user: User, case: Case, segment: Segment) -> None:
    audit.record_access(
        action="case.original_open",
        object_type="segment",
        object_id=str(segment.pk),
        camera_id=segment.camera_id,
        redacted=False,
        details={"case": case.reference, "original_sha256": segment.original_sha256},
        acting_user=user,
        purpose=PURPOSE,
    )
