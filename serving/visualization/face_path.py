"""Where a person's face is between the frames in which it was looked for."""

import bisect
import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from serving.prediction import FramePrediction, TrackPrediction

MAX_GLIDE_S = 2.0
"""Longest time between two sightings over which a box glides from one to the other."""

MAX_HOLD_S = 0.5
"""Longest time that a box stands still before its first and after its last sighting."""


@dataclasses.dataclass(frozen=True)
class Sighting:
    """A face at some time.

    Attributes:
        box: x_min, y_min, x_max, y_max, pixels.
        nearest: the scored face nearest in time, whose score applies; scores are not
            interpolated.
    """

    box: tuple[float, float, float, float]
    nearest: FramePrediction


class FacePath:
    """A track's boxes as a function of time.

    Between two successive sightings the box glides; where the face was looked for in between
    and not found, or not looked for over `MAX_GLIDE_S`, it ends. Each frame looked at stands
    for its part of the time line (`data.video.reader.Video.sample`): at its ends the box stands
    still for half of the time to the next frame looked at, `MAX_HOLD_S` at most.

    Args:
        track: the person; frames by time.
        times_s: presentation times of all frames looked at, rising; those of the track are
            among them.
    """

    def __init__(self, track: TrackPrediction, times_s: Sequence[float]) -> None:
        self._frames = track.frames
        self._times = [frame.time_s for frame in track.frames]
        places = {time_s: place for place, time_s in enumerate(times_s)}
        seen = max(track.faces_seen or 0, len(self._frames))
        # Of a long track, evenly spread faces were scored: those between are not missing.
        stride = math.ceil((seen - 1) / (len(self._frames) - 1)) if len(self._frames) > 1 else 1
        self._joined = [
            places[after] - places[before] <= stride and after - before <= MAX_GLIDE_S
            for before, after in zip(self._times, self._times[1:], strict=False)
        ]
        steps = np.diff(times_s)
        self._hold_s = min(MAX_HOLD_S, float(np.median(steps)) / 2) if len(steps) else MAX_HOLD_S

    def segments(self) -> list[tuple[FramePrediction, ...]]:
        """The track's frames, cut where it was out of view."""
        ends = [0, *(i + 1 for i, joined in enumerate(self._joined) if not joined)]
        return [
            self._frames[start:end]
            for start, end in zip(ends, [*ends[1:], len(self._frames)], strict=True)
        ]

    def at(self, time_s: float) -> Sighting | None:
        """The face at a time in seconds; None if it was not in view as far as is known."""
        after = bisect.bisect_left(self._times, time_s)
        before = after - 1
        if before >= 0 and after < len(self._times) and self._joined[before]:
            first, second = self._frames[before], self._frames[after]
            share = (time_s - first.time_s) / (second.time_s - first.time_s)
            x_min, y_min, x_max, y_max = (
                (1 - share) * a + share * b for a, b in zip(first.box, second.box, strict=True)
            )
            return Sighting((x_min, y_min, x_max, y_max), first if share < 0.5 else second)
        near = [
            self._frames[i]
            for i in (before, after)
            if 0 <= i < len(self._times) and abs(self._times[i] - time_s) <= self._hold_s
        ]
        if not near:
            return None
        nearest = min(near, key=lambda frame: abs(frame.time_s - time_s))
        return Sighting(nearest.box, nearest)
