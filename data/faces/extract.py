"""From a video file to the faces in it: decode, detect, crop, track, judge.

The extraction job and the client sample the same frames and hand them to the same
`FaceCollector`, so that a model gets the same kind of crops in service as in training.
"""

import collections
import concurrent.futures
import dataclasses
import math
from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np

from data.contract import FaceCrop
from data.detectors import Face, FaceDetector
from data.faces.collector import FaceCollector
from data.faces.rotated_search import find_faces
from data.faces.types import FaceOptions, VideoFaces
from data.ledger import Status
from data.video import Frame, UnreadableVideoError, Video

MIN_MATCHED_FRACTION = 0.9
"""Least share of the times at which an original has faces that a fake must have a frame at."""

SAME_TIME_S = 0.01
"""An original's face belongs to a fake's frame if their times differ by less."""

_AHEAD_FRAMES = 8
_AHEAD_PIXELS = 8 * 1920 * 1080  # bounds what is held of very large frames


@dataclasses.dataclass(frozen=True)
class OriginalFaces:
    """The faces of the real clip that a fake was made from.

    Attributes:
        width: of its frames, pixels, after rotation.
        height: of its frames, pixels, after rotation.
        faces: all its faces, also those that are not usable; their images are not needed.
    """

    width: int
    height: int
    faces: tuple[FaceCrop, ...]

    @property
    def times_s(self) -> list[float]:
        """Presentation times of its frames that hold a face, rising."""
        return sorted({face.time_s for face in self.faces})

    def at(self, frame: Frame) -> list[Face]:
        """Its faces at the time of a fake's frame; none if its frames are of another size."""
        if frame.image.shape[:2] != (self.height, self.width):
            return []
        return [
            Face(np.array(face.box, np.float32), np.array(face.landmarks, np.float32), face.score)
            for face in self.faces
            if abs(face.time_s - frame.time_s) < SAME_TIME_S
        ]


def extract_faces(
    path: str,
    detector: FaceDetector,
    options: FaceOptions,
    original: OriginalFaces | None = None,
) -> VideoFaces:
    """Finds, crops and tracks the faces of a video; never raises for a bad file.

    Args:
        path: the video file.
        detector: finds the faces.
        options: how many frames, and which faces are good enough.
        original: of a fake: the boxes to use instead of searching, as the winners of the DFDC
            did (github.com/selimsef/dfdc_deepfake_challenge). If its frames or times are not
            those of the fake, the fake is searched nevertheless.

    Returns:
        The faces with their status; `faces` is empty exactly if there is nothing to score.
    """
    try:
        if original is not None:
            faces = _extract_at_boxes_of(original, path, options)
            if faces is not None:
                return faces
        return _extract(
            path,
            lambda frame: find_faces(detector, frame.image, rotated=options.rotated_faces),
            options,
        )
    except FileNotFoundError:
        return VideoFaces(Status.MISSING, "there is no such file")
    except UnreadableVideoError as error:
        return VideoFaces(Status.UNREADABLE, str(error))


def _extract_at_boxes_of(
    original: OriginalFaces, path: str, options: FaceOptions
) -> VideoFaces | None:
    """Crops a fake where its original's faces are; None if too few of their times have a frame."""
    times = original.times_s
    with_face = []

    def faces_at(frame: Frame) -> list[Face]:
        faces = original.at(frame)
        with_face.append(bool(faces))
        return faces

    result = _extract(path, faces_at, options, times)
    if not result.faces or sum(with_face) < MIN_MATCHED_FRACTION * len(times):
        return None
    return dataclasses.replace(result, at_original_boxes=True)


def sampled_frames(video: Video, options: FaceOptions) -> Generator[Frame, None, None]:
    """Decodes a video that was just opened and yields the frames that are searched for faces.

    Yields:
        Frames in presentation order; the next few are decoded in the background.

    Raises:
        UnreadableVideoError: the file has changed since it was opened.
    """
    if options.every_nth_frame is None:
        return _decode_ahead(video.sample(options.frames_per_video))
    return _decode_ahead(video.every(options.every_nth_frame))


def sampled_frame_count(video: Video, options: FaceOptions) -> int:
    """How many frames `sampled_frames` yields if all can be decoded."""
    if options.every_nth_frame is None:
        return min(options.frames_per_video, video.packets)
    return math.ceil(video.packets / options.every_nth_frame)


def _extract(
    path: str,
    detect: Callable[[Frame], list[Face]],
    options: FaceOptions,
    times_s: Sequence[float] | None = None,
) -> VideoFaces:
    video = Video(path)
    collector = FaceCollector(options)
    frames = sampled_frames(video, options) if times_s is None else _decode_ahead(video.at(times_s))
    # One frame at a time: on a CPU larger batches are no faster, and so the other frames of a
    # batch cannot change the faces of a frame.
    for frame in frames:
        collector.add(frame, detect(frame))
    return collector.result(video.measurements)


def _decode_ahead(frames: Iterator[Frame]) -> Generator[Frame, None, None]:
    """Decodes the next frames while one is searched; both release the interpreter lock."""
    with concurrent.futures.ThreadPoolExecutor(1, "decode") as executor:
        upcoming = collections.deque([executor.submit(next, frames, None)])
        while (frame := upcoming.popleft().result()) is not None:
            pixels = frame.image.shape[0] * frame.image.shape[1]
            ahead = max(1, min(_AHEAD_FRAMES, _AHEAD_PIXELS // pixels))
            while len(upcoming) < ahead:
                upcoming.append(executor.submit(next, frames, None))
            yield frame
