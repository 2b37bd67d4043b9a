"""Many writers at once, one chain."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.audit import services as audit
from apps.audit.models import AuditHead
from apps.audit.selectors import chain_verify
from apps.core.errors import Unavailable
from tests.services import wait_until

WRITERS, ROWS = 6, 25


def write(number):
    try:
        for row in range(ROWS):
            with transaction.atomic():
                audit.record_change(action="site.create", object_type="site", object_id=f"{number}.{row}")
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_writers_wait_for_each_other_and_no_row_is_lost():
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert AuditHead.objects.get().seq == WRITERS * ROWS
    verdict = chain_verify()
    assert verdict.ok
    assert verdict.checked == WRITERS * ROWS + 1


def look(number):
    shown = {UUID(int=number): 3, UUID(int=99): 1}
    try:
        for _ in range(ROWS):
            audit.record_listing(action="event.search", object_type="event", shown=shown, terms={})
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_rows_of_many_requests_are_sealed_in_blocks_and_none_is_lost(monkeypatch):
    blocks = []
    chain = audit._blocks._chain
    monkeypatch.setattr(audit._blocks, "_chain", lambda rows: (blocks.append(len(rows)), chain(rows)))
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(look, range(WRITERS)))
    assert sum(blocks) == AuditHead.objects.get().seq == WRITERS * ROWS * 2
    assert max(blocks) > 2, "no two requests ever shared a block"
    assert chain_verify().ok


@pytest.mark.django_db(transaction=True)
def test_a_block_that_cannot_be_written_fails_for_everybody_in_it(monkeypatch):
    def broken(rows):
        raise Unavailable("audit_unavailable", "no")

    monkeypatch.setattr(audit._blocks, "_chain", broken)
    with ThreadPoolExecutor(WRITERS) as pool:
        waiting = [pool.submit(look, number) for number in range(WRITERS)]
    assert all(isinstance(job.exception(), Unavailable) for job in waiting)
    assert AuditHead.objects.get().seq == 0


@pytest.mark.django_db(transaction=True)
def test_an_error_that_nobody_foresaw_fails_for_everybody_in_the_block(monkeypatch):
    """Whoever waited for that block is not on record: taken for written, something would be shown."""
    blocks = []

    def broken(rows):
        blocks.append(len(rows))
        if len(blocks) == 1:  # the others meet in the second block
            waiting, others = audit._blocks._waiting, WRITERS - len(rows) // 2
            wait_until(lambda: len(waiting) >= others, timeout_s=10, what="the others wait")
        raise ZeroDivisionError

    monkeypatch.setattr(audit._blocks, "_chain", broken)
    with ThreadPoolExecutor(WRITERS) as pool:
        jobs = [pool.submit(look, number) for number in range(WRITERS)]
    assert all(isinstance(job.exception(), ZeroDivisionError) for job in jobs)
    assert sum(blocks) == 2 * WRITERS, "somebody went on as if it were written"
