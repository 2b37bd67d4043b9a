"""HTTP for MJPEG and HLS through our own opener: FFmpeg never opens an HTTP address itself.

Every request (the camera's address, each redirect, each playlist and segment) passes the network rules and
connects to the address that was checked. A public server never leads us into a listed private network.
"""

import http.client
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urljoin, urlsplit

from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.network import (
    Network,
    Resolver,
    Target,
    check_url,
    connect,
    resolve,
)
from inference_workers.engine.sources.sign_in import Credentials, answer_challenge

MAX_REDIRECTS = 3
MAX_PART_BYTES = 64 * 1024 * 1024
_SCHEMES = frozenset({"http", "https"})
_REDIRECTS = {301, 302, 303, 307, 308}


def tls_context(target: Target) -> ssl.SSLContext:
    """Certificates are verified, except in networks that the administrator listed for cameras.

    Cameras on a private network carry self-signed certificates; there TLS protects against listeners only.
    """
    context = ssl.create_default_context()
    if target.trusted_network:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def tls_error(target: Target) -> EngineError:
    return EngineError(
        "tls_failed",
        f"{target.host}: no trusted TLS connection; install a valid certificate or list the camera's network",
        transient=True,
    )


class HttpBody:
    """A file-like body of one answer for FFmpeg: `read` returns what is there, b"" at the end.

    Args:
        limit_bytes: an answer longer than this is cut with an error; None for an endless stream.
    """

    def __init__(self, response: http.client.HTTPResponse, limit_bytes: int | None) -> None:
        self._response = response
        self._left = limit_bytes

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._response.read1(size if size > 0 else 65536)
        except TimeoutError as error:
            raise EngineError(
                "stalled", "the camera sends no more pictures; check its network", transient=True
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                "connection_lost", "the camera closed the connection", transient=True
            ) from error
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise EngineError("bad_data", f"expected parts of at most {MAX_PART_BYTES} bytes")
        return data

    def close(self) -> None:
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HttpOpener:
    """Opens addresses of one camera.

    Args:
        on_step: called with "network_allowed", "connect" and "sign_in" when each was passed.
    """

    def __init__(
        self,
        networks: tuple[Network, ...],
        credentials: Credentials | None = None,
        *,
        timeout_s: float = 5.0,
        resolver: Resolver = resolve,
        on_step: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._networks = networks
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._resolver = resolver
        self._on_step = on_step
        self._origin: Target | None = None
        self.clock_offset_s: float | None = None

    def open(self, url: str, limit_bytes: int | None = MAX_PART_BYTES) -> HttpBody:
        """GET `url`, following a few checked redirects.

        Raises:
            EngineError: `network_refused`, `redirect_refused`, `unreachable`, `sign_in_refused`,
                `not_found`, `http_error`.
        """
        for _ in range(MAX_REDIRECTS + 1):
            target = self._check(url)
            response = self._get(target)
            if response.status not in _REDIRECTS:
                return HttpBody(self._accepted(response), limit_bytes)
            url = urljoin(url, response.headers.get("Location", ""))
            response.close()
        raise EngineError("redirect_refused", f"expected at most {MAX_REDIRECTS} redirects in a row")

    def open_part(self, url: str, _flags: int, _options: dict[str, str]) -> HttpBody:
        """The callback that FFmpeg's HLS reader uses for playlists, segments and keys."""
        return self.open(url)

    def _check(self, url: str) -> Target:
        scheme = urlsplit(url).scheme
        if self._origin is not None and scheme not in _SCHEMES:
            raise EngineError("redirect_refused", f"the camera leads to a {scheme[:20]!r} address; refused")
        target = check_url(url, _SCHEMES, self._networks, self._resolver)
        if self._origin is None:
            self._origin = target
            self._on_step("network_allowed")
        elif target.trusted_network and not self._origin.trusted_network:
            raise EngineError(
                "redirect_refused",
                "a server on the internet leads to an address of a private network; refused",
            )
        return target

    def _get(self, target: Target) -> http.client.HTTPResponse:
        response = self._request(target, None)
        if response.status != 401 or self._credentials is None or not self._same_host(target):
            return response
        challenges = response.headers.get_all("WWW-Authenticate") or []
        response.close()
        answer = answer_challenge(challenges, "GET", target.path, self._credentials)
        if answer is None:
            raise EngineError("sign_in_unknown", "the camera asks for a sign-in other than Basic or Digest")
        return self._request(target, answer)

    def _same_host(self, target: Target) -> bool:
        origin = self._origin
        return origin is not None and (target.scheme, target.host, target.port) == (
            origin.scheme,
            origin.host,
            origin.port,
        )

    def _request(self, target: Target, authorization: str | None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(target.host, target.port)
        link = connect(target, self._timeout_s)
        headers = {
            "Host": target.host_header,
            "User-Agent": "vidette",
            "Accept": "*/*",
            "Connection": "close",
        }
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            if target.tls:
                link = tls_context(target).wrap_socket(link, server_hostname=target.host)
            self._on_step("connect")
            connection.sock = link
            connection.request("GET", target.path, headers=headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            link.close()
            raise _no_answer(target, error) from error
        self._note_clock(response)
        return response

    def _note_clock(self, response: http.client.HTTPResponse) -> None:
        offset_s = clock_offset_of(response.headers.get("Date", ""), time.time())
        self.clock_offset_s = self.clock_offset_s if offset_s is None else offset_s

    def _accepted(self, response: http.client.HTTPResponse) -> http.client.HTTPResponse:
        if response.status == 200:
            self._on_step("sign_in")
            return response
        response.close()
        if response.status in (401, 403):
            raise EngineError(
                "sign_in_refused",
                f"the camera refused the sign-in (HTTP {response.status}); check user name and password",
            )
        if response.status == 404:
            raise EngineError("not_found", "the camera knows no such path (HTTP 404); check the address")
        raise EngineError("http_error", f"expected HTTP 200, got {response.status}", transient=True)


def _no_answer(target: Target, error: Exception) -> EngineError:
    if isinstance(error, ssl.SSLError):
        return tls_error(target)
    if isinstance(error, TimeoutError):
        return EngineError(
            "no_answer", f"{target.host} accepts connections but does not answer", transient=True
        )
    return EngineError("bad_data", f"{target.host}: expected HTTP, got something else", transient=True)


def clock_offset_of(date: str, now: float) -> float | None:
    """Seconds by which a server's Date header is ahead of `now` (POSIX), to the whole second."""
    try:
        return round(parsedate_to_datetime(date).timestamp() - now, 1)
    except (TypeError, ValueError, OverflowError):
        return None
