"""Clips that are whole, however seldom their kind is met."""

import functools
import io
import pathlib
import struct
import tempfile
from collections.abc import Iterable
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.bitstream import BitStreamFilterContext
from av.stream import Disposition
from PIL import Image

from tests.data.bad_clips import mp4_boxes
from tests.data.bad_clips.encoding import (
    FPS,
    FRAME_COUNT,
    SHORT_COUNT,
    VPX,
    X264,
    encode,
    face_frames,
    gradient_frames,
)


def make_good(path: pathlib.Path) -> None:
    """Two seconds of a person's face, about 110 pixels tall, that moves 40 pixels to the right."""
    path.write_bytes(_good())


@functools.cache
def _good() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "good.mp4"
        encode(path, face_frames(FRAME_COUNT))
        return path.read_bytes()


def make_no_face(path: pathlib.Path) -> None:
    """Two seconds of a colour gradient that moves; nothing else is wrong with it."""
    encode(path, gradient_frames(FRAME_COUNT))


def make_rotated(path: pathlib.Path, rotation: int = -90) -> None:
    """The good clip stored turned, with a display matrix that sets it upright.

    At -90 what a phone held upright writes: coded 240 x 320, shown 320 x 240.
    """
    turns = -rotation // 90
    encode(path, (np.rot90(frame, turns) for frame in face_frames(FRAME_COUNT)), rotation=rotation)


def make_short(path: pathlib.Path, count: int) -> None:
    """The first frames of the good clip."""
    encode(path, face_frames()[:count])


def make_tiny_face(path: pathlib.Path) -> None:
    """The face at a quarter of its size, in the middle of grey."""
    frames = []
    for frame in face_frames():
        small = cv2.resize(frame, None, fx=0.22, fy=0.22, interpolation=cv2.INTER_AREA)
        image = np.full_like(frame, 128)
        image[90 : 90 + small.shape[0], 120 : 120 + small.shape[1]] = small
        frames.append(image)
    encode(path, frames)


def make_blurred(path: pathlib.Path) -> None:
    """The face as a lens out of focus shows it."""
    encode(path, [cv2.GaussianBlur(frame, (0, 0), 5) for frame in face_frames()])


def make_sized(path: pathlib.Path, width: int, height: int) -> None:
    """A gradient of any size, also an odd one: 4:4:4."""
    encode(path, gradient_frames(6, width, height), pix_fmt="yuv444p")


def make_variable_rate(path: pathlib.Path) -> None:
    """Frames 20 ms apart at first, 200 ms at last, as phones write them in the dark."""
    times = np.cumsum(np.linspace(20, 200, SHORT_COUNT)).astype(int).tolist()
    encode(path, times=times)


