"""One subscription per process fans the redacted live pictures out to its viewers; newest wins.

The hub knows nothing of permissions: a consumer joins a camera for its viewer after it has asked.
"""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from apps.core import redis
from inference_workers.contracts.codec import ContractError
from inference_workers.contracts.live import LiveHeader, unpack
from inference_workers.contracts.names import WATCH_TTL_S, live_channel, live_latest, watch_key

WATCH_EVERY_S = 2.0
RETRY_S = 0.5
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """`data` is the message as it came (contracts.live) and as it goes to the browser."""

    header: LiveHeader
    data: bytes


class PictureSlots:
    """The outbox of one viewer: one picture per camera, so a slow viewer costs no memory."""

    def __init__(self) -> None:
        self._newest: dict[str, Picture] = {}
        self._filled = asyncio.Event()
        self.dropped = 0

    def put(self, picture: Picture) -> None:
        """Replace the picture that still waits; its camera keeps its turn."""
        self.dropped += picture.header.camera_id in self._newest
        self._newest[picture.header.camera_id] = picture
        self._filled.set()

    def drop(self, camera_id: str) -> None:
        self._newest.pop(camera_id, None)

    async def take(self) -> Picture:
        """The picture of the camera that has waited longest."""
        while not self._newest:
            self._filled.clear()
            await self._filled.wait()
        return self._newest.pop(next(iter(self._newest)))


class LiveHub:
    """All viewers of one event loop. `join` and `leave` are called in that loop."""

    def __init__(self) -> None:
        self._viewers: dict[str, set[PictureSlots]] = defaultdict(set)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    async def join(self, camera_id: str, slots: PictureSlots) -> None:
        self._viewers[camera_id].add(slots)
        self._changed.set()
        self._start()
        try:
            client = redis.async_client()
            await client.set(watch_key(camera_id), "1", ex=WATCH_TTL_S)
            latest = await client.get(live_latest(camera_id))
        except (RedisError, OSError) as error:
            logger.warning("live hub: Redis does not answer, trying again: %s", type(error).__name__)
            return
        picture = _picture(camera_id, latest) if isinstance(latest, bytes) else None
        if picture is not None and slots in self._viewers.get(camera_id, ()):
            slots.put(picture)

    def leave(self, camera_id: str, slots: PictureSlots) -> None:
        viewers = self._viewers.get(camera_id)
        if viewers is None:
            return
        viewers.discard(slots)
        slots.drop(camera_id)
        if not viewers:
            del self._viewers[camera_id]
            self._changed.set()

    def watched(self) -> frozenset[str]:
        return frozenset(self._viewers)

    def _start(self) -> None:
        """Each by itself: after the last viewer one ends at once and the other within its pause."""
        for work in (self._read, self._keep_watch):
            task = self._tasks.get(work.__name__)
            if task is None or task.done():
                self._tasks[work.__name__] = asyncio.create_task(work())

    async def _keep_watch(self) -> None:
        """Tells the data plane that somebody watches; it encodes pictures only then."""
        while self._viewers:
            try:
                pipe = redis.async_client().pipeline(transaction=False)
                for camera_id in self._viewers:
                    pipe.set(watch_key(camera_id), "1", ex=WATCH_TTL_S)
                await pipe.execute()
            except (RedisError, OSError) as error:
                logger.warning("live hub: the watch keys could not be renewed: %s", type(error).__name__)
            await asyncio.sleep(WATCH_EVERY_S)

    async def _read(self) -> None:
        while self._viewers:
            try:
                await self._read_connection()
            except (RedisError, OSError) as error:
                logger.warning("live hub: connection lost, trying again: %s", type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _read_connection(self) -> None:
        subscribed: frozenset[str] = frozenset()
        pubsub = redis.async_client().pubsub(ignore_subscribe_messages=True)
        try:
            while self._viewers:
                if self._changed.is_set() or not subscribed:
                    self._changed.clear()
                    subscribed = await _follow(pubsub, subscribed, self.watched())
                message = await pubsub.get_message(timeout=0.2)
                if message is not None:
                    self._deliver(message["channel"].decode(), message["data"])
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]  # untyped in redis-py

    def _deliver(self, channel: str, data: bytes) -> None:
        camera_id = channel.removeprefix(live_channel(""))
        viewers = self._viewers.get(camera_id)
        picture = _picture(camera_id, data) if viewers else None
        if viewers and picture is not None:
            for slots in viewers:
                slots.put(picture)


async def _follow(pubsub: PubSub, before: frozenset[str], wanted: frozenset[str]) -> frozenset[str]:
    if new := wanted - before:
        await pubsub.subscribe(*(live_channel(camera_id) for camera_id in new))
    if gone := before - wanted:
        await pubsub.unsubscribe(*(live_channel(camera_id) for camera_id in gone))
    return wanted


def _picture(camera_id: str, data: bytes) -> Picture | None:
    """The picture, or None when the message is none of this camera."""
    try:
        header, _jpeg = unpack(data)
    except ContractError as error:
        logger.warning("live hub: message of camera %s refused: %s", camera_id, error)
        return None
    return Picture(header, data) if header.camera_id == camera_id else None


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, LiveHub] = WeakKeyDictionary()


def hub() -> LiveHub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), LiveHub())
