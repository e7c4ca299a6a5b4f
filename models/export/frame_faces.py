"""Finds and crops the faces of a frame in the graph, as the extraction job does."""

import tensorflow as tf

from data.contract import CROP_JPEG_QUALITY, CROP_MAX_SIZE
from data.detectors import MAX_FACES
from data.detectors.mtcnn import MtcnnGraph
from data.faces import cropping
from models.inputs import image_ops


class FrameFaces(tf.Module):
    """Detects faces in an encoded frame and crops them: the same that `Mtcnn` returns."""

    def __init__(self) -> None:
        super().__init__(name="frame_faces")
        self._detector = MtcnnGraph()

    def __call__(self, frame: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Finds and crops the faces of one frame.

        Args:
            frame: string scalar, JPEG or PNG.

        Returns:
            boxes: float32 [MAX_FACES, 4], x_min, y_min, x_max, y_max in pixels.
            scores: float32 [MAX_FACES], the detector's confidence.
            crops: string [MAX_FACES], JPEG, as `data.faces.cropping` makes them.
            Rows without a face hold NaN and empty strings; in an unreadable frame all do.
        """
        pixels = image_ops.decode_frame(frame)
        nan = float("nan")

        def no_faces() -> tuple[tf.Tensor, tf.Tensor]:
            return tf.fill([MAX_FACES, 4], nan), tf.fill([MAX_FACES], nan)

        def detect() -> tuple[tf.Tensor, tf.Tensor]:
            boxes, _, scores = self._detector(pixels[tf.newaxis])
            boxes = tf.ensure_shape(boxes[0], [MAX_FACES, 4])
            return boxes, tf.ensure_shape(scores[0], [MAX_FACES])

        boxes, scores = tf.cond(tf.size(pixels) > 0, detect, no_faces)

        def crop(box_and_score: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            box, score = box_and_score
            return tf.cond(
                tf.math.is_nan(score), lambda: tf.constant(""), lambda: crop_in_graph(pixels, box)
            )

        crops = tf.map_fn(crop, (boxes, scores), fn_output_signature=tf.TensorSpec([], tf.string))
        return boxes, scores, crops


def crop_in_graph(pixels: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """Crops the square around a box: `data.faces.cropping.crop_face` in a graph.

    Args:
        pixels: uint8 [height, width, 3].
        box: float32 [4], x_min, y_min, x_max, y_max in pixels.

    Returns:
        string scalar: JPEG, at most `CROP_MAX_SIZE` pixels a side; black beyond the frame.
    """
    # In float64, as Python rounds.
    x_min, y_min, x_max, y_max = tf.unstack(tf.cast(box, tf.float64))
    side = tf.maximum(
        tf.round(tf.maximum(x_max - x_min, y_max - y_min) * (1.0 + cropping.MARGIN)), 1.0
    )
    left = tf.cast(tf.round((x_min + x_max - side) / 2.0), tf.int32)
    top = tf.cast(tf.round((y_min + y_max - side) / 2.0), tf.int32)
    side = tf.cast(side, tf.int32)
    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    x_from, x_to = tf.maximum(left, 0), tf.minimum(left + side, width)
    y_from, y_to = tf.maximum(top, 0), tf.minimum(top + side, height)
    crop = tf.pad(
        pixels[y_from:y_to, x_from:x_to],
        [[y_from - top, top + side - y_to], [x_from - left, left + side - x_to], [0, 0]],
    )

    def shrink() -> tf.Tensor:
        size = [CROP_MAX_SIZE, CROP_MAX_SIZE]
        shrunk = tf.image.resize(crop[tf.newaxis], size, method=tf.image.ResizeMethod.AREA)[0]
        return tf.cast(tf.round(shrunk), tf.uint8)

    crop = tf.cond(side > CROP_MAX_SIZE, shrink, lambda: crop)
    # As JPEG, so that the network sees the same image whichever way a face comes to it.
    return tf.io.encode_jpeg(crop, quality=CROP_JPEG_QUALITY)
