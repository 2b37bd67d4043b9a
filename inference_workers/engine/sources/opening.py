"""Opens a source for PyAV, so that FFmpeg itself reaches nothing but what was checked.

| kind | what FFmpeg may open |
|---|---|
| RTSP | the relay on loopback (`rtsp_relay`) |
| MJPEG, HLS | nothing: bodies come through `http_source` as file objects |
| FILE | nothing: an already opened, regular file below a media root |
| USB | the checked device |
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from inference_workers.contracts.lease import Source, SourceKind
from inference_workers.contracts.probe import ProbeStep
from inference_workers.engine.errors import EngineError
from inference_workers.engine.sources.http_source import HttpOpener
from inference_workers.engine.sources.local import check_video_device, open_media_file
from inference_workers.engine.sources.network import SCHEMES, check_url, parse_networks
from inference_workers.engine.sources.rtsp_relay import RtspRelay
from inference_workers.engine.sources.sign_in import Credentials

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 5.0
MAX_PIXELS = 7680 * 4320
_UDP_IDLE_S = 60.0
_FILE_FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,mjpeg,flv,ogg,asf"
# No protocol at all: everything FFmpeg reads here comes from file objects that we opened.
_NO_PROTOCOL = {"protocol_whitelist": "none"}

FFMPEG_ERRORS = (av.error.FFmpegError, OSError, ValueError)
Step = Callable[[ProbeStep, str], None]


@dataclass(slots=True)
class OpenedSource:
    """A container whose first video stream can be decoded.

    Attributes:
        live: an end is a lost connection; False for files.
        paced: frames come in bursts or at once and are laid out by their stamps; else they count as
            captured when they arrive.
        clock_offset_s: asks for the newest known offset of the camera's clock.
        reason: a better error than FFmpeg's, if the transport knows one.
        close: closes the container and everything below it.
    """

    container: InputContainer
    stream: VideoStream
    live: bool
    paced: bool
    clock_offset_s: Callable[[], float | None]
    reason: Callable[[], EngineError | None]
    close: Callable[[], None]


def open_source(
    source: Source, credentials: Credentials | None, media_roots: tuple[Path, ...], on_step: Step
) -> OpenedSource:
    """Open, sign in and find the video stream.

    Raises:
        EngineError: in words and with a stable code; never with credentials in it.
    """
    opened = _OPENERS[source.kind](source, credentials, media_roots, on_step)
    context = opened.stream.codec_context
    if context.width * context.height > MAX_PIXELS:
        opened.close()
        raise EngineError(
            "picture_too_large", f"expected at most {MAX_PIXELS} pixels, got {context.width}x{context.height}"
        )
    on_step(ProbeStep.CODEC, context.name)
    return opened


def _video(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        container.close()
        raise EngineError("no_video", "the source holds no video stream; check the path or profile")
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


def _open_rtsp(
    source: Source, credentials: Credentials | None, _roots: tuple[Path, ...], on_step: Step
) -> OpenedSource:
    target = check_url(source.url, SCHEMES[source.kind], parse_networks(source.allowed_networks))
    on_step(ProbeStep.NAME, target.address)
    on_step(ProbeStep.NETWORK, target.address)
    udp = source.transport == "udp"
    relay = RtspRelay(target, CONNECT_TIMEOUT_S, _UDP_IDLE_S if udp else READ_TIMEOUT_S)
    on_step(ProbeStep.CONNECT, f"{target.address}:{target.port}")
    options = {
        "protocol_whitelist": "rtsp,rtp,udp,tcp",
        "rtsp_transport": "udp" if udp else "tcp",
        "timeout": str(int(READ_TIMEOUT_S * 1_000_000)),
        "analyzeduration": "1000000",
    }
    try:
        container = av.open(
            relay.url(credentials),
            format="rtsp",
            options=options,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        )
    except FFMPEG_ERRORS as error:
        reason = relay.error or describe(error, relay.screen.status)
        relay.close()
        raise reason from None  # FFmpeg's own text holds the URL with the credentials
    on_step(ProbeStep.SIGN_IN, "with credentials" if credentials else "without credentials")

    def close() -> None:
        relay.close()
        container.close()

    return OpenedSource(
        container,
        _video(container),
        True,
        False,
        lambda: relay.screen.clock_offset_s,
        lambda: relay.error,
        close,
    )


def _open_http(
    source: Source, credentials: Credentials | None, _roots: tuple[Path, ...], on_step: Step
) -> OpenedSource:
    networks = parse_networks(source.allowed_networks)
    passed: set[str] = set()

    def note(step: str) -> None:
        for name in ("name_resolution", step) if step == "network_allowed" else (step,):
            if name not in passed:
                passed.add(name)
                on_step(ProbeStep(name), "")

    opener = HttpOpener(networks, credentials, timeout_s=READ_TIMEOUT_S, on_step=note)
    try:
        container = _http_container(source, opener)
    except EngineError:
        raise
    except FFMPEG_ERRORS as error:
        raise describe(error, 0) from None
    return OpenedSource(
        container,
        _video(container),
        True,
        source.kind is SourceKind.HLS,
        lambda: opener.clock_offset_s,
        lambda: None,
        container.close,
    )


def _http_container(source: Source, opener: HttpOpener) -> InputContainer:
    if source.kind is SourceKind.MJPEG:
        body = opener.open(source.url, limit_bytes=None)
        return av.open(body, mode="r", format="mpjpeg", options=_NO_PROTOCOL, buffer_size=65536)
    # Checked here, in words: an error inside FFmpeg's callback would reach us as a bare number.
    opener.open(source.url).close()
    options = _NO_PROTOCOL | {"http_persistent": "0", "http_multiple": "0", "max_reload": "5"}
    return av.open(source.url, mode="r", format="hls", io_open=opener.open_part, options=options)


def _open_file(
    source: Source, _credentials: Credentials | None, roots: tuple[Path, ...], on_step: Step
) -> OpenedSource:
    file = open_media_file(source.url, roots)
    on_step(ProbeStep.CONNECT, Path(source.url).name)
    options = _NO_PROTOCOL | {"format_whitelist": _FILE_FORMATS}
    try:
        container = av.open(file, mode="r", options=options, buffer_size=1024 * 1024)
    except FFMPEG_ERRORS as error:
        file.close()
        raise describe(error, 0) from None

    def close() -> None:
        container.close()
        file.close()

    return OpenedSource(container, _video(container), False, True, lambda: None, lambda: None, close)


def _open_usb(
    source: Source, _credentials: Credentials | None, _roots: tuple[Path, ...], on_step: Step
) -> OpenedSource:
    device = check_video_device(source.url)
    try:
        container = av.open(device, mode="r", format="v4l2", options=_NO_PROTOCOL)
    except FFMPEG_ERRORS as error:
        raise describe(error, 0) from None
    on_step(ProbeStep.CONNECT, device)
    return OpenedSource(
        container, _video(container), True, False, lambda: None, lambda: None, container.close
    )


_OPENERS: dict[SourceKind, Callable[..., OpenedSource]] = {
    SourceKind.RTSP: _open_rtsp,
    SourceKind.MJPEG: _open_http,
    SourceKind.HLS: _open_http,
    SourceKind.FILE: _open_file,
    SourceKind.USB: _open_usb,
}


def describe(error: BaseException, rtsp_status: int) -> EngineError:
    """FFmpeg's error in our words; its own text is left out, because it may hold the URL."""
    refused = isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError)
    if refused or rtsp_status in (401, 403):
        return EngineError("sign_in_refused", "the camera refused the sign-in; check user name and password")
    if isinstance(error, av.error.HTTPNotFoundError) or rtsp_status == 404:
        return EngineError("not_found", "the camera knows no such path; check the address")
    for kinds, code, message in _WORDS:
        if isinstance(error, kinds):
            return EngineError(code, message, transient=True)
    return EngineError(
        "bad_data",
        f"expected a video stream, got something unreadable ({type(error).__name__})",
        transient=True,
    )


_WORDS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((av.error.ExitError, TimeoutError), "no_answer", "the camera accepts connections but does not answer"),
    ((av.error.EOFError, ConnectionError), "connection_lost", "the camera closed the connection"),
)
