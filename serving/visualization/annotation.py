"""Annotated videos: boxes and verdicts drawn over every frame, with the original sound."""

import itertools
import pathlib
from collections.abc import Iterator

import av
import cv2
import numpy as np

from data.utils import atomic_file
from data.utils.errors import OutputError
from data.video import Frame, UnreadableVideoError, Video
from serving.prediction import VideoPrediction
from serving.visualization.overlay import Overlay
from serving.visualization.video_writer import VideoWriter


def annotate(prediction: VideoPrediction, source: str, target: pathlib.Path) -> tuple[str, ...]:
    """Draws the answer over the video, and writes the result whole or not at all.

    Frames are decoded, drawn over and encoded (H.264, BT.709) one by one, so that memory does
    not grow with the video. Each keeps its time, so that variable frame rates stay. A rotation
    in the metadata is applied to the frames. Sound is copied packet by packet.

    Args:
        prediction: the answer about `source`, with `facts`.
        source: the video file.
        target: ends in one of `serving.visualization.CONTAINERS`; replaced if it
            exists.

    Returns:
        What the output lacks of the input, one sentence each.

    Raises:
        FileNotFoundError: there is no file at `source`.
        UnreadableVideoError: no frame of `source` can be decoded.
        OutputError: `target` cannot be written.
    """
    video = Video(source, decoding_threads=0)
    frames = _with_durations(video)
    first = next(frames, None)
    if first is None:
        raise UnreadableVideoError("no frame of it could be decoded")
    size = video.width, video.height
    overlay = Overlay(prediction, *size)
    try:
        with (
            atomic_file.create(target) as file,
            VideoWriter(file.name, target.suffix, video, sound_of=source) as writer,
        ):
            for frame, duration_s in itertools.chain([first], frames):
                # An H.264 file has only one size: that of the first frame.
                image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
                drawn = overlay.draw(image.astype(np.uint8, copy=False), frame.time_s)
                writer.write(drawn, frame.time_s, duration_s)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    remarks = []
    if video.truncated:
        remarks.append("the input ends early, and so does this")
    if video.frames_damaged:
        remarks.append(f"{video.frames_damaged} damaged frames are left out")
    return (*remarks, *writer.remarks)


def _with_durations(video: Video) -> Iterator[tuple[Frame, float]]:
    """Each frame with its duration in seconds; of several frames at one time, the last."""
    last: Frame | None = None
    for frame in video.every(1):
        if last is not None and frame.time_s > last.time_s:
            yield last, frame.time_s - last.time_s
        last = frame
    if last is not None:
        yield last, video.duration_s - last.time_s
