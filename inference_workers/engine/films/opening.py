"""Opens an uploaded file for FFmpeg, which gets nothing but the opened file: no name, no protocol."""

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from inference_workers.engine.errors import EngineError
from inference_workers.engine.pictures import MAX_PIXELS as MAX_PICTURE_PIXELS
from inference_workers.engine.sources.local import open_media_file
from inference_workers.engine.sources.opening import FFMPEG_ERRORS, MAX_PIXELS

FORMATS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf"
_READ_BYTES = 1024 * 1024

__all__ = ["FFMPEG_ERRORS", "MAX_PICTURE_PIXELS", "OpenFilm", "open_film"]


class OpenFilm:
    """A container with a video stream; a context manager that closes both the container and the file."""

    def __init__(self, container: InputContainer, stream: VideoStream, file: object) -> None:
        self.container = container
        self.stream = stream
        self._file = file

    def __enter__(self) -> "OpenFilm":
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()
        self._file.close()  # type: ignore[attr-defined]


def open_film(path: Path, threads: int = 1) -> OpenFilm:
    """Open a film and prepare its first video stream for decoding.

    Raises:
        EngineError: `file_missing`, `file_empty`, `file_unsupported`, `no_video`, `picture_too_large`.
    """
    real = path.resolve()
    file = open_media_file(str(real), (real.parent,))
    if real.stat().st_size == 0:
        file.close()
        raise EngineError("file_empty", "expected a picture or a film, the file holds 0 bytes")
    # No protocol at all: FFmpeg reads from the file that we opened, and from nothing else.
    options = {"protocol_whitelist": "none", "format_whitelist": FORMATS}
    try:
        container = av.open(file, mode="r", options=options, buffer_size=_READ_BYTES)
    except FFMPEG_ERRORS as error:
        file.close()
        raise EngineError(
            "file_unsupported",
            "expected a picture (JPEG, PNG, WebP) or a film (MP4, MOV, MKV, WebM, AVI, MPEG, FLV, Ogg, WMV); "
            f"the file is something else, or it is cut off or damaged beyond use ({type(error).__name__})",
        ) from None
    opened = OpenFilm(container, _video(container, file), file)
    opened.stream.codec_context.thread_count = threads
    return opened


def _video(container: InputContainer, file: object) -> VideoStream:
    streams = [stream for stream in container.streams.video if stream.codec_context is not None]
    if not streams:
        OpenFilm(container, None, file).__exit__()  # type: ignore[arg-type]
        raise EngineError("no_video", "expected a film, the file holds no video stream that can be decoded")
    stream = streams[0]
    context = stream.codec_context
    if context.width * context.height > MAX_PIXELS:
        OpenFilm(container, stream, file).__exit__()
        raise EngineError(
            "picture_too_large", f"expected at most {MAX_PIXELS} pixels, got {context.width}x{context.height}"
        )
    context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream
