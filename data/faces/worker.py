"""`extract_faces` in a process of its own: a file that hangs or kills its reader costs one row."""

from data.detectors import FaceDetector, create_detector
from data.faces.extract import OriginalFaces, extract_faces, sampled_frame_count
from data.faces.types import FaceOptions, VideoFaces
from data.ledger import Status
from data.utils.errors import UsageError
from data.utils.isolation import IsolatedWorker, WorkerDiedError, WorkerTimeoutError
from data.video import UnreadableVideoError, Video

MEMORY_BYTES = 4 << 30
"""What one video may need beyond the detector: frames of 8192 x 8192 pixels fit."""

SECONDS_PER_BYTE, SECONDS_PER_PIXEL, SECONDS_PER_SEARCHED_FRAME = 1e-6, 1e-8, 1.0
"""Added to the time limit, since a long or large video may take longer.

Ten times what one core needs: six minutes of 3840 x 2160 pixels at 60 frames a second took 127 s of
decoding, 7e-10 s a pixel, and MTCNN takes about 0.1 s a frame.
"""

_detector: FaceDetector | None = None  # of the child process


class FaceExtractor:
    """Extracts faces in a child process, and starts another one when a file has ended it.

    Args:
        detector: a name that `data.detectors.create_detector` takes.
        options: which frames and faces.
        time_limit_s: seconds that any video may take; its bytes, the pixels of its frames and the
            frames that are searched add to it, see `SECONDS_PER_BYTE`.
    """

    def __init__(self, detector: str, options: FaceOptions, time_limit_s: float) -> None:
        self._options = options
        self._time_limit_s = time_limit_s
        self._worker = IsolatedWorker(
            initializer=_load, initial_arguments=(detector,), memory_bytes=MEMORY_BYTES
        )

    def start(self) -> None:
        """Starts the process without waiting for it."""
        self._worker.start()

    def wait(self) -> None:
        """Waits until the process is ready.

        Raises:
            UsageError: the detector cannot be made, or the process cannot be started.
        """
        try:
            self._worker.wait()
        except (WorkerTimeoutError, WorkerDiedError) as error:
            raise UsageError(f"the process that decodes could not be started: {error}") from error

    def extract(
        self, path: str, size_bytes: int, original: OriginalFaces | None = None
    ) -> VideoFaces:
        """`data.faces.extract.extract_faces` for a local file, whatever the file does.

        Returns:
            The faces; `Status.TIMEOUT` if it took too long, `Status.CRASHED` if it ended the
            process or raised an exception.

        Raises:
            UsageError: as `wait`; it is not the video's fault.
        """
        self.wait()
        base_s, more_s = self._time_limit_s, SECONDS_PER_BYTE * size_bytes
        try:
            # Not here: its header could hang or crash this process.
            more_s += self._worker.run(base_s + more_s, allowance_s, path, self._options)
            limit_s = round(base_s + more_s, 1)
            return self._worker.run(limit_s, _extract, path, self._options, original)
        except WorkerTimeoutError as error:
            return VideoFaces(
                Status.TIMEOUT,
                f"{error}: {base_s:g} for any video, which --time-limit sets, and "
                f"{more_s:.1f} for the length and size of this one",
            )
        except WorkerDiedError as error:
            return VideoFaces(Status.CRASHED, str(error))
        except MemoryError:
            return VideoFaces(Status.CRASHED, f"it needs more than {MEMORY_BYTES >> 30} GiB")
        except Exception as error:  # noqa: BLE001 - one video must never end the other 999
            return VideoFaces(Status.CRASHED, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Ends the process."""
        self._worker.close()

    def __enter__(self) -> "FaceExtractor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def allowance_s(path: str, options: FaceOptions) -> float:
    """Seconds that a video may take for its frames, beyond what any may; 0 if it has none."""
    try:
        video = Video(path)
    except (FileNotFoundError, UnreadableVideoError):
        return 0.0
    searched = sampled_frame_count(video, options)
    return SECONDS_PER_PIXEL * video.pixels_declared + SECONDS_PER_SEARCHED_FRAME * searched


def _load(detector: str) -> None:
    """Prepares the child: decoding takes one core, searching another."""
    import cv2
    import numpy as np
    import tensorflow as tf

    cv2.setNumThreads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    global _detector
    _detector = create_detector(detector)
    # The first call builds the graph, which must not count against the time of a video.
    _detector.detect(np.zeros((1, 480, 640, 3), np.uint8))


def _extract(path: str, options: FaceOptions, original: OriginalFaces | None) -> VideoFaces:
    assert _detector is not None
    return extract_faces(path, _detector, options, original)