def make_late_start(path: pathlib.Path) -> None:
    """Its first frame is shown after 10 hours, as in a cut from a broadcast."""
    encode(path, times=[36_000_000 + 1000 * i // FPS for i in range(SHORT_COUNT)])


def make_no_timestamps(path: pathlib.Path) -> None:
    """The coded frames alone, in no container."""
    encode(path, container="h264", container_options={})


def make_interlaced(path: pathlib.Path) -> None:
    """Every other line was taken a fiftieth of a second later."""
    encode(path, options=X264 | {"x264-params": "interlaced=1"})


def make_changing_size(path: pathlib.Path) -> None:
    """After 12 frames of 320 x 240 the stream goes on at 480 x 360."""
    first, second = face_frames()[:12], face_frames()[12:]
    with av.open(str(path), "w", format="mpegts") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for image in first:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = 480, 360, "yuv420p"
        context.time_base = context.framerate = Fraction(1, FPS)
        context.framerate = Fraction(FPS)
        packets = []
        for number, image in enumerate(second):
            large = cv2.resize(image, (480, 360))
            frame = av.VideoFrame.from_ndarray(large, format="rgb24")
            frame.pts, frame.time_base = len(first) + number, Fraction(1, FPS)
            packets += context.encode(frame)
        for packet in [*packets, *context.encode(None)]:
            packet.stream, packet.time_base = stream, Fraction(1, FPS)
            output.mux(packet)


def make_with_sound(path: pathlib.Path) -> None:
    """Picture, and sound that goes on for twice as long."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libvpx", rate=FPS, options=dict(VPX))
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = output.add_stream("libopus", rate=48_000)
        for image in face_frames():
            output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(video.encode(None))
        for start in range(0, 96_000, 960):
            samples = np.sin(np.arange(start, start + 960) / 20)[np.newaxis].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))


def make_cover_first(path: pathlib.Path) -> None:
    """An album cover is its first video stream, the video the second."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=FPS, options=dict(X264))
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        add_cover(output)
        for image in face_frames():
            output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(video.encode(None))
    content = path.read_bytes()
    moov = content[mp4_boxes.payload(content, b"moov")]
    # FFmpeg numbers the streams as their boxes come.
    parts = {kind: moov[at : at + size] for at, size, kind in mp4_boxes.walk(moov, 0, len(moov))}
    reordered = parts[b"mvhd"] + parts[b"udta"] + parts[b"trak"]
    path.write_bytes(mp4_boxes.replace(content, (b"moov",), reordered))


def add_cover(output: av.container.OutputContainer) -> None:
    """Attaches a picture of a person to a file, as shops do to music."""
    cover = output.add_stream("mjpeg", rate=1)
    cover.width, cover.height, cover.pix_fmt = 320, 240, "yuvj420p"
    cover.disposition = Disposition.attached_pic
    frame = av.VideoFrame.from_ndarray(face_frames()[0], format="rgb24")
    output.mux(cover.encode(frame.reformat(format="yuvj420p")))
    output.mux(cover.encode(None))


def make_two_videos(path: pathlib.Path) -> None:
    """Two tracks: a thumbnail of one frame, then the video."""
    with av.open(str(path), "w") as output:
        thumbnail = output.add_stream("mjpeg", rate=FPS)
        thumbnail.width, thumbnail.height, thumbnail.pix_fmt = 64, 48, "yuvj420p"
        video = output.add_stream("libx264", rate=FPS, options=dict(X264))
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        output.mux(thumbnail.encode(image))
        output.mux(thumbnail.encode(None))
        for image in face_frames():
            output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(video.encode(None))


def make_trimmed(path: pathlib.Path) -> None:
    """The good clip, of which an edit list shows the last half second, as phones trim."""
    encode(path, face_frames(FRAME_COUNT), container_options={})
    content = path.read_bytes()
    timescale_at = mp4_boxes.payload(content, b"moov", b"trak", b"mdia", b"mdhd").start + 12
    (timescale,) = struct.unpack_from(">I", content, timescale_at)
    edit = struct.pack(">IIIiI", 0, 1, 500, 3 * timescale // 2, 0x10000)
    path.write_bytes(mp4_boxes.replace(content, (b"moov", b"trak", b"edts", b"elst"), edit))


def make_negative_start(path: pathlib.Path) -> None:
    """Its edit list begins a second before the first frame."""
    encode(path, container_options={})
    content = path.read_bytes()
    edit = struct.pack(">IIIiI", 0, 1, 2000, -24 * 512, 0x10000)
    path.write_bytes(mp4_boxes.replace(content, (b"moov", b"trak", b"edts", b"elst"), edit))


def make_time_scale(path: pathlib.Path, timescale: int) -> None:
    """A clip whose header swaps the unit in which its times are counted for another."""
    encode(path, container_options={})
    # An edit list, whose unit is another, would cut the clip.
    without_edits = mp4_boxes.replace(path.read_bytes(), (b"moov", b"trak", b"edts"), b"")
    content = bytearray(without_edits)
    at = mp4_boxes.payload(content, b"moov", b"trak", b"mdia", b"mdhd").start + 12
    struct.pack_into(">I", content, at, timescale)
    path.write_bytes(content)


def make_fragmented(path: pathlib.Path) -> None:
    """What a player records while it streams: no index of the whole."""
    encode(path, container_options={"movflags": "frag_keyframe+empty_moov"})


def make_no_duration(path: pathlib.Path) -> None:
    """What a browser records: WebM whose header was never completed."""
    encode(path, codec="libvpx", options=VPX, container_options={"live": "1"})


def make_hidden_frame(path: pathlib.Path) -> None:
    """VP8, whose sixth frame is never shown, as those are that others are predicted from."""
    encode(path, codec="libvpx", options=VPX, container="ivf")
    content = bytearray(path.read_bytes())
    at = 32  # behind the file's header; each frame's holds its size and its time
    for _ in range(5):
        at += 12 + struct.unpack_from("<I", content, at)[0]
    content[at + 12] &= ~0x10  # show_frame (RFC 6386, 9.1)
    path.write_bytes(content)


def make_hidden_packets(path: pathlib.Path) -> None:
    """AV1, whose frames that are never shown have packets of their own."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libsvtav1", rate=FPS, options={"preset": "12"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        split = BitStreamFilterContext("av1_frame_split", stream)
        frames = [av.VideoFrame.from_ndarray(image, format="rgb24") for image in face_frames()]
        for frame in [*frames, None]:
            for packet in stream.encode(frame):
                for part in split.filter(packet):
                    part.stream = stream
                    output.mux(part)


def make_with_subtitles(path: pathlib.Path) -> None:
    """A Matroska file whose only subtitle is shown for 10 seconds, the picture for two."""
    cues = io.BytesIO(b"1\n00:00:00,000 --> 00:00:10,000\na cue\n")
    with av.open(cues, format="srt") as subtitles, av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=FPS, options=dict(X264))
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        stream = output.add_stream_from_template(subtitles.streams[0])
        cue = next(subtitles.demux())
        cue.stream = stream
        output.mux(cue)
        for image in face_frames(FRAME_COUNT):
            output.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(video.encode(None))


def make_oriented(path: pathlib.Path, turn: Image.Transpose | None, matrix: list[int]) -> None:
    """The good clip stored otherwise, with the matrix that puts it right.

    Args:
        path: an MP4.
        turn: what Pillow does to a stored frame to put it right.
        matrix: a, b, c and d of the track's matrix, -1 to 1.
    """
    inverse = {Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270}
    inverse |= {value: key for key, value in inverse.items()}
    frames: Iterable[npt.NDArray[np.uint8]] = face_frames()
    if turn is not None:
        undo = inverse.get(turn, turn)
        frames = [np.asarray(Image.fromarray(frame).transpose(undo)) for frame in face_frames()]
    encode(path, frames)
    content = bytearray(path.read_bytes())
    at = mp4_boxes.payload(bytes(content), b"moov", b"trak", b"tkhd").start + 40
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into(">9i", content, at, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def make_joined(path: pathlib.Path) -> None:
    """Two clips in one file, one behind the other, so that time begins anew."""
    encode(path, container="mpegts")
    path.write_bytes(2 * path.read_bytes())
