"""Transform's features of serialised videos, parsed from no more than they need.

Unlike the signatures that score, those made of these (`transform_features`, `transform_labels`)
are strict: one row that is no Example fails the whole call. They serve TFMA alone, which reads
Examples that the pipeline has validated.
"""

import tensorflow as tf
import tensorflow_transform as tft

from models.transform.example_spec import example_spec
from models.transform.preprocessing import LABEL, RAW_FEATURES


class TransformFeatures(tf.Module):
    """Applies a Transform graph to serialised Examples.

    Args:
        transform_output: folder that Transform wrote.
    """

    def __init__(self, transform_output: str) -> None:
        super().__init__(name="transform_features")
        output = tft.TFTransformOutput(transform_output)
        # The whole spec demands every scalar of an Example, images included.
        raw_spec = output.raw_feature_spec()
        self._spec = {name: raw_spec[name] for name in RAW_FEATURES}
        # An attribute, so that saving the module finds the graph's tables.
        self._layer = output.transform_features_layer()

    def __call__(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transforms videos.

        Args:
            examples: string [n], serialised Examples.

        Returns:
            Each of `models.transform.preprocessing`'s outputs by name, [n].

        Raises:
            tf.errors.InvalidArgumentError: when run, if a row is no Example or lacks a feature.
        """
        transformed: dict[str, tf.Tensor] = self._layer(tf.io.parse_example(examples, self._spec))
        return transformed


def label_only(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    """What can be told of videos without a Transform graph; in place of `TransformFeatures`.

    Buckets are thirds of the videos that Transform analysed, and weights tell how many of these
    were fake; where there were none, there is the label.

    Args:
        examples: string [n], serialised Examples.

    Returns:
        The label, int64 [n], under its name.

    Raises:
        tf.errors.InvalidArgumentError: when run, if a row is no Example or lacks a label.
    """
    parsed: dict[str, tf.Tensor] = tf.io.parse_example(examples, example_spec(LABEL))
    return parsed
