"""A face's position between the frames in which it was detected."""

import bisect
import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from serving.prediction import FramePrediction, TrackPrediction

MAX_INTERPOLATION_S = 2.0
"""Longest time between two detections over which a box is interpolated."""

MAX_HOLD_S = 0.5
"""Longest time that a box is held before its first and after its last detection."""


@dataclasses.dataclass(frozen=True)
class FacePosition:
    """A face at one time.

    Attributes:
        box: x_min, y_min, x_max, y_max, pixels.
        nearest: the scored face nearest in time; scores are not interpolated, so its score
            applies.
    """

    box: tuple[float, float, float, float]
    nearest: FramePrediction


class FacePath:
    """A track's boxes as a function of time.

    Between two successive detections the box is interpolated linearly, unless a frame between
    them was sampled without finding the face, or they are more than `MAX_INTERPOLATION_S` apart.
    Each sampled frame represents its part of the video (`data.video.reader.Video.sample`):
    before the first and after the last detection the box is held for half of the time between
    sampled frames, at most `MAX_HOLD_S`.

    Args:
        track: the person; frames by time.
        times_s: presentation times of all sampled frames, rising, including the track's.
    """

    def __init__(self, track: TrackPrediction, times_s: Sequence[float]) -> None:
        self._frames = track.frames
        self._times = [frame.time_s for frame in track.frames]
        places = {time_s: place for place, time_s in enumerate(times_s)}
        seen = max(track.faces_seen or 0, len(self._frames))
        # Of a long track, only evenly spaced faces were scored: those between are not missing.
        stride = math.ceil((seen - 1) / (len(self._frames) - 1)) if len(self._frames) > 1 else 1
        self._connected = [
            places[after] - places[before] <= stride and after - before <= MAX_INTERPOLATION_S
            for before, after in zip(self._times, self._times[1:], strict=False)
        ]
        steps = np.diff(times_s)
        self._hold_s = min(MAX_HOLD_S, float(np.median(steps)) / 2) if len(steps) else MAX_HOLD_S

    def segments(self) -> list[tuple[FramePrediction, ...]]:
        """The track's frames, divided where the face was out of view.

        Example:
            >>> from serving.prediction import Verdict
            >>> box = (0.0, 0.0, 10.0, 10.0)
            >>> faces = tuple(FramePrediction(time_s, box, 0.5) for time_s in (0.0, 0.5, 1.5))
            >>> track = TrackPrediction(Verdict.UNCERTAIN, 0.5, faces)
            >>> path = FacePath(track, times_s=[0.0, 0.5, 1.0, 1.5])
            >>> [[face.time_s for face in segment] for segment in path.segments()]
            [[0.0, 0.5], [1.5]]
        """
        ends = [0, *(i + 1 for i, connected in enumerate(self._connected) if not connected)]
        return [
            self._frames[start:end]
            for start, end in zip(ends, [*ends[1:], len(self._frames)], strict=True)
        ]

    def at(self, time_s: float) -> FacePosition | None:
        """The face at a time in seconds; None if it was not in view, as far as is known.

        Example:
            >>> from serving.prediction import Verdict
            >>> faces = (
            ...     FramePrediction(0.0, (0.0, 0.0, 10.0, 10.0), 0.5),
            ...     FramePrediction(1.0, (20.0, 0.0, 30.0, 10.0), 0.9),
            ... )
            >>> path = FacePath(TrackPrediction(Verdict.FAKE, 0.7, faces), times_s=[0.0, 1.0])
            >>> path.at(0.75).box
            (15.0, 0.0, 25.0, 10.0)
            >>> path.at(0.75).nearest.fake_probability
            0.9
            >>> path.at(1.6) is None
            True
        """
        after = bisect.bisect_left(self._times, time_s)
        before = after - 1
        if before >= 0 and after < len(self._times) and self._connected[before]:
            first, second = self._frames[before], self._frames[after]
            share = (time_s - first.time_s) / (second.time_s - first.time_s)
            x_min, y_min, x_max, y_max = (
                (1 - share) * a + share * b for a, b in zip(first.box, second.box, strict=True)
            )
            return FacePosition((x_min, y_min, x_max, y_max), first if share < 0.5 else second)
        near = [
            self._frames[i]
            for i in (before, after)
            if 0 <= i < len(self._times) and abs(self._times[i] - time_s) <= self._hold_s
        ]
        if not near:
            return None
        nearest = min(near, key=lambda frame: abs(frame.time_s - time_s))
        return FacePosition(nearest.box, nearest)
