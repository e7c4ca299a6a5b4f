"""BlazeFace, the full-range model of MediaPipe: looser boxes than MTCNN's, on one thread.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs"
(arXiv:1907.05047). The model is a file of the `mediapipe` package 0.10.9, and TensorFlow Lite runs
it: the package is not imported, since it would load a second OpenCV. The steps before and after
the model follow MediaPipe's graph (github.com/google-ai-edge/mediapipe,
`mediapipe/modules/face_detection/face_detection_full_range_common.pbtxt`), with one exception:
large frames are shrunk by averaging, where MediaPipe picks single pixels and misses small faces.
"""

import hashlib
import importlib.metadata
import pathlib
import sys

import cv2
import numpy as np
import numpy.typing as npt

from data.detectors.base import Face
from data.detectors.boxes import intersection_over_union
from data.utils.errors import UsageError

MIN_SCORE = 0.6
"""Least confidence of a returned face: the graph's `min_score_thresh`."""

REQUIREMENTS = "requirements-blazeface.txt"

_MODEL = "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite"
_SIZE = 192  # pixels a side of the model's input
_STRIDE = 4  # pixels from one anchor to the next; one anchor a cell, 48 x 48 = 2304
_SCORE_LIMIT = 100.0  # `score_clipping_thresh`
_NMS_OVERLAP = 0.3  # `min_suppression_threshold`, over the union
# Of the six points right and left eye, nose, middle of the mouth and both ears.
_KNOWN_POINTS = 3


def model_file() -> pathlib.Path:
    """Finds the model among the installed files, without importing the package.

    Returns:
        The `.tflite` file.

    Raises:
        UsageError: the package is not installed, or is a release without the model.
    """
    try:
        package = importlib.metadata.distribution("mediapipe")
    except importlib.metadata.PackageNotFoundError:
        raise UsageError(f"blazeface needs the package mediapipe: {_install()}") from None
    path = pathlib.Path(str(package.locate_file(_MODEL)))
    if not path.is_file():
        raise UsageError(
            f"{path}: not in the installed mediapipe {package.version}, as blazeface needs it: "
            f"{_install()}"
        )
    return path


def model_hash() -> str:
    """SHA-256 of the model's file, 64 hexadecimal digits; raises as `model_file` does."""
    return hashlib.sha256(model_file().read_bytes()).hexdigest()


def _install() -> str:
    # Without --no-deps it would bring a second OpenCV that overwrites the headless one.
    return (
        f"install it with `uv pip install --python {sys.executable} --no-deps --require-hashes "
        f"-r {REQUIREMENTS}`"
    )


class BlazeFace:
    """A `FaceDetector` for faces up to about five metres from the camera.

    The model sees the whole frame in 192 x 192 pixels, so it misses small faces in large frames,
    which MTCNN finds. Boxes are square, and so looser than MTCNN's. The corners of the mouth are
    NaN: the model knows only the middle of the mouth.

    Raises:
        UsageError: the package `mediapipe` 0.10.9 is not installed.
    """

    def __init__(self) -> None:
        path = model_file()
        import tensorflow as tf

        self._interpreter = tf.lite.Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = sorted(
            self._interpreter.get_output_details(), key=lambda output: output["shape"][-1]
        )
        self._score_output, self._box_output = (output["index"] for output in outputs)
        centres = (np.arange(_SIZE // _STRIDE, dtype=np.float32) + 0.5) * _STRIDE
        self._anchors = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 1, 2)

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Finds the faces of each frame; see `FaceDetector.detect`."""
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: npt.NDArray[np.uint8]) -> list[Face]:
        picture, scale, corner = _letterbox(frame)
        self._interpreter.set_tensor(self._input, picture[None].astype(np.float32) / 127.5 - 1.0)
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._score_output)[0, :, 0]
        values = self._interpreter.get_tensor(self._box_output)[0]
        # In float64, where the exponential of the clipped score is finite.
        limited = np.clip(logits.astype(np.float64), -_SCORE_LIMIT, _SCORE_LIMIT)
        scores = 1.0 / (1.0 + np.exp(-limited))
        likely = scores >= MIN_SCORE
        # Each row: the offset of the box's centre, its size, the offsets of six points.
        pairs = values[likely].reshape(-1, 8, 2)
        centres = pairs[:, :1] + self._anchors[likely]
        halves = pairs[:, 1:2] / 2.0
        points = np.concatenate(
            [centres - halves, centres + halves, pairs[:, 2:] + self._anchors[likely]], axis=1
        )
        merged, scores = weighted_nms(points, scores[likely])
        return [
            _face(merged_points * scale + corner, float(score), frame.shape)
            for merged_points, score in zip(merged, scores, strict=True)
        ]


def _letterbox(
    frame: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Fits a frame into the model's square, black where it does not reach.

    Returns:
        The picture, uint8 [192, 192, 3]; and per axis, x then y, the frame's pixels to one of the
        picture's, and where in the frame the picture's corner lies.
    """
    height, width = frame.shape[:2]
    longer = max(height, width)
    size = np.maximum(np.round(np.array([width, height]) * _SIZE / longer), 1).astype(int)
    interpolation = cv2.INTER_AREA if longer > _SIZE else cv2.INTER_LINEAR
    left, top = (_SIZE - size) // 2
    picture = np.zeros((_SIZE, _SIZE, 3), np.uint8)
    picture[top : top + size[1], left : left + size[0]] = cv2.resize(
        frame, size.tolist(), interpolation=interpolation
    )
    scale = np.array([width, height]) / size
    return picture, scale, -np.array([left, top]) * scale


def weighted_nms(
    points: npt.NDArray[np.float32], scores: npt.NDArray[np.float64]
) -> tuple[list[npt.NDArray[np.float64]], list[float]]:
    """Weighted non-maximum suppression: boxes that overlap the best one become their mean.

    The mean is weighted by score; then the same is done with the boxes that are left, and so on.
    It is `WeightedNonMaxSuppression` of MediaPipe's
    `mediapipe/calculators/util/non_max_suppression_calculator.cc`, steadier from frame to frame
    than the best box alone.

    Args:
        points: [n, 8, 2]: the box's two corners and six points, x and y.
        scores: [n].

    Returns:
        The merged points, [8, 2] each, and the best score of each, falling.
    """
    merged, best = [], []
    remaining = np.argsort(-scores, kind="stable")
    while len(remaining):
        boxes = points[remaining, :2].reshape(-1, 4)
        near = intersection_over_union(boxes[:1], boxes)[0] > _NMS_OVERLAP
        near[0] = True  # also if the box is empty and overlaps nothing
        members = remaining[near]
        merged.append(np.average(points[members], axis=0, weights=scores[members]))
        best.append(float(scores[remaining[0]]))
        remaining = remaining[~near]
    return merged, best


def _face(points: npt.NDArray[np.float64], score: float, shape: tuple[int, ...]) -> Face:
    """A face of points [8, 2] in a frame's pixels, its box cut at the frame's border."""
    limits = np.array([shape[1] - 1, shape[0] - 1])
    landmarks = np.full((5, 2), np.nan, np.float32)
    landmarks[:_KNOWN_POINTS] = points[2 : 2 + _KNOWN_POINTS]
    box = np.clip(points[:2], 0, limits).astype(np.float32)
    return Face(box.reshape(4), landmarks.reshape(10), score)
