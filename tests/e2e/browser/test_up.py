"""`make run` from outside: it starts, it heals, it stops, and it starts quickly the second time.

The last of this folder, because it kills and stops what the others look at.
"""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.product import MARKS, Product
from tests.services import wait_until

pytestmark = pytest.mark.timeout(600)
BACK_WITHIN_S = 10.0
SECOND_START_S = 15.0
MEMORY_MB = 3000


def test_it_shows_live_pictures_without_further_steps(product: Product) -> None:
    product.wait_for_pictures(patience_s=60)
    assert set(product.pids()) == set(MARKS)


@pytest.mark.parametrize("name", sorted(MARKS))
def test_it_heals_when_killed(product: Product, name: str) -> None:
    before = product.pids()[name]
    started = time.monotonic()
    os.kill(before, signal.SIGKILL)
    wait_until(
        lambda: product.pids().get(name, before) != before and product.ready(),
        timeout_s=BACK_WITHIN_S,
        what=f"{name} after kill -9",
    )
    product.wait_for_pictures(patience_s=BACK_WITHIN_S - (time.monotonic() - started))
    assert set(product.pids()) == set(MARKS)


def test_it_stays_small(product: Product) -> None:
    product.wait_for_pictures(patience_s=30)
    assert product.memory_mb() < MEMORY_MB


def test_the_data_plane_holds_no_key_to_the_database(product: Product) -> None:
    pids = product.pids()
    for name in ("streams", "gpu"):
        for process in (psutil.Process(pids[name]), *psutil.Process(pids[name]).children(recursive=True)):
            held = set(process.environ())
            assert (
                held & {"DATABASE_URL", "SECRET_KEY", "VIDETTE_FIELD_KEY", "DJANGO_SETTINGS_MODULE"} == set()
            )


def test_a_second_one_beside_it_is_refused(product: Product) -> None:
    other = Product(product.folder)
    with pytest.raises(AssertionError, match="already runs"):
        other.start(patience_s=60)


def test_ctrl_c_ends_everything_and_the_next_start_is_quick(product: Product) -> None:
    family = product.tree()
    assert product.stop() < BACK_WITHIN_S
    wait_until(lambda: not any(_alive(process) for process in family), timeout_s=3, what="the end of all")
    assert product.start(patience_s=60) < SECOND_START_S
    family = product.tree()
    product.stop(signal.SIGKILL)
    wait_until(lambda: not any(_alive(process) for process in family), timeout_s=10, what="the orphans' end")


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_accounts_and_secrets_are_the_owners(product: Product) -> None:
    for name in ("secrets.json", "demo_accounts.json", "run/redis.conf"):
        assert (product.folder / name).stat().st_mode & 0o077 == 0, name
    assert Path(product.folder).stat().st_mode & 0o077 == 0
