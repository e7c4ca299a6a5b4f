"""How TensorFlow parses the features of an Example, by the contract's table."""

import tensorflow as tf

from data import contract


def example_spec(*names: str) -> dict[str, tf.io.FixedLenFeature | tf.io.VarLenFeature]:
    """Makes what `tf.io.parse_example` needs for some features of the contract.

    Args:
        *names: of features in `data.contract.FEATURES`.

    Returns:
        By name: dense scalars for features of which each video has one value, else sparse lists.

    Example:
        >>> example_spec("label")
        {'label': FixedLenFeature(shape=[], dtype=tf.int64, default_value=None)}
    """
    spec = {}
    for feature in map(contract.FEATURES.__getitem__, names):
        dtype = tf.as_dtype(feature.dtype)
        is_scalar = feature.count == 1 and not feature.is_of_faces
        spec[feature.name] = (
            tf.io.FixedLenFeature([], dtype) if is_scalar else tf.io.VarLenFeature(dtype)
        )
    return spec
