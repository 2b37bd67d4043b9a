"""Who watched what, how long and covered by what: sealed into the record in blocks of at most 30 seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from apps.audit import services as audit
from apps.core.clock import now
from apps.core.context import AuditContext, audit_context
from inference_workers.contracts.live import LiveHeader

BLOCK = timedelta(seconds=28)  # sealed by the next check, so no block grows beyond 30 s


@dataclass
class Block:
    """Pictures of one camera that were sent to one viewer."""

    camera_id: UUID
    started_at: datetime
    ended_at: datetime
    pictures: int = 0
    redacted: bool = True
    models: dict[str, str] = field(default_factory=dict)


@dataclass
class NewsBlock:
    """Events of one camera that one viewer was told of."""

    camera_id: UUID
    started_at: datetime
    ended_at: datetime
    events: int = 0


AnyBlock = Block | NewsBlock
AnyBlockOf = TypeVar("AnyBlockOf", Block, NewsBlock)


class ViewingLog:
    """The open blocks of one viewer. `count` is called for pictures that were sent, not for those queued."""

    def __init__(self) -> None:
        self._open: dict[str, Block] = {}
        self._news: dict[str, NewsBlock] = {}
        self._unsealed: list[AnyBlock] = []

    def count(self, header: LiveHeader) -> None:
        at = now()
        block = self._open.get(header.camera_id)
        if block is None:
            block = self._open[header.camera_id] = Block(UUID(header.camera_id), at, at)
        block.ended_at = at
        block.pictures += 1
        block.redacted &= header.redaction in ("tracks", "mosaic")
        block.models.update(header.models)

    def count_news(self, camera_id: str) -> None:
        """An event that the viewer was told of."""
        at = now()
        block = self._news.setdefault(camera_id, NewsBlock(UUID(camera_id), at, at))
        block.ended_at = at
        block.events += 1

    def take_due(self) -> list[AnyBlock]:
        """Blocks that are old enough to be sealed."""
        oldest = now() - BLOCK
        return [*_pop_older(self._open, oldest), *_pop_older(self._news, oldest)]

    def take(self, camera_id: str) -> list[AnyBlock]:
        block = self._open.pop(camera_id, None)
        return [block] if block is not None else []

    def keep(self, blocks: Sequence[AnyBlock]) -> None:
        """Blocks that could not be sealed: `take_all` gives them once more."""
        self._unsealed += blocks

    def take_all(self) -> list[AnyBlock]:
        blocks: list[AnyBlock] = [*self._unsealed, *self._open.values(), *self._news.values()]
        self._unsealed.clear()
        self._open.clear()
        self._news.clear()
        return blocks


def _pop_older(blocks: dict[str, AnyBlockOf], oldest: datetime) -> list[AnyBlockOf]:
    due = [camera_id for camera_id, block in blocks.items() if block.started_at <= oldest]
    return [blocks.pop(camera_id) for camera_id in due]


def blocks_seal(context: AuditContext, blocks: list[AnyBlock]) -> None:
    """Write the blocks; raises Unavailable when the record cannot be written. What is left in the list then
    is not written.

    Outside of a transaction, so that the blocks of several viewers share one.
    """
    with audit_context(context):
        while blocks:
            _seal(blocks[0])
            del blocks[0]


def _seal(block: AnyBlock) -> None:
    if isinstance(block, NewsBlock):
        audit.record_news(
            camera_id=block.camera_id,
            started_at=block.started_at,
            ended_at=block.ended_at,
            events=block.events,
        )
        return
    audit.record_viewing(
        camera_id=block.camera_id,
        started_at=block.started_at,
        ended_at=block.ended_at,
        pictures=block.pictures,
        redacted=block.redacted,
        models=block.models,
    )


def news_begin(context: AuditContext) -> None:
    """The access record that comes before the first news; no record, no news."""
    with audit_context(context), transaction.atomic():
        audit.record_access(action="feed.open", object_type="feed", object_id="")


def watching_begin(context: AuditContext, camera_id: UUID) -> None:
    """The access record that comes before the first picture; no record, no picture."""
    with audit_context(context), transaction.atomic():
        audit.record_access(
            action="live.view",
            object_type="camera",
            object_id=str(camera_id),
            camera_id=camera_id,
            redacted=True,
        )
