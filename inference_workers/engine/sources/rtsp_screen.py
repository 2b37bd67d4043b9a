"""Reads what an RTSP server says (RFC 2326) before FFmpeg sees it, and refuses what leads elsewhere.

FFmpeg follows RTSP redirects to any host and sends UDP packets to the `source` that a server names. This
screen passes well-formed messages and interleaved packets only, without those.
"""

import re
import struct
import time
from collections.abc import Callable

from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.http_source import clock_offset_of

MAX_HEADER_BYTES = 64 * 1024
MAX_BODY_BYTES = 1024 * 1024
_STATUS = re.compile(rb"RTSP/1\.\d (\d{3})(?: |$)")
_REQUEST = re.compile(rb"(?:OPTIONS|GET_PARAMETER|SET_PARAMETER|ANNOUNCE|PLAY_NOTIFY) \S+ RTSP/1\.\d$")
_ELSEWHERE = re.compile(rb";\s*(?:source|destination)\s*=\s*[^;,]*", re.IGNORECASE)
_NTP_TO_POSIX_S = 2_208_988_800
_RTCP_SENDER_REPORT = 200


class RtspScreen:
    """State of one connection, server to client. `feed` takes bytes as they come.

    Attributes:
        status: the last status code, 0 before the first answer.
        clock_offset_s: how far the server's clock is ahead: from RTCP sender reports (milliseconds), else
            from Date headers (seconds), None while it sent neither.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._buffer = bytearray()
        self._body_left = 0
        self._precise = False
        self.status = 0
        self.messages = 0
        self.clock_offset_s: float | None = None

    def feed(self, data: bytes) -> bytes:
        """Returns the bytes that may be passed on now.

        Raises:
            EngineError: `redirect_refused`, or `bad_data` when this is no RTSP.
        """
        self._buffer += data
        passed = bytearray()
        while (piece := self._next()) is not None:
            passed += piece
        return bytes(passed)

    def _next(self) -> bytes | None:
        """One complete piece, or None when more bytes are needed."""
        if not self._buffer:
            return None
        if self._body_left:
            piece = self._take(min(self._body_left, len(self._buffer)))
            self._body_left -= len(piece)
            return piece
        if self._buffer[0] == 0x24:  # "$": an interleaved packet
            return self._packet()
        return self._header()

    def _take(self, count: int) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        return piece

    def _packet(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        size = 4 + int.from_bytes(self._buffer[2:4], "big")
        if len(self._buffer) < size:
            return None
        packet = self._take(size)
        if packet[1] % 2 == 1:
            self._note_report(packet[4:])
        return packet

    def _note_report(self, report: bytes) -> None:
        if len(report) >= 16 and report[0] >> 6 == 2 and report[1] == _RTCP_SENDER_REPORT:
            seconds, fraction = struct.unpack_from(">II", report, 8)
            if seconds:
                sent_at = seconds - _NTP_TO_POSIX_S + fraction / 2**32
                self.clock_offset_s, self._precise = round(sent_at - self._clock(), 3), True

    def _header(self) -> bytes | None:
        end = self._buffer.find(b"\n\r\n")
        if end < 0 or 0 <= self._buffer.find(b"\n\n") < end:
            end = self._buffer.find(b"\n\n")
        if end < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise EngineError("bad_data", f"expected an RTSP header below {MAX_HEADER_BYTES} bytes")
            self._check_start()
            return None
        size = end + (3 if self._buffer[end + 1 : end + 2] == b"\r" else 2)
        # FFmpeg drops every carriage return; reading the text as it does leaves no second meaning.
        lines = self._take(size).replace(b"\r", b"").rstrip(b"\n").split(b"\n")
        self._check_lines(lines)
        return b"\r\n".join(self._without_elsewhere(line) for line in lines) + b"\r\n\r\n"

    def _check_start(self) -> None:
        """A server that speaks something else is noticed at its first bytes, not after 64 KiB."""
        start = bytes(self._buffer[:5])
        if not (b"RTSP/".startswith(start) or start.isalpha() or b"_" in start):
            raise EngineError("bad_data", "expected RTSP, got something else; check port and path")

    def _check_lines(self, lines: list[bytes]) -> None:
        status = _STATUS.match(lines[0])
        if status is None and _REQUEST.fullmatch(lines[0]) is None:
            raise EngineError("bad_data", "expected an RTSP answer, got something else; check port and path")
        if any(line.startswith(b"$") or b"\0" in line for line in lines):
            raise EngineError("bad_data", "expected an RTSP header, got binary data in it")
        self.status = int(status[1]) if status else self.status
        self.messages += 1
        if 300 <= self.status < 400:
            raise EngineError(
                "redirect_refused",
                "the camera leads to another address; enter that address itself, redirects are not followed",
            )
        self._body_left = _content_length(lines)
        self._note_date(lines)

    def _note_date(self, lines: list[bytes]) -> None:
        for line in lines:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"date" and not self._precise:
                self.clock_offset_s = clock_offset_of(value.decode("latin-1").strip(), self._clock())

    @staticmethod
    def _without_elsewhere(line: bytes) -> bytes:
        return _ELSEWHERE.sub(b"", line) if line[:10].lower() == b"transport:" else line


def _content_length(lines: list[bytes]) -> int:
    lengths = [
        line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"content-length")
    ]
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit() or int(lengths[0]) > MAX_BODY_BYTES:
        raise EngineError("bad_data", f"expected one Content-Length of at most {MAX_BODY_BYTES}")
    return int(lengths[0])
