"""Copy-ready programs for integrators, with the address of this installation in them."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Example:
    title: str
    text: str
    codes: tuple[str, ...]


_SETUP = """export VIDETTE={base}
export TOKEN=…"""

_CAMERAS = """curl -s "$VIDETTE/api/v1/cameras" \\
  -H "Authorization: Token $TOKEN" -H "X-Vidette-Purpose: integration test\""""

_EVENTS_CURL = """curl -s "$VIDETTE/api/v1/events?label=person&limit=20" \\
  -H "Authorization: Token $TOKEN" -H "X-Vidette-Purpose: incident reports\""""

_EVENTS_PYTHON = """import os

import httpx

client = httpx.Client(
    base_url=os.environ["VIDETTE"],
    headers={{
        "Authorization": "Token " + os.environ["TOKEN"],
        "X-Vidette-Purpose": "incident reports",
    }},
)
query = {{"limit": 100}}
while True:
    page = client.get("/api/v1/events", params=query).raise_for_status().json()
    for event in page["results"]:
        print(event["id"], event["label"])
    if not page["next_cursor"]:
        break
    query["cursor"] = page["next_cursor"]"""

_FRAMES = """curl -s "$VIDETTE/api/v1/frames" \\
  -H "Authorization: Token $TOKEN" -H "Idempotency-Key: door-0001" -F "image=@door.jpg\""""

_SOCKET = """import asyncio
import json
import os
import struct

import httpx
import websockets


async def watch(camera_id):
    headers = {{"Authorization": "Token " + os.environ["TOKEN"]}}
    answer = httpx.post("{base}/api/v1/tickets", headers=headers)
    ticket = answer.raise_for_status().json()["ticket"]
    async with websockets.connect("{socket}", max_size=None) as socket:
        for message in (
            {{"type": "authenticate", "ticket": ticket}},
            {{"type": "subscribe", "camera_id": camera_id}},
            {{"type": "events"}},
        ):
            await socket.send(json.dumps(message))
        async for message in socket:
            if isinstance(message, str):
                print(message)  # ready, subscribed, event, camera, error
                continue
            (size,) = struct.unpack(">I", message[:4])
            header = json.loads(message[4 : 4 + size])
            jpeg = message[4 + size :]
            print(header["seq"], header["redaction"], len(header["boxes"]), len(jpeg))


asyncio.run(watch(os.environ["CAMERA"]))"""


def examples_for(base: str) -> list[Example]:
    """`base` is the address at which the person sees this page."""
    socket = base.replace("http", "ws", 1) + "/ws/v1/"

    def filled(*codes: str) -> tuple[str, ...]:
        return tuple(code.format(base=base, socket=socket) for code in codes)

    return [
        Example(
            _("Prepare"),
            _("The address of this installation and your token."),
            filled(_SETUP),
        ),
        Example(_("List cameras"), _("Those that the account’s grants open."), filled(_CAMERAS)),
        Example(
            _("Read events"),
            _("Newest first, page by page."),
            filled(_EVENTS_CURL, _EVENTS_PYTHON),
        ),
        Example(
            _("Analyse one picture"),
            _(
                "200 with what was found and the redacted picture; 202 with an id when the machine is "
                "busy. The same key with the same picture gives the same answer."
            ),
            filled(_FRAMES),
        ),
        Example(
            _("Live pictures and news"),
            _(
                "A ticket is valid once, for half a minute. Binary messages are redacted pictures: four "
                "bytes with the length of the header, the header as JSON, the JPEG."
            ),
            filled(_SOCKET),
        ),
    ]
