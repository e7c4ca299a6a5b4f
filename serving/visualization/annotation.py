"""An answer drawn over its video: boxes and verdicts on every frame, sound as it was."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

import av
import cv2
import numpy as np

from data.utils.errors import OutputError
from data.video import Frame, UnreadableVideoError, Video
from serving.prediction import VideoPrediction
from serving.visualization.overlay import Overlay, Picture
from serving.visualization.video_writer import VideoWriter


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What became of an annotated video.

    Attributes:
        frames: written.
        remarks: what the input held and the output lacks, a sentence each; empty if nothing.
    """

    frames: int
    remarks: tuple[str, ...]


def annotate(prediction: VideoPrediction, source: str, target: pathlib.Path) -> Annotation:
    """Writes the video with the answer drawn over it, whole or not at all.

    Frames are decoded, drawn over and encoded (H.264, BT.709) one by one, each at its own time,
    so that memory does not grow with the video and variable frame rates stay. The picture is
    upright without a mark of rotation. Sound is copied packet by packet.

    Args:
        prediction: the answer about `source`; with facts.
        source: the video file.
        target: ends in one of `serving.visualization.CONTAINERS`; replaced if it
            exists.

    Returns:
        How much was written, and what is missing.

    Raises:
        FileNotFoundError: there is no file at `source`.
        UnreadableVideoError: no frame of `source` can be decoded.
        OutputError: `target` cannot be written.
    """
    video = Video(source, decoding_threads=0)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    writer = None
    try:
        for frame, duration_s in _with_durations(video):
            if writer is None:
                overlay = Overlay(prediction, video.width, video.height)
                writer = VideoWriter(aside, target.suffix, video, sound_of=source)
            image = _at_size(frame.image, video.width, video.height)
            writer.write(overlay.draw(image, frame.time_s), frame.time_s, duration_s)
        if writer is None:
            raise UnreadableVideoError("no frame of it could be decoded")
        writer.close()
        aside.replace(target)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        if writer is not None:
            writer.abandon()
        aside.unlink(missing_ok=True)
    remarks = []
    if video.truncated:
        remarks.append("the input ends early, and so does this")
    if video.frames_damaged:
        remarks.append(f"{video.frames_damaged} damaged frames are left out")
    return Annotation(writer.frames, (*remarks, *writer.remarks))


def _with_durations(video: Video) -> Iterator[tuple[Frame, float]]:
    """Each frame with the seconds that it is shown; of frames at the same time, the last."""
    last: Frame | None = None
    for frame in video.every(1):
        if last is not None and frame.time_s > last.time_s:
            yield last, frame.time_s - last.time_s
        last = frame
    if last is not None:
        yield last, video.duration_s - last.time_s


def _at_size(image: Picture, width: int, height: int) -> Picture:
    """An image at the size of the first: an H.264 file has one."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
