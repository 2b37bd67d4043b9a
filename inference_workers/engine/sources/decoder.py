"""The decoder: one child process per camera (`python -m inference_workers.engine.sources.decoder`).

It holds the one camera's credentials and nothing else: no Redis, no object store, no other camera. Messages
go over stdin and stdout (`messages`), pixels into the camera's ring. It ends when stdin ends.
"""

import os
import resource
import signal
from pathlib import Path
from queue import Empty

from inference_workers.contracts.lease import SourceKind
from inference_workers.engine.errors import EngineError
from inference_workers.engine.parent import end_with_parent
from inference_workers.engine.sources.messages import Ended, Start, StepDone
from inference_workers.engine.sources.placing import Placer, RunnerLink
from inference_workers.engine.sources.playing import play, play_pattern
from inference_workers.engine.sources.scrub import scrub
from inference_workers.engine.sources.sign_in import Credentials

MEMORY_LIMIT_BYTES = 3 * 1024**3


def _limit_process() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold unblurred faces
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    end_with_parent()  # besides the end of stdin


def _run(link: RunnerLink, start: Start) -> Ended:
    credentials = None
    if start.username is not None and start.password is not None:
        credentials = Credentials(start.username, start.password)
    link.send(StepDone("started"))
    placer = Placer(link, wait_for_slot=start.source.kind is SourceKind.FILE and not start.source.realtime)
    if start.source.kind is SourceKind.SYNTHETIC:
        play_pattern(start.source, link, placer)
    else:
        play(start.source, credentials, tuple(map(Path, start.media_roots)), link, placer)
    link.send(placer.tally())
    return Ended("end_of_file", "the file is over", False)


def main() -> None:
    """Runs until the source or stdin ends; always says why as its last line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = RunnerLink()
    start = link.start()
    _limit_process()
    try:
        ended = _run(link, start)
    except EngineError as error:
        ended = Ended(error.code, scrub(str(error), link.secrets), error.transient)
    except Empty:
        ended = Ended("ring_refused", "no shared memory was granted for this camera", True)
    except MemoryError:
        ended = Ended("picture_too_large", "the stream needs more memory than a camera may take", False)
    except Exception as error:  # noqa: BLE001 - the last edge: anything else is told by its kind alone
        ended = Ended("bad_data", f"the decoder failed with {type(error).__name__}", True)
    link.send(ended)
    os._exit(0)  # FFmpeg's threads are not waited for


if __name__ == "__main__":
    main()
