"""Sources of this machine: files below the media roots and USB cameras."""

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from inference_workers.engine.errors import EngineError

_VIDEO_DEVICE = re.compile(r"/dev/video\d{1,3}")


def open_media_file(url: str, media_roots: Sequence[Path]) -> BinaryIO:
    """Open a regular file below one of the roots; symlinks are resolved before they are judged.

    Raises:
        EngineError: `file_refused` (outside of the roots, a device, a pipe) or `file_missing`.
    """
    if "\0" in url or "://" in url:
        raise EngineError("file_refused", "expected the path of a file below a media folder")
    roots = [root.resolve() for root in media_roots]
    path = Path(url)
    if not path.is_absolute():
        path = next((root / url for root in roots if (root / url).exists()), path)
    real = path.resolve()
    if not any(real.is_relative_to(root) for root in roots):
        raise EngineError(
            "file_refused",
            f"expected a file below a media folder, got {real.name!r} elsewhere; an administrator can add "
            "its folder to VIDETTE_MEDIA_ROOTS",
        )
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise EngineError("file_missing", f"{real.name!r} cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EngineError("file_refused", f"expected a regular file, got something else at {real.name!r}")
    return os.fdopen(descriptor, "rb")


def check_video_device(url: str) -> str:
    """A character device /dev/videoN; raises EngineError `device_refused` or `device_missing`."""
    if not _VIDEO_DEVICE.fullmatch(url):
        raise EngineError("device_refused", f"expected a device such as /dev/video0, got {url[:40]!r}")
    try:
        mode = Path(url).lstat().st_mode
    except OSError as error:
        raise EngineError(
            "device_missing", f"{url} is not there; plug the camera in or choose another", transient=True
        ) from error
    if not stat.S_ISCHR(mode):
        raise EngineError("device_refused", f"expected a video device, got something else at {url}")
    return url
