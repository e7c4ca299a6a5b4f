"""From a video file to the faces in it: decode, detect, crop, track, judge.

The extraction job and the client both call `extract_faces`, so that a model is asked about
the same crops that it was trained on.
"""

import collections
import concurrent.futures
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from data import contract, cropping, tracking
from data.detectors.base import Face, FaceDetector
from data.ledger import Status
from data.original_faces import OriginalFaces
from data.video import Frame, UnreadableVideoError, Video

MIN_DECODED_FRACTION = 0.5
"""A damaged or truncated video is used if at least this share of its frames came."""

MIN_GIVEN_FRACTION = 0.9
"""Of the times at which an original has faces, those that a fake must have a frame at."""

_AHEAD_FRAMES = 8
_AHEAD_PIXELS = 8 * 1920 * 1080  # bounds what is held of very large frames


@dataclasses.dataclass(frozen=True)
class FaceOptions:
    """How faces are taken from a video.

    Attributes:
        frames_per_video: frames looked at, evenly spaced in time.
        every_nth_frame: looks at every n-th frame instead; None for `frames_per_video`.
        max_tracks: tracks kept, those with the most usable faces first.
        min_track_share: a track counts if it has a usable face in at least this share of the
            frames looked at: a false detection seldom comes back at the same place.
        min_face_size: pixels; smaller faces (shorter side of the box) are not usable.
        min_sharpness: variance of the Laplacian; blurrier crops are not usable.
    """

    frames_per_video: int = 32
    every_nth_frame: int | None = None
    max_tracks: int = 4
    min_track_share: float = 0.1
    min_face_size: float = 30.0
    min_sharpness: float = 20.0


@dataclasses.dataclass(frozen=True)
class VideoFaces:
    """What was found in one video.

    Attributes:
        status: `Status.OK`, `TRUNCATED`, `DAMAGED`, `NO_FACE`, `FACES_TOO_SMALL`,
            `TOO_BLURRED`, `UNREADABLE` or `MISSING`.
        reason: one sentence for people; empty if `status` is `OK`.
        faces: all faces of the tracks kept, sorted by track, then by time; empty where there is
            nothing to score, which `TRUNCATED` and `DAMAGED` alone do not say.
        width: pixels, after rotation; 0 if unreadable, as are the following.
        height: pixels, after rotation.
        fps: measured frames a second.
        duration_s: measured seconds.
        bit_rate: file size over measured duration, bits a second.
        frames_declared: frames that the container's index claims.
        frames_decoded: frames that were decoded.
        frames_damaged: packets or frames that could not be decoded whole.
        tracks_kept: tracks in `faces`.
        tracks_left_out: tracks with usable faces beyond `max_tracks` or seen too briefly.
        boxes_given: whether the boxes are those of the original.
        times_s: presentation times of the frames looked at, seconds, rising.
    """

    status: Status
    reason: str
    faces: tuple[contract.FaceCrop, ...] = ()
    width: int = 0
    height: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    bit_rate: float = 0.0
    frames_declared: int = 0
    frames_decoded: int = 0
    frames_damaged: int = 0
    tracks_kept: int = 0
    tracks_left_out: int = 0
    boxes_given: bool = False
    times_s: tuple[float, ...] = ()

    @property
    def usable_faces(self) -> tuple[contract.FaceCrop, ...]:
        """What a model may be asked about, sorted by track, then by time."""
        return tuple(face for face in self.faces if face.usable)


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A detected face with its crop, before it is known which track it belongs to."""

    face: Face
    time_s: float
    jpeg: bytes
    sharpness: float
    looks: npt.NDArray[np.float32]
    large: bool
    usable: bool


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
        original: of a fake: boxes to be used instead of searching, as the winners of the DFDC
            did (github.com/selimsef/dfdc_deepfake_challenge). Where its frames or times are not
            those of the fake, the fake is searched all the same.

    Returns:
        The faces with their status; `faces` is empty exactly if there is nothing to score.
    """
    try:
        if original is not None:
            given = _extract_at_boxes_of(original, path, options)
            if given is not None:
                return given
        return _extract(path, lambda frame: detector.detect(frame.image[np.newaxis])[0], options)
    except FileNotFoundError:
        return VideoFaces(Status.MISSING, "there is no such file")
    except UnreadableVideoError as error:
        return VideoFaces(Status.UNREADABLE, str(error))


def _extract_at_boxes_of(
    original: OriginalFaces, path: str, options: FaceOptions
) -> VideoFaces | None:
    """Crops a fake where its original's faces are; None if hardly all have a frame of it."""
    times = original.times_s
    with_face = []

    def faces_at(frame: Frame) -> list[Face]:
        faces = original.at(frame)
        with_face.append(bool(faces))
        return faces

    found = _extract(path, faces_at, options, times)
    if not found.faces or sum(with_face) < MIN_GIVEN_FRACTION * len(times):
        return None
    return dataclasses.replace(found, boxes_given=True)


