"""Transform's features of serialised Examples, of which only the features needed are parsed.

The signatures `transform_features` and `transform_labels` are made of these. Unlike the
signatures that score they are strict: one row that is no Example fails the whole call. Only TFMA
calls them, with Examples that the pipeline has validated.
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
        # The whole spec would require every feature of an Example, images included.
        raw_spec = output.raw_feature_spec()
        self._spec = {name: raw_spec[name] for name in RAW_FEATURES}
        # An attribute, so that the graph's tables are saved with the module.
        self._layer = output.transform_features_layer()

    def __call__(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transforms videos.

        Args:
            examples: string [n], serialised Examples.

        Returns:
            The outputs of `models.transform.preprocessing.preprocessing_fn` by name, [n].

        Raises:
            tf.errors.InvalidArgumentError: when run, if a row is no Example or lacks a feature.
        """
        transformed: dict[str, tf.Tensor] = self._layer(tf.io.parse_example(examples, self._spec))
        return transformed


def label_only(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    """Stands in for `TransformFeatures` where no videos were analysed: gives the label alone.

    Weights and buckets depend on the videos that Transform analysed.

    Args:
        examples: string [n], serialised Examples.

    Returns:
        `label`, int64 [n].

    Raises:
        tf.errors.InvalidArgumentError: when run, if a row is no Example or lacks a label.
    """
    parsed: dict[str, tf.Tensor] = tf.io.parse_example(examples, example_spec(LABEL))
    return parsed
