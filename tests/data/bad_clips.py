"""Makes small clips that are good or broken in one known way each.

All are written by PyAV as faststart MP4 (the index first), H.264, 24 frames a second. libx264 gives
other bytes from run to run, so no test may rely on a checksum.
"""

import pathlib
import struct
from collections.abc import Iterator

import av
import numpy as np
import numpy.typing as npt

FPS = 24
FRAME_COUNT = 48
WIDTH, HEIGHT = 320, 240

Frames = Iterator[npt.NDArray[np.uint8]]


def make_good(path: pathlib.Path) -> None:
    """Two seconds of a person's face, about 110 pixels tall, that moves 40 pixels to the right."""
    _write(path, _face_frames())


def make_no_face(path: pathlib.Path) -> None:
    """Two seconds of a colour gradient that moves; nothing else is wrong with it."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    _write(
        path,
        (
            np.stack([(x + 3 * i) % 256, (y + i) % 256, (x + y) // 3], axis=-1).astype(np.uint8)
            for i in range(FRAME_COUNT)
        ),
    )


def make_empty(path: pathlib.Path) -> None:
    """A file of no bytes."""
    path.touch()


def make_text(path: pathlib.Path) -> None:
    """A text file, whatever its name says."""
    path.write_text("This is not a video.\n" * 50)


def make_truncated(path: pathlib.Path) -> None:
    """The good clip, cut after 60 % of its bytes, as a broken download leaves it.

    Its index is whole, so it declares all frames, but holds only those of its first half.
    """
    make_good(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(0.6 * len(content))])


def make_audio_only(path: pathlib.Path) -> None:
    """One second of a tone in an MP4 without a video stream."""
    rate = 16_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate)
        for start in range(0, rate, 1024):
            samples = tone[np.newaxis, start : start + 1024].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_rotated(path: pathlib.Path) -> None:
    """The good clip stored lying on its side, with a display matrix that sets it upright.

    What a phone held upright writes: coded 240 x 320, shown 320 x 240, `frame.rotation` -90.
    """
    _write(path, (np.rot90(frame) for frame in _face_frames()), rotation=-90)


def make_damaged(path: pathlib.Path) -> None:
    """The good clip with zeros in place of a fifth of its pictures' bytes, from the middle on.

    The index is whole and the frames after the hole are: a decoder that reports damage loses
    a few frames, one that gives up at the first error loses half of them.
    """
    make_good(path)
    content = bytearray(path.read_bytes())
    start, size = _find_box(content, b"mdat")
    hole = slice(start + size // 2, start + size // 2 + size // 5)
    content[hole] = bytes(hole.stop - hole.start)
    path.write_bytes(content)


def _face_frames() -> Frames:
    """Part of scikit-image's portrait of Eileen Collins (NASA, public domain), with noise.

    Without a camera's noise nearly all bytes would be in the key frames.
    """
    from skimage import data

    portrait = data.astronaut().astype(np.float64)
    noise = np.random.default_rng(0)
    for i in range(FRAME_COUNT):
        left = 110 - round(40 * i / FRAME_COUNT)
        view = portrait[10 : 10 + HEIGHT, left : left + WIDTH]
        yield np.clip(view + noise.normal(0, 4, view.shape), 0, 255).astype(np.uint8)


def _write(path: pathlib.Path, frames: Frames, rotation: int = 0) -> None:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = None
        for image in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=FPS)
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
                # A key frame every half second.
                stream.options = {"crf": "20", "g": str(FPS // 2), "threads": "1"}
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))


def _find_box(content: bytes, name: bytes) -> tuple[int, int]:
    """Start and size of the payload of a top-level box (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if kind == name:
            return at + 8, size - 8
        at += size
    raise ValueError(f"no box {name!r}")
