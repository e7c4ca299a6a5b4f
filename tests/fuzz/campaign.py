"""Gives mutated clips to the extraction in a process of its own and counts what becomes of them."""

import collections
import math
import pathlib
import tempfile
import time

import data.utils.environment  # noqa: F401 - before TensorFlow
from data.faces import FaceOptions, VideoFaces, extract_faces
from data.ledger import Status
from data.utils.isolation import IsolatedWorker, WorkerDiedError, WorkerTimeoutError
from tests.fuzz import mutations, seeds

TIME_LIMIT_S = 20.0
MEMORY_BYTES = 1 << 30
OPTIONS = FaceOptions(frames_per_video=3)
TYPED = frozenset(Status) - {
    Status.MISSING,
    Status.DUPLICATE,
    Status.REFUSED_CROSS_SPLIT,
    Status.REFUSED_BALANCE,
    Status.REFUSED_INPUT,
    Status.TIMEOUT,
    Status.CRASHED,
}
"""What the extraction itself may say of a file that is there."""

_detectors: list = []


def load() -> None:
    """Loads the detector once a process."""
    from data.detectors.mtcnn import Mtcnn

    _detectors.append(Mtcnn())


def extract(path: str) -> VideoFaces:
    """Demultiplexes, decodes and detects."""
    return extract_faces(path, _detectors[0], OPTIONS)


class Campaign:
    """Runs cases one by one.

    Attributes:
        statuses: how often each status came.
        deaths: cases that ended their process, with how it ended.
        cases: run.
        seconds: they took.
        slowest: seconds and case.
    """

    def __init__(self) -> None:
        self.statuses: collections.Counter[Status] = collections.Counter()
        self.deaths: list[tuple[str, list[mutations.Mutation], str]] = []
        self.hangs: list[tuple[str, list[mutations.Mutation]]] = []
        self.cases = 0
        self.seconds = 0.0
        self.slowest: tuple[float, str, list[mutations.Mutation]] = (0.0, "", [])
        self._worker = IsolatedWorker(initializer=load, memory_bytes=MEMORY_BYTES)
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-")

    def __enter__(self) -> "Campaign":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()
        self._folder.cleanup()

    def run(self, name: str, changes: list[mutations.Mutation]) -> VideoFaces | None:
        """Runs one case and checks its outcome.

        Args:
            name: of the seed.
            changes: mutations of its content.

        Returns:
            The outcome; None if FFmpeg ended the process or never came back, which the job
            types as crashed or timeout.

        Raises:
            AssertionError: the outcome breaks a rule of `check`.
            Exception: the extraction raised it.
        """
        path = pathlib.Path(self._folder.name) / name
        path.write_bytes(mutations.apply(seeds.content(name), changes))
        self._worker.wait()
        started = time.perf_counter()
        try:
            video = self._worker.run(TIME_LIMIT_S, extract, str(path))
        except WorkerDiedError as error:
            self.deaths.append((name, changes, str(error)))
            return None
        except WorkerTimeoutError:
            self.hangs.append((name, changes))
            return None
        finally:
            seconds = time.perf_counter() - started
            self.cases += 1
            self.seconds += seconds
            self.slowest = max(self.slowest, (seconds, name, changes))
        check(video)
        self.statuses[video.status] += 1
        return video


def check(video: VideoFaces) -> None:
    """Checks what is true of every outcome, whatever the file.

    Raises:
        AssertionError: something is not.
    """
    measured = video.measurements
    assert video.status in TYPED, video.status
    assert bool(video.reason) == (video.status is not Status.OK), video
    assert min(measured.frames_declared, measured.frames_decoded, measured.frames_damaged) >= 0
    for value in (measured.fps, measured.duration_s, measured.bit_rate):
        assert math.isfinite(value), video
        assert value >= 0, video
    places = [(face.track, face.time_s) for face in video.faces]
    assert places == sorted(places), places
    assert all(math.isfinite(time_s) and time_s >= 0 for _, time_s in places), places
    assert video.tracks_kept == len({track for track, _ in places})
    if video.faces:
        assert video.status in (Status.OK, Status.TRUNCATED, Status.DAMAGED)
        assert measured.frames_decoded > 0
        assert min(measured.width, measured.height) > 0
    assert all(math.isfinite(value) for face in video.faces for value in face.box + face.landmarks)
