"""Recordings: a camera's day with its player, and the files of its segments."""

import zoneinfo
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from apps.accounts.roles import Capability, user_can
from apps.cameras.models import Camera
from apps.cameras.selectors import access_camera
from apps.console.access import page, viewer
from apps.console.playback import bars_of, clips_of, playlist
from apps.console.purposes import purpose_of
from apps.core.clock import now
from apps.recordings.media import segment_response
from apps.recordings.selectors import day_of, days_recorded, segments_seen
from apps.retention.selectors import holds_touching, retention_of

PURPOSE = "incident investigation"


@page(Capability.SEE_RECORDINGS)
def recordings(request: HttpRequest, camera_id: str) -> HttpResponse:
    """What one camera recorded on one day, in the camera's time zone."""
    user, purpose = viewer(request), purpose_of(request, PURPOSE)
    camera = access_camera(user, camera_id, purpose=purpose, capability=Capability.SEE_RECORDINGS)
    days = days_recorded(user, camera)
    day = day_of(camera, _day_chosen(request, camera, days))
    segments = list(segments_seen(user, camera, day.since, day.until, purpose))
    holds = holds_touching(camera.pk, day.since, day.until)
    retention_class, mode = retention_of(camera)
    context: dict[str, Any] = {
        "camera": camera,
        "site": camera.site,
        "day": day,
        "days": days,
        "earlier": day.day - timedelta(days=1),
        "later": day.day + timedelta(days=1),
        "is_last": day.day >= _today(camera),
        "clips": clips_of(segments),
        "bars": bars_of(day, [(clip.started_at, clip.ended_at) for clip in clips_of(segments)]),
        "held_bars": bars_of(day, [(hold.since, hold.until) for hold in holds]),
        "playlist": playlist(segments),
        "holds": holds,
        "retention_class": retention_class,
        "mode": mode,
        "may_hold": user_can(user, Capability.MANAGE_RETENTION),
        "may_request": user_can(user, Capability.REQUEST_UNMASKING),
        "may_export": user_can(user, Capability.EXPORT_EVIDENCE),
    }
    return render(request, "console/recordings.html", context)


def _today(camera: Camera) -> date:
    return now().astimezone(zoneinfo.ZoneInfo(camera.zone_name)).date()


def _day_chosen(request: HttpRequest, camera: Camera, days: list[date]) -> date:
    """The day of the address; else the last one with a recording; else today."""
    try:
        chosen = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return days[0] if days else _today(camera)
    return min(max(chosen, date(2000, 1, 2)), date(2099, 12, 30))


@page(Capability.SEE_RECORDINGS)
def segment(request: HttpRequest, segment_id: str) -> HttpResponseBase:
    """The file of a segment. Every answer is on record, so no cache may answer in our place."""
    wanted = request.headers.get("Range", "")
    return segment_response(viewer(request), segment_id, purpose_of(request, PURPOSE), wanted)
