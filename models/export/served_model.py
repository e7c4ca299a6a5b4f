"""The graph that is pushed and served: a scorer, a decision and their signatures.

The method of a signature's name documents its contract. A row's score never depends on another row
or on padding; dimension 0 of every input and output is the row.
"""

from collections.abc import Callable

import tensorflow as tf

from data.contract import SCOPE
from data.detectors import MAX_FACES
from models.calibration import Decision
from models.export.frame_faces import FrameFaces
from models.scoring import CHUNK, Scorer
from models.transform import BUCKETS, LABEL, example_spec

_NAN = float("nan")


class ServedModel(tf.Module):
    """A scorer with all signatures that serving and evaluation need.

    Attributes:
        track_length: faces in a row of `serving_tracks`.
        scope: what its verdicts are about.

    Args:
        scorer: in float32.
        decision: from scores to probabilities and verdicts.
        track_length: faces in a row of `serving_tracks`.
        transform: Transform's features of serialised Examples; of a model whose makers left
            no videos to analyse `transform_features.label_only`.
        scope: what its verdicts are about, one line.
    """

    def __init__(
        self,
        scorer: Scorer,
        decision: Decision,
        *,
        track_length: int,
        transform: Callable[[tf.Tensor], dict[str, tf.Tensor]],
        scope: str = SCOPE,
    ) -> None:
        super().__init__(name="served_model")
        self._scorer = scorer
        self._decision = decision
        self.track_length = track_length
        self.scope = scope
        self._transform = transform
        self._frame_faces = FrameFaces()

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
            verdict: int64 [n], `VerdictCode`.
        """
        features, readable = self._embed(faces)
        return self._answer(self._scorer.face_logits(features), readable)

    def serving_tracks(self, faces: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores tracks, each a person seen over time.

        Args:
            faces: string [n, track_length], JPEG or PNG; an empty string pads.

        Returns:
            fake_probability: float32 [n], NaN if a face is unreadable or all are padding.
            face_probability: float32 [n, track_length], NaN where padded or unreadable.
            verdict: int64 [n], `VerdictCode`.
            scope: string [n], UTF-8, what the verdicts are about: the same in every row.
        """
        rows = tf.shape(faces)[0]
        places = tf.where(faces != "")
        features, readable = self._embed(tf.gather_nd(faces, places))
        segments = tf.cast(places[:, 0], tf.int32)
        unreadable = tf.math.unsorted_segment_sum(tf.cast(~readable, tf.int32), segments, rows)
        logits = self._scorer.track_logits(features, segments, rows)
        return {
            **self._answer(logits, unreadable == 0),
            "face_probability": self._face_probability(faces, places, features),
            "scope": tf.fill([rows], self.scope),
        }

    def serving_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores videos by the largest of their tracks' scores.

        Args:
            examples: string [n], serialised Examples of `data.contract`; only `face/image`,
                `face/track` and `face/usable` are read. Faces that are not usable are ignored.

        Returns:
            fake_probability: float32 [n], NaN if the Example or one of its crops is
                unreadable, or no face is usable.
            verdict: int64 [n], `VerdictCode`.
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
            detection_score: float32 [n, MAX_FACES], the detector's confidence.
            fake_probability: float32 [n, MAX_FACES].
            Rows without a face are NaN; in an unreadable frame all are.
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
        places = tf.where(crops != "")
        features, _ = self._embed(tf.gather_nd(crops, places))
        return {
            "box": box,
            "detection_score": score,
            "fake_probability": self._face_probability(crops, places, features),
        }

    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transform's label and, where there are some, slice buckets of videos, [n] each.

        Of string [n] Examples. For TFMA alone, and strict: one row that is no Example fails the
        call.
        """
        features = self._transform(examples)
        return {name: features[name] for name in (LABEL, *BUCKETS) if name in features}

    def transform_labels(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transform's label of videos, int64 [n], of string [n] Examples.

        For TFMA alone, and strict: one row that is no Example fails the call.
        """
        return {LABEL: self._transform(examples)[LABEL]}

    def _embed(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Features [m, d], NaN if unreadable, and readability [m], of encoded faces [m]."""
        width = self._scorer.width

        def embed_chunk(
            start: tf.Tensor, features: tf.Tensor, readable: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            chunk, chunk_readable = self._scorer.embed(faces[start : start + CHUNK])
            chunk = tf.where(chunk_readable[:, tf.newaxis], chunk, _NAN)
            return (
                start + CHUNK,
                tf.concat([features, chunk], axis=0),
                tf.concat([readable, chunk_readable], axis=0),
            )

        # Without faces no iteration: oneDNN's convolution returns a wrong shape for an empty batch.
        _, features, readable = tf.while_loop(
            lambda start, *_: start < tf.shape(faces)[0],
            embed_chunk,
            (tf.constant(0), tf.zeros([0, width]), tf.zeros([0], tf.bool)),
            shape_invariants=(
                tf.TensorShape([]),
                tf.TensorShape([None, width]),
                tf.TensorShape([None]),
            ),
            parallel_iterations=1,
        )
        return features, readable

    def _face_probability(
        self, faces: tf.Tensor, places: tf.Tensor, features: tf.Tensor
    ) -> tf.Tensor:
        """Probabilities of single faces [n, w], NaN where padded or unreadable."""
        logits = self._scorer.face_logits(features)
        scattered = tf.tensor_scatter_nd_update(tf.fill(tf.shape(faces), _NAN), places, logits)
        return self._decision.probability(tf.ensure_shape(scattered, faces.shape))

    def _score_video(self, example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Logit and readability, scalars, of one serialised Example."""
        images, tracks, parsed = _parse_faces(example)
        features, readable = self._embed(images)
        _, segments, sizes = tf.unique_with_counts(tracks)
        track_logits = self._scorer.track_logits(features, segments, tf.size(sizes))
        readable = parsed & tf.reduce_all(readable)
        scored = readable & (tf.size(images) > 0)
        return tf.where(scored, tf.reduce_max(track_logits), _NAN), readable

    def _answer(self, logits: tf.Tensor, readable: tf.Tensor) -> dict[str, tf.Tensor]:
        """Probability and verdict of rows, [n] each."""
        probability = tf.where(readable, self._decision.probability(logits), _NAN)
        verdict = self._decision.verdict(probability, readable)
        return {"fake_probability": probability, "verdict": verdict}


def _parse_faces(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Usable crops, string [m], and their tracks, int64 [m], and whether it is an Example.

    In a tf.data pipeline for the reason that `image_ops.decode_faces` gives.
    """
    spec = example_spec("face/image", "face/track", "face/usable")

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
