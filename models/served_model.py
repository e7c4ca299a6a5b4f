"""The graph that is pushed and served: a network, its calibration and their signatures.

The contract of each signature stands in the method of its name. A row's score never depends on
another row or on padding; every input and output has the row as dimension 0.
"""

import keras
import tensorflow as tf

from data.contract import Verdict
from models import pictures
from models.calibration import Calibration
from models.frame_faces import FrameFaces
from models.preprocessing import BUCKETS, LABEL
from models.scoring import inference
from models.transform_features import TransformFeatures

CHUNK = 64
"""Faces decoded and scored at a time, which bounds memory however many a request holds."""

MAX_FACES = 8
"""Faces that `serving_frames` returns of a frame at most, best detection first."""

_NAN = float("nan")


class ServedModel(tf.Module):
    """A classifier with everything that serving and evaluation ask of it.

    Attributes:
        track_length: faces in a row of `serving_tracks`.

    Args:
        network: in float32, from faces [n, size, size, 3], 0 to 255, to logits [n].
        calibration: temperature and thresholds.
        track_length: faces in a row of `serving_tracks`.
        transform: Transform's features.
    """

    def __init__(
        self,
        network: keras.Model,
        calibration: Calibration,
        *,
        track_length: int,
        transform: TransformFeatures,
    ) -> None:
        super().__init__(name="served_model")
        # One traced function, which all signatures call: the graph holds the network once.
        self._infer = inference(network)
        # Not the Keras model: saved with it would be wrappers of its variables, which the
        # functions do not use, and TensorFlow Serving would not find those that they do.
        self._network_variables = [variable.value for variable in network.variables]
        self._image_size = int(network.input_shape[1])
        self._calibration = calibration
        self.track_length = track_length
        self._transform = transform
        self._frame_faces = FrameFaces(MAX_FACES)

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """All signatures by name, for `tf.saved_model.save`."""
        faces = tf.TensorSpec([None], tf.string, name="faces")
        tracks = tf.TensorSpec([None, self.track_length], tf.string, name="faces")
        examples = tf.TensorSpec([None], tf.string, name="examples")
        frames = tf.TensorSpec([None], tf.string, name="frames")
        specs = {
            "serving_default": (self.serving_default, faces),
            "serving_tracks": (self.serving_tracks, tracks),
            "serving_examples": (self.serving_examples, examples),
            "serving_frames": (self.serving_frames, frames),
            "transform_features": (self.transform_features, examples),
            "transform_labels": (self.transform_labels, examples),
        }
        return {
            name: tf.function(method, jit_compile=False).get_concrete_function(spec)
            for name, (method, spec) in specs.items()
        }

    def serving_default(self, faces: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores single faces.

        Args:
            faces: string [n], JPEG or PNG.

        Returns:
            fake_probability: float32 [n], NaN if unreadable.
            verdict: int64 [n], `Verdict`.
        """
        return self._answer(*self._score(faces))

    def serving_tracks(self, faces: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores tracks, each a person seen over time, by the mean of its faces' logits.

        Args:
            faces: string [n, track_length], JPEG or PNG; an empty string pads.

        Returns:
            fake_probability: float32 [n], NaN if a face is unreadable or all are padding.
            face_probability: float32 [n, track_length], NaN where padded or unreadable.
            verdict: int64 [n], `Verdict`.
        """
        used = faces != ""
        logits, readable = self._score_padded(faces)
        total = tf.reduce_sum(tf.where(used, logits, 0.0), axis=1)
        # 0 / 0 makes NaN of padding alone.
        mean = total / tf.reduce_sum(tf.cast(used, tf.float32), axis=1)
        return {
            **self._answer(mean, tf.reduce_all(readable, axis=1)),
            "face_probability": self._probability(logits),
        }

    def serving_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores videos by the largest of their tracks' scores.

        Args:
            examples: string [n], serialised Examples of `data.contract`; only `face/image`,
                `face/track` and `face/usable` are read. Faces that are not usable count for
                nothing.

        Returns:
            fake_probability: float32 [n], NaN if the Example or one of its crops is
                unreadable, or no face is usable.
            verdict: int64 [n], `Verdict`.
        """
        logits, readable = tf.map_fn(
            self._score_video,
            examples,
            fn_output_signature=(tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.bool)),
            parallel_iterations=1,
        )
        return self._answer(logits, readable)

    def serving_frames(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """Finds and scores the faces of whole frames.

        Args:
            frames: string [n], JPEG or PNG.

        Returns:
            box: float32 [n, MAX_FACES, 4], x_min, y_min, x_max, y_max in pixels.
            detection_score: float32 [n, MAX_FACES], the detector's confidence, falling.
            fake_probability: float32 [n, MAX_FACES].
            All are NaN beyond the faces found, and everywhere if the frame is unreadable.
        """
        box, score, crops = tf.map_fn(
            self._frame_faces,
            frames,
            fn_output_signature=(
                tf.TensorSpec([MAX_FACES, 4], tf.float32),
                tf.TensorSpec([MAX_FACES], tf.float32),
                tf.TensorSpec([MAX_FACES], tf.string),
            ),
            parallel_iterations=1,
        )
        logits, _ = self._score_padded(crops)
        return {
            "box": box,
            "detection_score": score,
            "fake_probability": self._probability(logits),
        }

    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transform's label and slice buckets of videos, [n] each, of string [n] Examples.

        For TFMA alone, and strict: one row that is no Example fails the call.
        """
        features = self._transform(examples)
        return {name: features[name] for name in (LABEL, *BUCKETS)}

    def transform_labels(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transform's label of videos, int64 [n], of string [n] Examples.

        For TFMA alone, and strict: one row that is no Example fails the call.
        """
        return {LABEL: self._transform(examples)[LABEL]}

    def _score(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits, NaN if unreadable, and readability of encoded faces, all [m]."""

        def score_chunk(
            start: tf.Tensor, logits: tf.Tensor, readable: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            chunk, chunk_readable = pictures.decode_faces(
                faces[start : start + CHUNK], self._image_size
            )
            chunk_logits = tf.where(chunk_readable, self._infer(chunk), _NAN)
            return (
                start + CHUNK,
                tf.concat([logits, chunk_logits], axis=0),
                tf.concat([readable, chunk_readable], axis=0),
            )

        # No faces, no rounds: oneDNN's convolution gives a wrong shape for a batch of none.
        _, logits, readable = tf.while_loop(
            lambda start, *_: start < tf.shape(faces)[0],
            score_chunk,
            (tf.constant(0), tf.zeros([0]), tf.zeros([0], tf.bool)),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None])),
            parallel_iterations=1,
        )
        logits.set_shape(faces.shape)
        readable.set_shape(faces.shape)
        return logits, readable

    def _score_padded(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits [n, w], NaN where padded or unreadable, and whether each could be read."""
        places = tf.where(faces != "")
        logits, readable = self._score(tf.gather_nd(faces, places))
        return (
            tf.tensor_scatter_nd_update(tf.fill(tf.shape(faces), _NAN), places, logits),
            tf.tensor_scatter_nd_update(tf.fill(tf.shape(faces), True), places, readable),
        )

    def _score_video(self, example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Logit and readability, scalars, of one serialised Example."""
        images, tracks, parsed = _parse_faces(example)
        logits, readable = self._score(images)
        _, segments, sizes = tf.unique_with_counts(tracks)
        track_means = tf.math.unsorted_segment_mean(logits, segments, tf.size(sizes))
        readable = parsed & tf.reduce_all(readable)
        scored = readable & (tf.size(images) > 0)
        return tf.where(scored, tf.reduce_max(track_means), _NAN), readable

    def _probability(self, logits: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(logits / self._calibration.temperature)

    def _answer(self, logits: tf.Tensor, readable: tf.Tensor) -> dict[str, tf.Tensor]:
        """Probability and verdict of rows, [n] each."""
        probability = tf.where(readable, self._probability(logits), _NAN)
        # Comparisons with NaN are false, which leaves what has no score uncertain.
        verdict = tf.fill(tf.shape(probability), tf.constant(Verdict.UNCERTAIN, tf.int64))
        for applies, value in (
            (probability < self._calibration.real_below, Verdict.REAL),
            (probability > self._calibration.fake_above, Verdict.FAKE),
            (~readable, Verdict.UNREADABLE),
        ):
            verdict = tf.where(applies, tf.constant(value, tf.int64), verdict)
        return {"fake_probability": probability, "verdict": verdict}


def _parse_faces(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Usable crops, string [m], and their tracks, int64 [m], and whether it is an Example.

    In a tf.data pipeline for the reason that `pictures.decode_faces` gives.
    """
    spec = {
        "face/image": tf.io.VarLenFeature(tf.string),
        "face/track": tf.io.VarLenFeature(tf.int64),
        "face/usable": tf.io.VarLenFeature(tf.int64),
    }

    def parse(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        features = tf.io.parse_single_example(serialized, spec)
        images, tracks = features["face/image"].values, features["face/track"].values
        usable = features["face/usable"].values == 1
        sizes = tf.stack([tf.size(tracks), tf.size(usable)])
        matches = tf.debugging.Assert(
            tf.reduce_all(sizes == tf.size(images)), ["a track and a flag each"]
        )
        with tf.control_dependencies([matches]):
            return images[usable], tracks[usable], tf.constant(True)

    unreadable = (tf.constant([], tf.string), tf.constant([], tf.int64), tf.constant(False))
    parsed = (
        tf.data.Dataset.from_tensors(example)
        .map(parse)
        .ignore_errors(log_warning=False)
        .concatenate(tf.data.Dataset.from_tensors(unreadable))
        .take(1)
    )
    images, tracks, readable = parsed.get_single_element()
    return images, tracks, readable
