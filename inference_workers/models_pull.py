"""Fetching known permissive models from their upstream address: pinned hash, bounded, all or nothing.

Only entries whose sha256 is proven stand in the table (`side_files.KNOWN`); a model is installed only after
its bytes matched, its graph was checked and it analysed one picture.
"""

import hashlib
import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from inference_workers.contracts.models import ModelCard
from inference_workers.engine.errors import EngineError
from inference_workers.engine.model_directory import ModelDirectory
from inference_workers.side_files import KNOWN, KnownModel, known_by_name

# Faces and general detectors worth having; the rest of the known files serve tests and comparisons.
PULLABLE = (
    "yolox-nano-0.1.0",
    "yolox-nano",
    "picodet-s-320",
    "picodet-s-416",
    "nanodet-m-320",
    "fastestdet-352-20220707",
    "yunet-n",
    "ultralight-rfb-640-masked",
)
_PIECE = 64 * 1024
_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class PullLimits:
    """Seconds: `connect_s` for each answer of the other side, `total_s` for the whole file."""

    connect_s: float = 10.0
    total_s: float = 120.0


def pullable() -> list[KnownModel]:
    return [model for model in KNOWN if model.name in PULLABLE]


def pull(
    name: str,
    directory: ModelDirectory,
    base_urls: Sequence[str] = (),
    limits: PullLimits = PullLimits(),
) -> ModelCard:
    """Fetch and install one known model.

    Args:
        base_urls: mirrors to ask instead of upstream; the file is expected at BASE/NAME.onnx.

    Raises:
        EngineError: `model_unknown`; `download_failed`, with what each address answered; those of
            `ModelDirectory.install`.
    """
    known = known_by_name(name)
    if known is None or name not in PULLABLE:
        raise EngineError("model_unknown", f"{name!r:.80}: expected one of {', '.join(PULLABLE)}")
    urls = [f"{base.rstrip('/')}/{name}.onnx" for base in base_urls] or [known.side.source]
    problems = []
    with tempfile.TemporaryDirectory(prefix="vidette-pull-") as folder:
        path = Path(folder) / f"{name}.onnx"
        for url in urls:
            try:
                _download(url, path, known, limits)
                return directory.install(path, known.side, name)
            except _Refused as error:
                problems.append(f"{urlsplit(url).hostname}: {error}")
    raise EngineError(
        "download_failed",
        f"{name} could not be fetched ({'; '.join(problems)}); check the network, or bring the file and use "
        "`manage.py models add FILE`",
        transient=True,
    )


class _Refused(Exception):
    """One address did not give the file; the next one may."""


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows to http(s) only, and never from https down to http."""

    max_redirections = _REDIRECTS

    def redirect_request(  # noqa: PLR0917 - the signature of urllib
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("http", "https") or (old == "https" and new != "https"):
            raise _Refused(f"redirected from {old} to {new or 'nowhere'}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """HTTP and HTTPS alone: urllib's default opener also reads file:// and ftp://."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _CheckedRedirects(),
    ):
        opener.add_handler(handler)
    return opener


def _download(url: str, path: Path, known: KnownModel, limits: PullLimits) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise _Refused(f"expected an http or https address, got {urlsplit(url).scheme or 'none'}")
    deadline = time.monotonic() + limits.total_s
    try:
        with _opener().open(url, timeout=limits.connect_s) as answer:
            sha256 = _receive(answer, path, known.size_bytes, deadline)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _Refused(_in_words(error)) from error
    if sha256 != known.side.sha256:
        path.unlink()
        raise _Refused(f"expected sha256 {known.side.sha256}, the file has {sha256}")


def _receive(answer: IO[bytes], path: Path, size_bytes: int, deadline: float) -> str:
    """Write exactly `size_bytes` and return their hash."""
    digest = hashlib.sha256()
    received = 0
    try:
        with path.open("wb") as file:
            while piece := answer.read(_PIECE):
                received += len(piece)
                if received > size_bytes:
                    raise _Refused(f"expected {size_bytes} bytes, the file is larger")
                if time.monotonic() > deadline:
                    raise _Refused("the time for the whole file is over")
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if received != size_bytes:
            raise _Refused(f"expected {size_bytes} bytes, got {received}")
    except BaseException:
        with suppress(FileNotFoundError):
            path.unlink()
        raise
    return digest.hexdigest()


def _in_words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        refused = " with a redirect that is not followed" if 300 <= error.code < 400 else ""
        return f"answered {error.code}{refused}"
    reason = getattr(error, "reason", None) or error
    return f"{type(error).__name__}: {reason}"[:200]
