"""MTCNN as one TensorFlow graph, with the weights of the `mtcnn` package.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks" (IEEE Signal Processing Letters, 2016). Networks, thresholds and box arithmetic
follow the `mtcnn` package 1.0.0 (github.com/ipazc/mtcnn), which drives the same weights from
numpy; here the image pyramid, the three networks and the suppression of overlapping boxes run
inside one graph, so that the extraction job, the client and the served model find the same faces.
"""

import functools

import cv2
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data.detectors import mtcnn_boxes
from data.detectors import mtcnn_networks as networks
from data.detectors.base import MAX_FACES, Face

HALVE_ABOVE = 1000
"""Frames with a longer side, in pixels, are searched at half resolution."""

MIN_FACE_SIZE = 20
"""Smallest face, in pixels of the searched half of a large frame: the package's default.

The search of smaller frames starts one level of the same pyramid higher, at 28 pixels: smaller
faces are not usable, and finding them costs as much as finding all others.
"""

_PYRAMID_FACTOR = 0.709  # about the root of a half: each level has half the area of the last
_PNET_THRESHOLD, _RNET_THRESHOLD, _ONET_THRESHOLD = 0.6, 0.7, 0.95
_LEVEL_NMS, _PNET_NMS, _RNET_NMS, _ONET_NMS = 0.5, 0.7, 0.7, 0.7
_LEVEL_CANDIDATES = 256
_LEVEL_PROPOSALS = 64
_PROPOSALS, _CROWD_PROPOSALS = 128, 256
_CROWD = 20
"""Proposals of 128 that RNet confirms in a crowd. Frames of one or two people have up to 17, of
five people 22 to 27; only in a crowd are there faces left among the other proposals."""
_REFINED = 64  # at least: frames of five people have up to 28


