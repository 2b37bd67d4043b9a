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

from apps.core.clock import now
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


STATES: dict[str, Callable[[Kwargs, Client], Kwargs | None]] = {
    **{f"POST unmasking/<uuid:request_id>/{act}/": undecided for act in ("approve", "refuse", "withdraw")},
    "POST unmasking/<uuid:request_id>/open/": signed_in_again,
    "POST cameras/<uuid:camera_id>/unmask/": sealed_original,
    "POST cameras/<uuid:camera_id>/retention/originals/": sealed_original,
    "POST retention/classes/<slug:code>/remove/": another_class,
    "POST cameras/<uuid:camera_id>/leaks/lower/": raised_policy,
}
