"""`python -m benchmarks.evidence --minutes 60`: making and checking a pack of so much recording.

Segments of ten seconds with random bytes. Most of the work is to read each file twice and to hash it.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.record import prepare, say

SEGMENT_S = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--kilobytes", type=int, default=400, help="of one segment")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidette-evidence-") as folder:
        prepare(Path(folder), "")
        run(Path(folder), options.minutes * 60 // SEGMENT_S, options.kilobytes * 1000)
    return 0


def run(folder: Path, segments: int, size: int) -> None:
    from apps.core.context import audit_context, system_context
    from apps.core.objects import object_get
    from apps.evidence.building import pack_build
    from apps.evidence.standalone import verify_pack

    with audit_context(system_context("benchmark")):
        pack = _asked(segments, size)
    say(f"{segments} segments of {size / 1000:.0f} kB, {os.cpu_count()} cores")
    began = time.perf_counter()
    if not pack_build(pack.pk):
        raise SystemExit("the pack could not be made")
    pack.refresh_from_db()
    say(f"made in {time.perf_counter() - began:.1f} s, {pack.bytes / 1e6:.0f} MB")
    path = folder / "pack.zip"
    path.write_bytes(object_get(pack.object_key))
    began = time.perf_counter()
    subprocess.run([sys.executable, verify_pack.__file__, str(path)], check=True, capture_output=True)
    say(f"checked by verify_pack.py in {time.perf_counter() - began:.1f} s")


def _asked(segments: int, size: int) -> Any:
    from apps.cameras.models import Camera, Site
    from apps.core.clock import now
    from apps.core.objects import object_put
    from apps.evidence.models import EvidencePack
    from apps.recordings.models import Segment

    site = Site.objects.create(name="Yard")
    camera = Camera.objects.create(site=site, name="Gate", kind="rtsp", url="rtsp://10.0.0.1/1")
    since = now() - timedelta(seconds=SEGMENT_S * segments)
    for number in range(segments):
        data, at = os.urandom(size), since + timedelta(seconds=SEGMENT_S * number)
        key = f"segments/{camera.pk}/{uuid4()}.mp4"
        object_put(key, data)
        Segment.objects.create(
            pk=uuid4(), camera=camera, epoch="e", number=number, started_at=at,
            ended_at=at + timedelta(seconds=SEGMENT_S), frames=50, width=960, height=540, bytes=size,
            sha256=hashlib.sha256(data).hexdigest(), object_key=key, lease_id="l", reason="events",
        )  # fmt: skip
    return EvidencePack.objects.create(
        camera=camera, since=since, until=now(), oldest_at=since, purpose="benchmark", case="1",
        reason="benchmark",
        requested_by_id="x", requested_by_name="benchmark",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
