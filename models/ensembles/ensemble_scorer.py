"""Scores faces and tracks with several networks in one graph."""

from collections.abc import Sequence

import tensorflow as tf

from models.ensembles.combination import Combination
from models.scoring import NetworkScorer


class EnsembleScorer(tf.Module):
    """Scores with several networks, which may differ in input size and head.

    A face's features are those of all members, side by side. See `models.scoring.scorer.Scorer`.

    Args:
        members: the networks.
        combination: of their scores.

    Attributes:
        width: features of a face.
    """

    def __init__(self, members: Sequence[NetworkScorer], combination: Combination) -> None:
        super().__init__(name="ensemble")
        self._members = list(members)
        self._combination = combination
        self.width = sum(member.width for member in members)

    def embed(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Scorer.embed`."""
        features, readable = zip(*(member.embed(faces) for member in self._members), strict=True)
        return tf.concat(features, axis=1), readable[0]

    def face_logits(self, features: tf.Tensor) -> tf.Tensor:
        """See `Scorer.face_logits`."""
        members = zip(self._members, self._split(features), strict=True)
        return self._combination.logits(
            tf.stack([member.face_logits(part) for member, part in members])
        )

    def track_logits(self, features: tf.Tensor, segments: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """See `Scorer.track_logits`."""
        members = zip(self._members, self._split(features), strict=True)
        return self._combination.logits(
            tf.stack([member.track_logits(part, segments, count) for member, part in members])
        )

    def _split(self, features: tf.Tensor) -> list[tf.Tensor]:
        return tf.split(features, [member.width for member in self._members], axis=1)
