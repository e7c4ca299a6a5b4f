"""Tracks as small videos of their usable faces, to watch what a model sees of a person.

One H.264 MP4 a track. A frame is shown from its time in the original on, so that the clip plays
in real time however sparsely the video was sampled; it begins with the track's first face.
"""

import fractions
import hashlib
import io
import itertools
import re
from collections.abc import Sequence

import av
import cv2
import numpy as np
import numpy.typing as npt

from data import contract
from data.contract import FaceCrop
from data.utils import files
from data.video import uneven_h264_options

_TICKS = 90_000
"""Ticks of the clock a second: that of MPEG (ISO/IEC 13818-1, 2.4.2)."""

_LONE_FRAME_S = 1.0
"""How long the frame of a track with only one is shown."""

_NAME_BYTES = 120
"""Bytes of a video's id in a file name; common file systems allow 255 in a name."""


def write(example: contract.VideoExample, folder: str) -> list[str]:
    """Writes each track of a video as an MP4; the same Example gives the same bytes.

    Each file appears whole or not at all, and replaces one of the same name.

    Args:
        example: the video.
        folder: path or URL; made if it does not exist.

    Returns:
        The files' paths, by track: `<name of the video>.track-<number>.mp4`.

    Raises:
        OSError: a file cannot be written.
    """
    name = file_name(example.annotation.video_id)
    paths = []
    for track, faces in itertools.groupby(example.usable_faces, key=lambda face: face.track):
        path = files.join(folder, f"{name}.track-{track}.mp4")
        files.write(path, encode(list(faces)))
        paths.append(path)
    return paths


def file_name(video_id: str) -> str:
    """A file name for a video that every file system accepts and no other video has.

    Args:
        video_id: dataset name and path, in any characters.

    Returns:
        The end of the id with everything but letters and digits replaced, and 16 hexadecimal
        digits of the id's SHA-256; at most 140 bytes in UTF-8.

    Example:
        >>> file_name("uadfv/fake/0001_fake.mp4")
        'uadfv_fake_0001_fake_mp4-8cc67d4d8636d7ba'
    """
    readable = re.sub(r"\W+", "_", video_id).encode()[-_NAME_BYTES:].decode(errors="ignore")
    return f"{readable}-{hashlib.sha256(video_id.encode()).hexdigest()[:16]}".lstrip("_-")


def encode(faces: Sequence[FaceCrop]) -> bytes:
    """Encodes the faces of one track as an MP4.

    Args:
        faces: of one track, by time; at least one.

    Returns:
        H.264 in MP4, yuv420p; every frame a square of the largest crop's size, rounded up to an
        even number, at most `contract.CROP_MAX_SIZE` pixels.
    """
    crops = [_decode(face.image) for face in faces]
    size = max(len(crop) for crop in crops)
    size = min(size + size % 2, contract.CROP_MAX_SIZE)  # 4:2:0 halves both sides
    ticks = _ticks([face.time_s for face in faces])
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264",
            rate=fractions.Fraction(_TICKS * len(faces), ticks[-1]).limit_denominator(1001),
            options=uneven_h264_options("colormatrix=smpte170m"),
        )
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = fractions.Fraction(1, _TICKS)
        packets = []
        for crop, at in zip(crops, ticks[:-1], strict=True):
            resized = cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC)
            frame = av.VideoFrame.from_ndarray(resized.astype(np.uint8, copy=False), "rgb24")
            frame.pts, frame.time_base = at, stream.codec_context.time_base
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for packet, (start, end) in zip(packets, itertools.pairwise(ticks), strict=True):
            packet.duration = end - start  # the encoder knows how long all but the last are shown
            container.mux(packet)
    return content.getvalue()


def _ticks(times_s: Sequence[float]) -> list[int]:
    """When each frame begins, from 0, and when the last one ends.

    Frames that a damaged file shows at the same time are one tick apart: H.264 needs an order.
    """
    ticks: list[int] = []
    for time_s in times_s:
        at = round((time_s - times_s[0]) * _TICKS)
        ticks.append(max(at, ticks[-1] + 1) if ticks else 0)
    gaps = np.diff(ticks)
    last = round(float(np.median(gaps))) if len(gaps) else round(_LONE_FRAME_S * _TICKS)
    return [*ticks, ticks[-1] + last]


def _decode(jpeg: bytes) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
