"""Opening an untrusted video file, and reading its packets past damage."""

from collections.abc import Iterator

import av
import PIL.Image
from av.container import InputContainer
from av.video.stream import VideoStream

MAX_PIXELS = 8192 * 8192
"""Largest frame that is decoded; the limit of a served model for whole frames too."""

FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,mjpeg,flv,asf,ogg,mxf,nut,rm,dv,"
    "gif"
)
"""Demuxers that may open a file (`ffmpeg -demuxers`): containers of video, and bare streams of it.

Not among them are still pictures, and all that FFmpeg would follow to other files or addresses:
playlists (hls, dash, concat, sdp) and numbered pictures (image2).
"""

_STILL_BRANDS = ("avif", "heic", "heix", "heim", "heis", "mif1")
"""Major brands of files that hold a still picture, in the container of MP4 (ISO/IEC 23008-12, annex
B; AV1 Image File Format, 8). That of an iPhone opens as a video of its tiles."""

_MAX_READ_ERRORS = 32
"""Errors in a row after which a container is not read any further."""

_A_PICTURE = "it is a picture, not a video"


class UnreadableVideoError(Exception):
    """The file cannot be opened as a video, or holds no video; the message says why."""


def open_container(path: str, **more_options: str) -> InputContainer:
    """Opens a local file and nothing else, whatever its name and content say.

    Args:
        path: the file.
        more_options: of its demuxer.

    Raises:
        UnreadableVideoError: it cannot be opened as a video.
    """
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": FORMATS,
        "max_pixels": str(MAX_PIXELS),  # FFmpeg decodes a few frames to learn their format
        **more_options,
    }
    try:
        # Without the prefix, a name may be taken for an address.
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.ArgumentError as error:
        if _is_picture(path):
            raise UnreadableVideoError(_A_PICTURE) from error
        raise UnreadableVideoError(
            "it is in no format that holds video, or its header is wrong"
        ) from error
    except (av.FFmpegError, ValueError, OSError) as error:
        # FFmpeg's own text, without the error number and the path.
        text = getattr(error, "strerror", None) or error
        raise UnreadableVideoError(f"cannot be opened as a video: {text}") from error
    if container.metadata.get("major_brand") in _STILL_BRANDS:
        container.close()
        raise UnreadableVideoError(_A_PICTURE)
    return container


def _is_picture(path: str) -> bool:
    """Whether Pillow knows a file by its header."""
    try:
        with PIL.Image.open(path):
            return True
    except (OSError, ValueError, PIL.Image.DecompressionBombError):
        return False


def read_packets(
    container: InputContainer, stream: VideoStream | None = None
) -> Iterator[av.Packet | None]:
    """Reads a container to its end, past damage that it survives.

    Args:
        container: just opened.
        stream: whose packets are wanted; None: those of all streams.

    Yields:
        Packets that hold something; None where the container could not be read.
    """
    errors = 0
    while True:
        try:
            for packet in container.demux() if stream is None else container.demux(stream):
                # Empty ones stand for repeated frames, but would tell a decoder to end.
                if packet.size > 0:
                    errors = 0
                    yield packet
            return
        except av.FFmpegError:
            errors += 1
            if errors > _MAX_READ_ERRORS:
                return
            yield None