def _extract(
    path: str,
    detect: Callable[[Frame], list[Face]],
    options: FaceOptions,
    times_s: Sequence[float] | None = None,
) -> VideoFaces:
    video = Video(path)
    if times_s is not None:
        frames = video.at(times_s)
    elif options.every_nth_frame is None:
        frames = video.sample(options.frames_per_video)
    else:
        frames = video.every(options.every_nth_frame)
    # One frame at a time: a CPU gains nothing from more, and whatever comes with a frame can
    # change no bit of what is found in it.
    by_time = [
        (frame.time_s, _crop(frame, detect(frame), options)) for frame in _decode_ahead(frames)
    ]
    found = _judge(video, [candidates for _, candidates in by_time], options)
    return dataclasses.replace(found, times_s=tuple(time_s for time_s, _ in by_time))


def _decode_ahead(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Decodes the next frames while one is searched: both release the interpreter lock."""
    with concurrent.futures.ThreadPoolExecutor(1, "decode") as executor:
        upcoming = collections.deque([executor.submit(next, frames, None)])
        while (frame := upcoming.popleft().result()) is not None:
            pixels = frame.image.shape[0] * frame.image.shape[1]
            ahead = max(1, min(_AHEAD_FRAMES, _AHEAD_PIXELS // pixels))
            while len(upcoming) < ahead:
                upcoming.append(executor.submit(next, frames, None))
            yield frame


def _crop(frame: Frame, faces: list[Face], options: FaceOptions) -> list[_Candidate]:
    candidates = []
    for face in faces:
        crop = cropping.crop_face(frame.image, face.box.tolist())
        sharpness = cropping.sharpness(crop)
        large = bool(min(face.box[2:] - face.box[:2]) >= options.min_face_size)
        candidates.append(
            _Candidate(
                face=face,
                time_s=frame.time_s,
                jpeg=cropping.encode_jpeg(crop),
                sharpness=sharpness,
                looks=tracking.describe_crop(crop),
                large=large,
                usable=large and sharpness >= options.min_sharpness,
            )
        )
    return candidates


def _judge(video: Video, by_frame: list[list[_Candidate]], options: FaceOptions) -> VideoFaces:
    """Joins the faces to tracks, chooses those with enough usable faces, names the outcome."""
    # Of all faces: one that is too small or blurred must not break its person's track.
    tracks, usable_counts = tracking.rank_tracks(
        tracking.assign_tracks(
            [np.array([c.face.box for c in frame], np.float32) for frame in by_frame],
            [np.array([c.looks for c in frame], np.float32) for frame in by_frame],
        ),
        [[c.usable for c in frame] for frame in by_frame],
    )
    least = max(1, math.ceil(options.min_track_share * len(by_frame)))
    # Numbered by falling count, the tracks to keep are the first ones.
    kept = min(options.max_tracks, sum(count >= least for count in usable_counts))
    faces = sorted(
        (
            contract.FaceCrop(
                image=candidate.jpeg,
                track=track,
                time_s=candidate.time_s,
                box=tuple(candidate.face.box.tolist()),
                landmarks=tuple(candidate.face.landmarks.tolist()),
                score=candidate.face.score,
                sharpness=candidate.sharpness,
                usable=candidate.usable,
            )
            for frame, numbers in zip(by_frame, tracks, strict=True)
            for candidate, track in zip(frame, numbers, strict=True)
            if track < kept
        ),
        key=lambda face: (face.track, face.time_s),
    )
    status, reason = _status(video, by_frame, options)
    if any(usable_counts) and not faces:
        status, reason = Status.NO_FACE, f"no usable face was seen in {least} frames or more"
    used = bool(faces) and status in (Status.OK, Status.TRUNCATED, Status.DAMAGED)
    whole = max(video.packets, video.frames_declared)
    if used and video.frames_decoded < MIN_DECODED_FRACTION * whole:
        used = False
        if status is Status.OK:  # the decoder passed over frames without a word
            status = Status.DAMAGED
            reason = f"only {video.frames_decoded} of {whole} frames could be decoded"
        reason += ": too few to judge it by"
    tracks_kept = kept if used else 0
    return VideoFaces(
        status=status,
        reason=reason,
        faces=tuple(faces) if used else (),
        width=video.width,
        height=video.height,
        fps=video.fps,
        duration_s=video.duration_s,
        bit_rate=video.bit_rate,
        frames_declared=video.frames_declared,
        frames_decoded=video.frames_decoded,
        frames_damaged=video.frames_damaged,
        tracks_kept=tracks_kept,
        tracks_left_out=sum(count > 0 for count in usable_counts) - tracks_kept,
    )


def _status(
    video: Video, by_frame: list[list[_Candidate]], options: FaceOptions
) -> tuple[Status, str]:
    found = [candidate for frame in by_frame for candidate in frame]
    if video.frames_decoded == 0:
        return Status.UNREADABLE, "no frame of it could be decoded"
    if not found:
        return Status.NO_FACE, f"no face in the {len(by_frame)} frames looked at"
    if not any(candidate.large for candidate in found):
        return Status.FACES_TOO_SMALL, f"every face is below {options.min_face_size:g} pixels"
    if not any(candidate.usable for candidate in found):
        return Status.TOO_BLURRED, f"every face's sharpness is below {options.min_sharpness:g}"
    if video.truncated:
        return (
            Status.TRUNCATED,
            f"the file ends early: {video.frames_decoded} of {video.frames_declared} frames",
        )
    if video.frames_damaged:
        return (
            Status.DAMAGED,
            f"{video.frames_damaged} packets or frames were damaged, {video.frames_decoded} whole",
        )
    return Status.OK, ""
