"""`python -m inference_workers.demo FOLDER`: makes the demo clips, once."""

import argparse
import sys
import time
from pathlib import Path

from inference_workers.contracts.lease import Script
from inference_workers.demo.film import make_clips
from inference_workers.demo.lettering import missing_scripts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m inference_workers.demo", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="where the clips go; clips of this version stay as they are"
    )
    folder: Path = parser.parse_args().folder
    started = time.monotonic()
    for reason in missing_scripts(tuple(Script)).values():
        sys.stderr.write(f"The demo leaves out a sign: {reason}\n")
    manifest = make_clips(folder)
    megabytes = sum(clip["bytes"] for clip in manifest["clips"]) / 1e6
    seconds = time.monotonic() - started
    sys.stdout.write(
        f"{len(manifest['clips'])} demo clips in {folder}, {megabytes:.1f} MB, {seconds:.1f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
