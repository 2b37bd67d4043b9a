"""The parent's end of `child`."""

import os
from collections.abc import Mapping
from pathlib import Path

from inference_workers.contracts.redactions import RedactionReply, RedactionStep
from inference_workers.engine.child_process import NICE, ChildProcess


class FilmProcess(ChildProcess[RedactionStep, RedactionReply]):
    """A process that does the steps of redactions."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str] = os.environ, *, nice: int = NICE
    ) -> None:
        super().__init__(__package__ + ".child", RedactionReply, folder, environment, nice=nice)