class MtcnnGraph(tf.Module):
    """Finds faces and five landmarks in a batch of frames of one size.

    Args:
        max_faces: faces returned a frame, by falling product of score and size.

    Example:
        >>> graph = MtcnnGraph(max_faces=8)
        >>> boxes, landmarks, scores = graph(np.zeros((1, 90, 120, 3), np.uint8))
        >>> boxes.shape, landmarks.shape, scores.shape
        (TensorShape([1, 8, 4]), TensorShape([1, 8, 10]), TensorShape([1, 8]))
    """

    def __init__(self, *, max_faces: int = MAX_FACES) -> None:
        super().__init__(name="mtcnn")
        self._max_faces = max_faces
        self._pnet = networks.load_weights("pnet.lz4")
        self._rnet = networks.load_weights("rnet.lz4")
        self._onet = networks.load_weights("onet.lz4")

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)])
    def __call__(self, frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Finds the faces of each frame.

        Args:
            frames: uint8 [n, height, width, 3], RGB, n of 1 or more.

        Returns:
            boxes: float32 [n, max_faces, 4], x_min, y_min, x_max, y_max in pixels.
            landmarks: float32 [n, max_faces, 10], x, y pairs in pixels.
            scores: float32 [n, max_faces], 0 to 1.
            All are NaN beyond the faces found.
        """
        size = tf.shape(frames)[1:3]
        searched = tf.cond(
            tf.reduce_max(size) > HALVE_ABOVE, lambda: _halve(frames), lambda: frames
        )
        return self.search(searched, size)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.uint8),
            tf.TensorSpec([2], tf.int32),
        ]
    )
    def search(
        self, searched: tf.Tensor, size: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Finds the faces of frames; large frames must be halved before.

        Args:
            searched: uint8 [n, rows, columns, 3], RGB: the frames, or their halves.
            size: int32 [2]: height and width of the frames themselves.

        Returns:
            As `__call__`, in pixels of the frames.
        """
        halved = tf.reduce_max(size) > HALVE_ABOVE
        first_scale = networks.PNET_FIELD / MIN_FACE_SIZE * tf.where(halved, 1.0, _PYRAMID_FACTOR)
        boxes, scores = self._propose(searched, first_scale)
        boxes, scores = self._refine(searched, boxes, scores)
        boxes, landmarks, scores = self._output(searched, boxes, scores)
        scale = tf.where(halved, 2.0, 1.0)
        bottom, right = tf.unstack(tf.cast(size - 1, tf.float32))
        boxes = tf.clip_by_value(boxes * scale, 0.0, tf.stack([right, bottom, right, bottom]))
        return boxes, landmarks * scale, scores

    def _propose(self, frames: tf.Tensor, first_scale: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs PNet over the pyramid: square boxes [n, p, 4] and scores [n, p], 0 if unused.

        First come those of the highest score, then those that a viewer would see first.
        """
        count = tf.shape(frames)[0]
        size = tf.cast(tf.shape(frames)[1:3], tf.float32)
        shorter = tf.reduce_min(size) * first_scale
        levels = 1 + tf.cast(
            tf.floor(tf.math.log(networks.PNET_FIELD / shorter) / np.log(_PYRAMID_FACTOR)), tf.int32
        )
        levels = tf.maximum(levels, 1)

        def level_size(level: tf.Tensor) -> tf.Tensor:
            scale = first_scale * tf.pow(_PYRAMID_FACTOR, tf.cast(level, tf.float32))
            return tf.maximum(tf.cast(size * scale, tf.int32), networks.PNET_FIELD)

        def search_level(
            level: tf.Tensor, image: tf.Tensor, boxes: tf.TensorArray, scores: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, tf.TensorArray]:
            level_boxes, level_scores = networks.propose(image, self._pnet, _LEVEL_CANDIDATES)
            scale = size / tf.cast(tf.shape(image)[1:3], tf.float32)
            level_boxes *= tf.stack([scale[1], scale[0], scale[1], scale[0]])
            level_boxes, level_scores = mtcnn_boxes.nms(
                level_boxes, level_scores, _LEVEL_NMS, _LEVEL_PROPOSALS, min_score=_PNET_THRESHOLD
            )
            boxes = boxes.write(level, level_boxes)
            scores = scores.write(level, level_scores)
            return level + 1, _resize(image, level_size(level + 1)), boxes, scores

        first = networks.normalize(_resize(frames, level_size(tf.constant(0))))
        _, _, boxes, scores = tf.while_loop(
            lambda level, *_: level < levels,
            search_level,
            (
                tf.constant(0),
                first,
                tf.TensorArray(tf.float32, levels, element_shape=[None, _LEVEL_PROPOSALS, 4]),
                tf.TensorArray(tf.float32, levels, element_shape=[None, _LEVEL_PROPOSALS]),
            ),
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([None, None, None, 3]),
                tf.TensorShape(None),
                tf.TensorShape(None),
            ),
        )
        all_boxes = tf.reshape(tf.transpose(boxes.stack(), [1, 0, 2, 3]), [count, -1, 4])
        all_scores = tf.reshape(tf.transpose(scores.stack(), [1, 0, 2]), [count, -1])
        kept = tf.maximum(levels * _LEVEL_PROPOSALS, _PROPOSALS)
        all_boxes, all_scores = mtcnn_boxes.nms(all_boxes, all_scores, _PNET_NMS, kept)
        others, other_scores = mtcnn_boxes.most_salient(
            all_boxes[:, _PROPOSALS:], all_scores[:, _PROPOSALS:], _CROWD_PROPOSALS - _PROPOSALS
        )
        all_boxes = tf.concat([all_boxes[:, :_PROPOSALS], others], axis=1)
        all_scores = tf.concat([all_scores[:, :_PROPOSALS], other_scores], axis=1)
        return mtcnn_boxes.square(all_boxes), all_scores

    def _refine(
        self, frames: tf.Tensor, boxes: tf.Tensor, scores: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs RNet on the proposals: square boxes [n, r, 4] and scores [n, r]."""
        rnet = functools.partial(networks.rnet, weights=self._rnet)
        is_first = tf.range(_CROWD_PROPOSALS) < _PROPOSALS
        first_offsets, first_scores = networks.on_boxes(
            rnet, 24, 16, (4, 1), frames, boxes, tf.where(is_first, scores, 0.0)
        )
        confirmed = tf.math.count_nonzero(first_scores > _RNET_THRESHOLD, axis=1)
        is_other = ~is_first & (confirmed >= _CROWD)
        offsets, refined = networks.on_boxes(
            rnet, 24, 16, (4, 1), frames, boxes, tf.where(is_other, scores, 0.0)
        )
        # Where the one is, the other is 0.
        boxes = boxes + (first_offsets + offsets) * mtcnn_boxes.sides(boxes)
        boxes, scores = mtcnn_boxes.nms(
            boxes,
            (first_scores + refined)[..., 0],
            _RNET_NMS,
            _CROWD_PROPOSALS,
            min_score=_RNET_THRESHOLD,
        )
        # Of a face ONet may still drop the one or other box.
        count = max(_REFINED, 2 * self._max_faces)
        boxes, scores = mtcnn_boxes.most_salient(boxes, scores, count)
        return mtcnn_boxes.square(boxes), scores

    def _output(
        self, frames: tf.Tensor, boxes: tf.Tensor, scores: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Runs ONet: the final boxes, landmarks and scores, NaN beyond the faces found."""
        onet = functools.partial(networks.onet, weights=self._onet)
        offsets, points, scores = networks.on_boxes(onet, 48, 4, (4, 10, 1), frames, boxes, scores)
        sides = mtcnn_boxes.sides(boxes)
        # The network gives five x, then five y, relative to the square box.
        x = points[..., :5] * sides[..., 0:1] + boxes[..., 0:1] - 1.0
        y = points[..., 5:] * sides[..., 1:2] + boxes[..., 1:2] - 1.0
        landmarks = tf.reshape(tf.stack([x, y], axis=-1), tf.shape(points))
        boxes = boxes + offsets * sides
        scores = scores[..., 0]
        scores = tf.where(scores > _ONET_THRESHOLD, scores, 0.0)
        boxes, scores, landmarks = mtcnn_boxes.sort(boxes, scores, landmarks)
        scores = mtcnn_boxes.suppress(boxes, scores, _ONET_NMS, over_smaller=True)
        boxes, scores, landmarks = mtcnn_boxes.most_salient(
            boxes, scores, self._max_faces, landmarks
        )
        is_face = scores > 0.0
        nan = tf.constant(float("nan"))
        return (
            tf.where(is_face[..., None], boxes, nan),
            tf.where(is_face[..., None], landmarks, nan),
            tf.where(is_face, scores, nan),
        )


class Mtcnn:
    """The default `FaceDetector`: `MtcnnGraph` with numpy in and `Face` objects out."""

    def __init__(self) -> None:
        self._graph = MtcnnGraph()

    def detect(self, frames: npt.NDArray[np.uint8]) -> list[list[Face]]:
        """Finds the faces of each frame; see `FaceDetector.detect`."""
        size = np.array(frames.shape[1:3], np.int32)
        # Halved here, there is only a quarter to copy into the graph.
        searched = _halve_all(frames) if size.max() > HALVE_ABOVE else frames
        outputs = self._graph.search(searched, size)
        boxes, landmarks, scores = (output.numpy() for output in outputs)
        return [
            [
                Face(box=boxes[i, j], landmarks=landmarks[i, j], score=float(scores[i, j]))
                for j in range(scores.shape[1])
                if not np.isnan(scores[i, j])
            ]
            for i in range(len(frames))
        ]


def _resize(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ResizeBilinear(images=images, size=size, half_pixel_centers=True)


def _halve(frames: tf.Tensor) -> tf.Tensor:
    """Means of 2 x 2 pixels, a half rounded up; an odd last row or column is left out."""
    half = tf.maximum(tf.shape(frames)[1:3] // 2, 1)
    even = frames[:, : tf.maximum(2 * half[0], 1), : tf.maximum(2 * half[1], 1)]
    # Bilinear at exactly half samples between pixels.
    return tf.cast(tf.floor(_resize(even, half) + 0.5), tf.uint8)


def _halve_all(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`_halve` without a graph, to the bit."""
    height, width = (max(length // 2, 1) for length in frames.shape[1:3])
    return np.stack(
        [
            cv2.resize(
                frame[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA
            )
            for frame in frames
        ]
    ).astype(np.uint8, copy=False)
