"""What some actions of the permission matrix have to find before they get as far as the record.

Each is made without a record, which is read-only by then; the test takes everything back afterwards. What it
returns takes the place of arguments of the address.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from django.test import Client

from apps.accounts.models import User
from apps.cases.models import Case, CaseItem, Disclosure, Erasure
from apps.cases.services.disclosures import digest_of
from apps.cases.services.previews import preview_of
from apps.core.clock import now
from apps.core.objects import object_put
from apps.evaluations.models import Evaluation
from apps.monitoring.models import LeakGuard
from apps.recordings.models import OriginalKey, Segment
from apps.retention.models import RetentionClass
from apps.unmasking.models import RequestState, UnmaskGrant, UnmaskRequest

Kwargs = dict[str, Any]
DAY = date(2026, 11, 24)


def undecided(kwargs: Kwargs, _client: Client) -> None:
    UnmaskGrant.objects.filter(request=kwargs["request_id"]).delete()
    UnmaskRequest.objects.filter(pk=kwargs["request_id"]).update(
        state=RequestState.OPEN, decided_by=None, decided_at=None, requested_at=now(), version=1
    )


def signed_in_again(kwargs: Kwargs, client: Client) -> None:
    """The person has repeated the sign-in after the decision."""
    UnmaskRequest.objects.filter(pk=kwargs["request_id"]).update(decided_at=now() - timedelta(minutes=1))
    session = client.session
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = session["_auth_user_id"]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time(), "username": "alice", "reauthenticated": True}
    ]
    session.save()


def sealed_original(kwargs: Kwargs, _client: Client) -> None:
    key = OriginalKey.objects.create(
        camera_id=kwargs["camera_id"], day=DAY, public_key=b"x", sealed_private=b"x", fingerprint="ab" * 32,
        created_at=now(),
    )  # fmt: skip
    Segment.objects.filter(camera=kwargs["camera_id"]).update(
        original_key="originals/x", original_sha256="ab" * 32, sealed_under=key
    )


def another_class(_kwargs: Kwargs, _client: Client) -> Kwargs:
    row = RetentionClass.objects.create(code="long", name="Long", hours=48)
    return {"code": row.code}


def raised_policy(kwargs: Kwargs, _client: Client) -> None:
    LeakGuard.objects.create(camera_id=kwargs["camera_id"], policy_raised_at=now())


def _identified(kwargs: Kwargs, kind: str) -> Case:
    """The request of the matrix, open and identified, with its one item: a file that nothing else holds."""
    CaseItem.objects.filter(case=kwargs["case_id"]).update(copy_key="", copy_bytes=0)
    Case.objects.filter(pk=kwargs["case_id"]).update(
        kind=kind, identity="confirmed", identity_method="document", identity_at=now()
    )
    return Case.objects.get(pk=kwargs["case_id"])


def erasure_asked(kwargs: Kwargs, _client: Client) -> None:
    _identified(kwargs, "erasure")


def _erasure(kwargs: Kwargs, **decided: Any) -> None:
    """A preview by frank of what would go now."""
    found = preview_of(_identified(kwargs, "erasure"))
    Erasure.objects.filter(pk=kwargs["erasure_id"]).update(
        **{
            "made_by": User.objects.get(username="frank"),
            "expires_at": now() + timedelta(hours=1),
            "digest": found.digest,
            "state": "waiting",
            "decided_by": None,
            "decided_at": None,
            "executed_by": None,
            "executed_at": None,
            "version": 1,
            **decided,
        }
    )


def erasure_waiting(kwargs: Kwargs, _client: Client) -> None:
    _erasure(kwargs)


def erasure_approved(kwargs: Kwargs, _client: Client) -> None:
    _erasure(kwargs, state="approved", decided_by=User.objects.get(username="bob"), decided_at=now())


def access_asked(kwargs: Kwargs, _client: Client) -> None:
    _identified(kwargs, "access")


def _disclosure(kwargs: Kwargs, **decided: Any) -> None:
    """A pack that frank prepared of what is collected."""
    case = _identified(kwargs, "access")
    items = list(case.items.all())
    key = f"cases/{case.pk}/packs/{kwargs['disclosure_id']}.zip"
    object_put(key, b"PK")
    Disclosure.objects.filter(pk=kwargs["disclosure_id"]).update(
        **{
            "prepared_by": User.objects.get(username="frank"),
            "expires_at": now() + timedelta(days=1),
            "items": [str(item.pk) for item in items],
            "digest": digest_of(items),
            "pack_key": key,
            "version": 1,
            **decided,
        }
    )


def disclosure_waiting(kwargs: Kwargs, _client: Client) -> None:
    _disclosure(kwargs)


def disclosure_approved(kwargs: Kwargs, _client: Client) -> None:
    _disclosure(kwargs, state="approved", decided_by=User.objects.get(username="bob"), decided_at=now())


def still_queued(kwargs: Kwargs, _client: Client) -> None:
    Evaluation.objects.filter(pk=kwargs["evaluation_id"]).update(state="queued", finished_at=None)


_CASE = "POST cases/<uuid:case_id>"
_ERASURE, _DISCLOSURE = f"{_CASE}/erasures/<uuid:erasure_id>", f"{_CASE}/disclosures/<uuid:disclosure_id>"
STATES: dict[str, Callable[[Kwargs, Client], Kwargs | None]] = {
    **{f"POST unmasking/<uuid:request_id>/{act}/": undecided for act in ("approve", "refuse", "withdraw")},
    "POST unmasking/<uuid:request_id>/open/": signed_in_again,
    "POST cameras/<uuid:camera_id>/unmask/": sealed_original,
    "POST cameras/<uuid:camera_id>/retention/originals/": sealed_original,
    "POST retention/classes/<slug:code>/remove/": another_class,
    "POST cameras/<uuid:camera_id>/leaks/lower/": raised_policy,
    "POST api/v1/evaluations/<uuid:evaluation_id>/cancel": still_queued,
    "POST evaluations/<uuid:evaluation_id>/cancel/": still_queued,
    f"{_CASE}/erasures/": erasure_asked,
    **{f"{_ERASURE}/{act}/": erasure_waiting for act in ("approve", "refuse")},
    f"{_ERASURE}/execute/": erasure_approved,
    f"{_CASE}/disclosures/": access_asked,
    **{f"{_DISCLOSURE}/{act}/": disclosure_waiting for act in ("approve", "refuse")},
    **{f"{_DISCLOSURE}/{act}/": disclosure_approved for act in ("give", "pack")},
}
