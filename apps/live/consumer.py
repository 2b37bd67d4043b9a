"""One websocket: live pictures of the cameras that its viewer may watch, and the feed of events."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from django.utils import translation

from apps.accounts.roles import Capability
from apps.cameras.selectors import access_camera
from apps.core.clock import now
from apps.core.context import AuditContext, audit_context, context_for, new_request_id
from apps.core.errors import DomainError
from apps.core.middleware import forwarded_address
from apps.detections.feed import FEED_GROUP
from apps.live import clients
from apps.live.feed import feed_head, feed_messages
from apps.live.hub import PictureSlots, hub
from apps.live.identity import Identity, Standing, identify_cookie, identify_ticket, standing_of
from apps.live.protocol import (
    MAX_CAMERAS,
    VERSION,
    Authenticate,
    CatchUp,
    CloseCode,
    FollowRedactions,
    Message,
    Ping,
    ProtocolError,
    Subscribe,
    Unsubscribe,
    parse,
)
from apps.live.redactions import REDACTIONS_GROUP, redaction_messages
from apps.live.viewing import AnyBlock, ViewingLog, blocks_seal, news_begin, watching_begin

RECHECK_S = 1.0
LOOK_S = 3.0  # a lost knock of the channel layer costs this many seconds
AUTHENTICATE_WITHIN_S = 5.0
CLOSE_WITHIN_S = 1.0
SEND_WITHIN_S = 60.0
MAX_BAD_MESSAGES = 5
logger = logging.getLogger(__name__)


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels is untyped
    """The origin was checked before (routing). Everything else is asked here, per message and camera."""

    groups = [FEED_GROUP, REDACTIONS_GROUP]

    def __init__(self) -> None:
        super().__init__()
        self.identity: Identity | None = None
        self.connection_id = new_request_id()
        self.address = ""
        self.slots = PictureSlots()
        self.viewing = ViewingLog()
        self.watched: set[UUID] = set()
        self.feed_seq: int | None = None
        self.feed_lock = asyncio.Lock()
        self.redactions: dict[UUID, int] | None = None
        self.bad_messages = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.serving: asyncio.Task[Any] | None = None
        self.ending: asyncio.Task[None] | None = None
        self.ended = False
        self.abandoned = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """However it ends, nothing stays behind: no task, no place in the hub, no count."""
        self.serving = asyncio.current_task()
        with clients.CONNECTED.track_inprogress():
            try:
                await super().__call__(scope, receive, send)
            except asyncio.CancelledError:
                if not self.abandoned:
                    raise
            finally:
                await self._stop()

    async def dispatch(self, message: Any) -> None:
        try:
            await super().dispatch(message)
        except OSError as error:
            # ASGI: the client went away while it was told something. Its disconnect is the next message.
            logger.info("live: the client is gone: %s", type(error).__name__)

    async def connect(self) -> None:
        self.address = _address(self.scope)
        await self.accept()
        self.tasks.append(asyncio.create_task(self._authenticate_in_time()))
        cookie = dict(self.scope["headers"]).get(b"cookie", b"").decode("latin-1")
        # A cookie proves something only together with an origin that was checked (cross-site sockets).
        if cookie and self.scope["vidette.origin"]:
            await self._identified(await database_sync_to_async(identify_cookie)(cookie), say_no=False)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.ended:
            return
        try:
            if text_data is None:
                raise ProtocolError("not_json", "Expected a JSON object as text.")
            await self._handle(parse(text_data))
        except ProtocolError as error:
            await self._say("error", code=error.code, message=str(error))
            self.bad_messages += 1
            if self.bad_messages >= MAX_BAD_MESSAGES:
                await self._end(CloseCode.BAD_MESSAGE, "too many messages that the protocol does not know")

    async def _handle(self, message: Message) -> None:
        match message:
            case Authenticate(ticket=ticket):
                await self._identified(await database_sync_to_async(identify_ticket)(ticket))
            case Ping():
                await self._say("pong", at=now().timestamp())
            case _ if self.identity is None:
                await self._say("error", code="sign_in", message="Send a ticket first: type authenticate.")
            case Subscribe(camera_id=camera_id):
                await self._subscribe(camera_id)
            case Unsubscribe(camera_id=camera_id):
                await self._unsubscribe(camera_id)
            case CatchUp(after=after):
                await self._catch_up(after)
            case FollowRedactions():
                self.redactions = {}
                await self._look_at_redactions()

    async def _authenticate_in_time(self) -> None:
        await asyncio.sleep(AUTHENTICATE_WITHIN_S)
        if self.identity is None:
            await self._end(CloseCode.SIGN_IN, "no ticket came in time")

    async def _identified(self, identity: Identity | None, *, say_no: bool = True) -> None:
        if self.identity is not None:
            await self._say("error", code="signed_in", message="This connection is signed in already.")
            return
        if identity is None:
            if say_no:
                await self._end(CloseCode.SIGN_IN, "the ticket is unknown, used or too old")
            return
        self.identity = identity
        seq = await database_sync_to_async(feed_head)()
        await self._say("ready", version=VERSION, user=identity.user.username, at=now().timestamp(), seq=seq)
        self.tasks += [
            asyncio.create_task(self._send_pictures()),
            # Apart: a client that does not read holds up its news, but no check of what it may see.
            asyncio.create_task(self._regularly(RECHECK_S, self._check_standing)),
            asyncio.create_task(self._regularly(LOOK_S, self._look, self._look_at_redactions)),
        ]

    async def _subscribe(self, camera_id: UUID) -> None:
        if camera_id in self.watched:
            return
        if len(self.watched) >= MAX_CAMERAS:
            await self._refuse(camera_id, "too_many", f"At most {MAX_CAMERAS} cameras per connection.")
            return
        try:
            await database_sync_to_async(self._open)(camera_id)
        except DomainError as error:
            await self._refuse(camera_id, error.code, str(error.message))
            return
        if self.ended:
            return
        self.watched.add(camera_id)
        await self._say("subscribed", camera_id=str(camera_id))
        await hub().join(str(camera_id), self.slots)

    def _open(self, camera_id: UUID) -> None:
        identity = self._known()
        with audit_context(self._context()), translation.override(identity.language):
            access_camera(
                identity.user, camera_id, purpose=identity.purpose, capability=Capability.WATCH_LIVE
            )
        watching_begin(self._context(), camera_id)

    async def _unsubscribe(self, camera_id: UUID) -> None:
        self.watched.discard(camera_id)
        hub().leave(str(camera_id), self.slots)
        await self._seal(self.viewing.take(str(camera_id)))
        await self._say("unsubscribed", camera_id=str(camera_id))

    async def _refuse(self, camera_id: UUID, code: str, message: str) -> None:
        await self._say("error", code=code, camera_id=str(camera_id), message=message)

    async def _catch_up(self, after: int | None) -> None:
        if self.feed_seq is None and not await self._news_opened():
            return
        head = await database_sync_to_async(feed_head)()
        self.feed_seq = head if after is None else min(after, head)
        await self._look()
        await self._say("caught_up", seq=self.feed_seq)

    async def _news_opened(self) -> bool:
        try:
            await database_sync_to_async(news_begin)(self._context())
        except DomainError as error:
            await self._end(CloseCode.RECORD_UNAVAILABLE, str(error.message))
            return False
        return True

    async def feed_look(self, event: dict[str, Any]) -> None:
        """The channel layer knocked; what happened is read from the database."""
        await self._look()

    async def _look(self) -> None:
        async with self.feed_lock:
            while not self.ended and self.identity is not None and self.feed_seq is not None:
                messages = await database_sync_to_async(feed_messages)(self.identity.user, self.feed_seq)
                if not messages:
                    return
                for message in messages:
                    if self.ended:
                        return
                    await self.send(text_data=json.dumps(message))
                    if "event" in message:
                        self.viewing.count_news(message["camera_id"])
                    self.feed_seq = message["seq"]

    async def redactions_look(self, event: dict[str, Any]) -> None:
        """As `feed_look`, for those who follow redactions."""
        await self._look_at_redactions()

    async def _look_at_redactions(self) -> None:
        async with self.feed_lock:
            if self.ended or self.identity is None or self.redactions is None:
                return
            try:
                messages = await database_sync_to_async(self._redaction_news)(self.redactions)
            except DomainError as error:
                self.redactions = None
                await self._say("error", code=error.code, message=str(error.message))
                return
            for message in messages:
                await self.send(text_data=json.dumps(message))

    def _redaction_news(self, known: dict[UUID, int]) -> list[dict[str, Any]]:
        identity = self._known()
        with audit_context(self._context()), translation.override(identity.language):
            return redaction_messages(identity.user, known)

    async def _send_pictures(self) -> None:
        """Waits for the client inside `send`; meanwhile the slots keep the newest picture per camera."""
        while True:
            picture = await self.slots.take()
            try:
                await asyncio.wait_for(self.send(bytes_data=picture.data), SEND_WITHIN_S)
            except TimeoutError:
                await self._end(CloseCode.TOO_SLOW, "the client does not read")
                return
            self.viewing.count(picture.header)
            clients.PICTURES.inc()

    async def _regularly(self, pause_s: float, *works: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                for work in works:
                    await work()
            except Exception as error:
                # Not knowing is no permission: the pictures stop until the question is answered.
                known = isinstance(error, DatabaseError | OSError)  # OSError: the client is gone
                logger.warning("live: a viewer cannot be checked: %s", error, exc_info=not known)
                reason = "the database does not answer" if known else "the viewer cannot be checked"
                await self._end(CloseCode.RECORD_UNAVAILABLE, reason)
                return

    async def _check_standing(self) -> None:
        identity = self._known()
        standing: Standing = await database_sync_to_async(standing_of)(identity, frozenset(self.watched))
        if standing.user is not None:  # with the role of now: what the feed may tell depends on it
            self.identity = replace(identity, user=standing.user)
        if standing.user is None:
            await self._end(CloseCode.SIGN_IN, "signed out")
        elif standing.lost:
            for camera_id in standing.lost:
                hub().leave(str(camera_id), self.slots)
            await self._end(CloseCode.FORBIDDEN, "a grant was withdrawn")
        else:
            await self._seal(self.viewing.take_due())

    async def _seal(self, blocks: list[AnyBlock]) -> None:
        if not blocks or self.identity is None:
            return
        # The end of the connection cancels this task: what waits for its turn is written all the same.
        if not await asyncio.shield(self._written(blocks)):
            await self._end(CloseCode.RECORD_UNAVAILABLE, "the record cannot be written")

    async def _written(self, blocks: list[AnyBlock]) -> bool:
        try:
            await database_sync_to_async(blocks_seal)(self._context(), blocks)
        except (DomainError, DatabaseError) as error:
            self.viewing.keep(blocks)  # tried once more when the connection ends
            logger.warning("live: %d blocks of viewing time wait for the record: %s", len(blocks), error)
            return False
        return True

    def _known(self) -> Identity:
        if self.identity is None:
            raise RuntimeError("live: asked for the viewer before it was identified")
        return self.identity

    def _context(self) -> AuditContext:
        identity = self._known()
        return context_for(
            identity.user, address=self.address, request_id=self.connection_id, purpose=identity.purpose
        )

    async def _say(self, kind: str, **fields: Any) -> None:
        await self.send(text_data=json.dumps({"type": kind, **fields}))

    async def _end(self, code: CloseCode, reason: str) -> None:
        """Stop the pictures first, then say why; a client that does not read cannot delay the first."""
        if self.ending is None:
            self.ending = asyncio.create_task(self._stop_and_close(code, reason))
        if asyncio.current_task() not in self.tasks:
            await asyncio.shield(self.ending)

    async def _stop_and_close(self, code: CloseCode, reason: str) -> None:
        await self._stop()
        try:
            await asyncio.wait_for(self.close(code=int(code), reason=reason), CLOSE_WITHIN_S)
        except TimeoutError:
            # To a client that does not read the server says nothing, not even that this is the end.
            self.abandoned = True
            if self.serving is not None:
                self.serving.cancel()
        except OSError:
            logger.info("live: the client was gone before it was told the end")

    async def _stop(self) -> None:
        self.ended = True
        for camera_id in self.watched:
            hub().leave(str(camera_id), self.slots)
        self.watched.clear()
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.shield(self._seal_rest())

    async def _seal_rest(self) -> None:
        blocks = self.viewing.take_all()
        if blocks and self.identity is not None:
            try:
                await database_sync_to_async(partial(blocks_seal, self._context()))(blocks)
            except (DomainError, DatabaseError):
                logger.exception("live: %d blocks of viewing time could not be recorded", len(blocks))


def _address(scope: dict[str, Any]) -> str:
    """The viewer's address, behind a trusted proxy as well."""
    client = scope.get("client") or ("",)
    forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
    return forwarded_address(str(client[0]), forwarded)
