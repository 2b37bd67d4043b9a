"""The page of an open grant in a browser: what cannot be put on record is not shown."""

import re
from datetime import timedelta

from django.conf import settings
from playwright.sync_api import expect

from apps.core.clock import now
from apps.unmasking.models import UnmaskGrant, UnmaskRequest
from apps.unmasking.selectors import session_hash

UNHEARD_S = 12  # as static/js/unmask.js has it


def _opened(user, approver, camera, session_key):
    """A grant that this session has opened a moment ago."""
    at = now()
    request = UnmaskRequest.objects.create(
        camera=camera, since=at - timedelta(minutes=5), until=at, purpose="incident investigation",
        case="2026/5", reason="theft", requested_by=user, requested_at=at, state="approved",
        decided_by=approver, decided_at=at,
    )  # fmt: skip
    UnmaskGrant.objects.create(
        request=request, granted_at=at, open_until=at, opened_at=at, seen_until=at,
        expires_at=at + timedelta(minutes=10), session_sha256=session_hash(session_key),
    )  # fmt: skip
    return f"/unmasking/{request.pk}/"


def test_a_server_that_does_not_answer_shuts_it(visit, alice, bob, camera):
    seen = visit(alice, "/health/")
    (cookie,) = [one for one in seen.page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME]
    seen.page.clock.install()
    seen.open(_opened(alice, bob, camera, cookie["value"]))
    expect(seen.page.locator("[data-timer]")).to_have_text(re.compile(r"(10:00|9:5\d)"))
    seen.page.clock.run_for(UNHEARD_S * 1000)
    expect(seen.page.locator("#unmask")).to_be_visible()  # the server was told every five seconds
    seen.page.context.set_offline(True)
    for _second in range(UNHEARD_S + 1):
        seen.page.clock.run_for(1000)
    expect(seen.page.locator("#unmask")).to_have_count(0)
    seen.complaints.clear()  # of the network that was away
