"""Encodes small clips of a face with whatever codec, container and timing a test wants."""

import functools
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

FPS = 24
FRAME_COUNT = 48
SHORT_COUNT = 24
WIDTH, HEIGHT = 320, 240

Frames = Iterable[npt.NDArray[np.uint8]]

X264 = {"crf": "20", "g": str(FPS // 2), "threads": "1"}
"""A key frame every half second. libx264 gives other bytes from run to run all the same."""

VPX = {"deadline": "realtime", "cpu-used": "8"}
"""The fastest."""


@functools.cache
def face_frames(count: int = SHORT_COUNT) -> tuple[npt.NDArray[np.uint8], ...]:
    """A face about 110 pixels tall that moves 40 pixels to the right in the whole.

    Part of scikit-image's portrait of Eileen Collins (NASA, public domain), with noise: without
    a camera's noise nearly all bytes would be in the key frames.
    """
    from skimage import data

    portrait = data.astronaut().astype(np.float64)
    noise = np.random.default_rng(0)
    frames = []
    for i in range(count):
        left = 110 - round(40 * i / count)
        view = portrait[10 : 10 + HEIGHT, left : left + WIDTH]
        frames.append(np.clip(view + noise.normal(0, 4, view.shape), 0, 255).astype(np.uint8))
    return tuple(frames)


def partly_blurred_frames(count: int, blurred: range) -> list[npt.NDArray[np.uint8]]:
    """`face_frames` of which some are blurred: their crops' sharpness is about 40, not 1000."""
    import cv2

    frames = list(face_frames(count))
    for number in blurred:
        smooth = cv2.GaussianBlur(frames[number], (0, 0), 2)
        frames[number] = smooth.astype(np.uint8, copy=False)
    return frames


def gradient_frames(
    count: int = SHORT_COUNT, width: int = WIDTH, height: int = HEIGHT
) -> Iterator[npt.NDArray[np.uint8]]:
    """A colour gradient that moves: nobody's face."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    for i in range(count):
        channels = [(x + 3 * i) % 256, (y + i) % 256, (x + y) // 3 % 256]
        yield np.stack(channels, axis=-1).astype(np.uint8)


def encode(
    path: pathlib.Path,
    frames: Frames | None = None,
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: int = FPS,
    options: Mapping[str, str] | None = None,
    container: str | None = None,
    container_options: Mapping[str, str] | None = None,
    rotation: int = 0,
    pixel_aspect: Fraction = Fraction(1),
    times: Sequence[int] | None = None,
) -> None:
    """Writes a clip.

    Args:
        path: its suffix names the container, unless `container` does.
        frames: uint8 [height, width, 3], RGB; None: `face_frames()`.
        codec: FFmpeg's encoder.
        pix_fmt: FFmpeg's pixel format.
        rate: frames a second.
        options: of the encoder; None: `X264`.
        container: FFmpeg's muxer.
        container_options: of the muxer; None: the index first, where the container has one.
        rotation: degrees of the display matrix.
        pixel_aspect: width over height of a pixel, before rotation.
        times: presentation time of each frame in 1/1000 s; None: evenly by `rate`.
    """
    if container_options is None:
        container_options = {"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", format=container, options=dict(container_options)) as output:
        stream = None
        for number, image in enumerate(face_frames() if frames is None else frames):
            if stream is None:
                stream = output.add_stream(codec, rate=rate)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.options = dict(X264 if options is None else options)
                stream.codec_context.sample_aspect_ratio = pixel_aspect
                if rotation:
                    stream.set_display_rotation(rotation)
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            output.mux(stream.encode(frame))
        assert stream is not None
        output.mux(stream.encode(None))


def copy_packets(
    source: pathlib.Path,
    target: pathlib.Path,
    *,
    container: str | None = None,
    container_options: Mapping[str, str] | None = None,
    skip: int = 0,
) -> None:
    """Puts a clip's coded frames into another container, but for the first `skip`."""
    with (
        av.open(str(source)) as good,
        av.open(str(target), "w", format=container, options=dict(container_options or {})) as copy,
    ):
        stream = copy.add_stream_from_template(good.streams.video[0])
        for number, packet in enumerate(good.demux(video=0)):
            if packet.dts is not None and number >= skip:
                packet.stream = stream
                copy.mux(packet)
