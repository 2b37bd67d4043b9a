"""Many writers at once, one chain."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from apps.audit import services as audit
from apps.audit.models import AuditHead
from apps.audit.selectors import chain_verify

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
