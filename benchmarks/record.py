"""`python -m benchmarks.record --database sqlite --rows 1000000`: the record with a million entries.

Answers, checks, exports and the cost of an action, on SQLite or on a PostgreSQL that flushes every commit.
"""

import argparse
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.services import PostgresServer

CAMERAS, PEOPLE, DAYS = 50, 40, 90
BATCH, ACTIONS, THREADS = 5000, 200, 16
START = datetime(2026, 5, 1, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidette-record-") as folder:
        server = PostgresServer(durable=True).start() if options.database == "postgresql" else None
        try:
            prepare(Path(folder), server.url if server else "")
            run(Path(folder), options.rows)
        finally:
            if server is not None:
                server.stop()
    return 0


def prepare(folder: Path, database_url: str) -> None:
    os.environ |= {"VIDETTE_DATA_DIR": str(folder), "ALLOWED_HOSTS": "testserver", "LOG_LEVEL": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
    (folder / "staticfiles").mkdir()
    if database_url:
        os.environ["DATABASE_URL"] = database_url
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.ERROR)  # there is no Redis here that could be told of leases
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.CACHES["default"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    call_command("migrate", verbosity=0)


def run(folder: Path, rows: int) -> None:
    from django.db import connection

    say(f"{connection.vendor}, {rows} entries, {os.cpu_count()} cores")
    say(f"filled in {timed(lambda: fill(rows)):.0f} s")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    answers()
    checks(folder, rows)
    human_actions()
    machine_rows()


def fill(rows: int) -> None:
    """Rows as the product writes them, chained with its own function; the way into the table is shorter."""
    from django.db import connection, transaction

    from apps.audit.models import AuditHead, AuditRecord

    head = AuditHead.objects.get(pk=1)
    names = [field.attname for field in AuditRecord._meta.concrete_fields]
    for first in range(0, rows, BATCH):
        made = _chained(head, _rows(first, min(first + BATCH, rows), rows))
        with transaction.atomic(), connection.cursor() as cursor:
            _insert(cursor, AuditRecord, names, made)
            head.save()


def _chained(head: Any, rows: Iterator[dict[str, Any]]) -> list[Any]:
    from apps.audit.appending import record_hash
    from apps.audit.models import AuditRecord

    made = []
    for row in rows:
        record = AuditRecord(seq=head.seq + 1, previous_hash=head.hash, **row)
        record.hash = head.hash = record_hash(record)
        head.seq += 1
        made.append(record)
    return made


def _insert(cursor: Any, model: Any, names: list[str], made: list[Any]) -> None:
    from django.db import connection

    fields = [model._meta.get_field(name) for name in names]
    values = [
        [field.get_db_prep_save(getattr(record, field.attname), connection) for field in fields]
        for record in made
    ]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    if connection.vendor == "postgresql":
        with cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy:
            for row in values:
                copy.write_row(row)
    else:
        marks = ", ".join(["%s"] * len(fields))
        cursor.executemany(f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({marks})', values)


def _rows(first: int, last: int, count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(first)
    for number in range(first, last):
        at = START + timedelta(seconds=number * DAYS * 86400 / count)
        camera, person = UUID(int=chance.randrange(CAMERAS) + 1), chance.randrange(PEOPLE)
        row = {
            "at": at, "actor_id": str(UUID(int=person + 1000)), "actor_name": f"person{person}",
            "actor_role": "operator", "purpose": "live monitoring", "address": "192.0.2.7",
            "request_id": f"{number:032x}", "camera_id": camera, "redacted": True,
        }  # fmt: skip
        yield row | (_viewing(at, camera) if chance.random() < 0.8 else _snapshot(number))


def _viewing(at: datetime, camera: UUID) -> dict[str, Any]:
    from apps.audit.chain import timestamp

    details = {
        "started_at": timestamp(at - timedelta(seconds=28)), "ended_at": timestamp(at), "pictures": 270,
        "models": {"faces": "centerface@09189deaaf86", "detect": "yolox-nano@abababababab"},
    }  # fmt: skip
    return {"kind": "viewing", "action": "live.view", "object_type": "camera", "object_id": str(camera),
            "details": details}  # fmt: skip


def _snapshot(number: int) -> dict[str, Any]:
    return {"kind": "access", "action": "snapshot.view", "object_type": "event", "object_id": str(number),
            "details": {"redaction": "tracks", "model": "yolox-nano@abababababab"}}  # fmt: skip


def answers() -> None:
    """The page as compliance opens it, the whole request."""
    from django.test import Client

    from apps.accounts.models import User
    from apps.cameras.models import Camera, Site

    bob = User.objects.create_user("bob", role="compliance", password="a long enough passphrase")
    site = Site.objects.create(name="Site A")
    Camera.objects.create(pk=UUID(int=7), site=site, name="Camera 7", kind="rtsp", url="rtsp://10.0.0.1/")
    client = Client()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    day = {
        "camera_id": str(UUID(int=7)),
        "seen": "on",
        "since": "2026-05-03T00:00",
        "until": "2026-05-04T00:00",
    }
    month = day | {"until": "2026-06-03T00:00"}
    questions = {
        "who saw camera 7 on 3 May": day,
        "who saw camera 7 in a month": month,
        "the newest entries": {},
        "what one person did": {"actor": "person7"},
        "one action": {"action": "snapshot.view"},
        "a text that nothing holds": {"text": "nothing like this"},
    }
    for name, query in questions.items():
        runs = [_cost_ms(lambda query=query: _opened(client, query)) for _ in range(5)]
        wall, cpu = sorted(run[0] for run in runs), statistics.median(run[1] for run in runs)
        say(f"page, {name}: {wall[2]:.0f} ms (worst {wall[-1]:.0f}), {cpu:.0f} ms of CPU")


def _cost_ms(work: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds on the clock, and of this process's CPU."""
    cpu = time.process_time()
    return timed(work) * 1000, (time.process_time() - cpu) * 1000


def _opened(client: Any, query: dict[str, str]) -> None:
    assert client.get("/record/", query).status_code == 200


def cost(work: Callable[[], Any]) -> str:
    """Seconds on the clock and of this process's CPU: on a busy machine the second tells more."""
    cpu = os.times()
    seconds = timed(work)
    spent = os.times()
    used = spent.user + spent.system + spent.children_user + spent.children_system
    return f"{seconds:.1f} s ({used - sum(cpu[:4]):.1f} s of CPU)"


def checks(folder: Path, rows: int) -> None:
    from apps.audit.checkpoints import checkpoints_make
    from apps.audit.export_files import archive_write, render_json
    from apps.audit.selectors import chain_verify, records_search
    from apps.audit.standalone import verify_record

    say(f"checkpoints over all of them: {cost(lambda: checkpoints_make(force=True))}")
    verdicts: list[Any] = []
    say(f"audit verify: {cost(lambda: verdicts.append(chain_verify()))}")
    assert verdicts[0].ok
    assert verdicts[0].covered_seq >= rows
    path = folder / "record.zip"
    with path.open("wb") as file:
        spent = cost(
            lambda: archive_write(
                file, "record.jsonl", render_json, records_search(), made_by="bench", filters={}
            )
        )
    say(f"export of the whole record: {spent}, {path.stat().st_size / 1e6:.0f} MB")
    command = [sys.executable, verify_record.__file__, str(path)]
    spent = cost(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    say(f"standalone verifier: {spent}")
    path.unlink()


def human_actions() -> None:
    """A change through its service, with its entry and without."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from apps.accounts.models import User
    from apps.audit import services as audit
    from apps.cameras import services
    from apps.cameras.models import CameraGroup, Site

    adam = User.objects.create_user("adam", role="administrator", password="a long enough passphrase")
    group = CameraGroup.objects.create(site=Site.objects.get(), name="Doors")

    numbers = count()

    def act() -> None:
        group.refresh_from_db()
        name = f"Doors {next(numbers)}"
        services.group_update(acting_user=adam, group=group, version=group.version, name=name)

    chain, whole, bare = audit._chain, [], []
    try:  # in turn, so that what runs beside them meets both alike
        for _ in range(ACTIONS):
            for how, times in ((chain, whole), (lambda records: None, bare)):
                audit._chain = how
                times.append(_cost_ms(act))
    finally:
        audit._chain = chain
    with CaptureQueriesContext(connection) as asked:
        act()
    for name, times in (("with", whole), ("without", bare)):
        wall, cpu = sorted(run[0] for run in times), statistics.median(run[1] for run in times)
        say(
            f"human action {name} its entry: {statistics.median(wall):.2f} ms at the median "
            f"({wall[len(wall) // 10]:.2f} for the quickest tenth), {cpu:.2f} ms of this process's CPU"
        )
    say(f"human action: {len(asked)} statements, load {os.getloadavg()[0]:.1f}")


def machine_rows() -> None:
    """Reads of integrators from many threads: in blocks, and each for itself."""
    from django.db import connection, transaction

    from apps.audit import services as audit

    def blocks(number: int) -> None:
        for _ in range(40):
            audit.record_listing(
                action="event.search", object_type="event", shown={UUID(int=number + 1): 3}, terms={}
            )
        connection.close()

    def alone(number: int) -> None:
        for _ in range(40):
            with transaction.atomic():
                audit.record_access(action="event.search", object_type="event", object_id=str(number))
        connection.close()

    for name, work in (("in blocks", blocks), ("each for itself", alone)):
        with ThreadPoolExecutor(THREADS) as pool:
            seconds = timed(lambda work=work, pool=pool: list(pool.map(work, range(THREADS))))
        say(f"machine rows from {THREADS} threads, {name}: {THREADS * 40 / seconds:.0f} a second")


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
