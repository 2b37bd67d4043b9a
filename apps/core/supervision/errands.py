"""What may be done once while the processes already run: install models, fetch a detector."""

import os
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from django.utils.translation import gettext as _

from apps.core.supervision.child import end_with_parent
from apps.core.supervision.plan import Installation, command_arguments, control_environment
from apps.core.supervision.prepare import Wishes, weights_beside
from apps.core.supervision.status import StatusBoard

DETECTOR = "yolox_nano"
PULL_PATIENCE_S = 60.0
ADD_PATIENCE_S = 300.0


class Errands:
    """Runs its commands one after the other beside the supervisor, each with a limit of time.

    Without a network the fetch fails, and the pages say what is missing and how to get it.
    """

    def __init__(
        self, installation: Installation, variables: Mapping[str, str], wishes: Wishes, board: StatusBoard
    ) -> None:
        self._installation = installation
        self._environment = control_environment(variables, installation)
        self._board = board
        self._waiting = deque(errands(installation, wishes))
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = 0.0

    def tick(self) -> None:
        if self._process is None:
            if self._waiting:
                self._begin()
        elif self._process.poll() is not None:
            self._end(self._process.returncode)
        elif time.monotonic() > self._deadline:
            self.stop()
            self._end(None)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _begin(self) -> None:
        arguments, patience_s = self._waiting[0]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command_arguments(*arguments),
                cwd=self._installation.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - forked from a single thread
            )
        self._deadline = time.monotonic() + patience_s

    def _end(self, code: int | None) -> None:
        arguments, _patience_s = self._waiting.popleft()
        self._process = None
        facts = {"command": " ".join(arguments), "path": self._log_path}
        if code == 0:
            self._board.say(_("Done: %(command)s") % facts)
        else:
            self._board.say(_("Did not work out: %(command)s. %(path)s says why.") % facts)

    @property
    def _log_path(self) -> Path:
        return self._installation.data_dir / "log" / "models.log"


def errands(installation: Installation, wishes: Wishes) -> list[tuple[tuple[str, ...], float]]:
    weights = weights_beside(wishes.demo) if wishes.demo else None
    if weights is not None:
        return [(("models", "add", str(weights)), ADD_PATIENCE_S)]
    if any(installation.model_dir.glob("*.onnx")):
        return []
    return [(("models", "pull", DETECTOR), PULL_PATIENCE_S)]
