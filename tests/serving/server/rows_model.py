"""A model whose answers show how requests were merged, and requests for it."""

import numpy as np
import tensorflow as tf


class Rows(tf.Module):
    """Answers how many rows it was called with, and fails where a row is negative."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, name="a"),
            tf.TensorSpec([None], tf.string, name="b"),
        ]
    )
    def serve(self, a, b):
        positive = tf.debugging.assert_non_negative(a, "a row is negative")
        with tf.control_dependencies([positive]):
            rows = tf.fill([tf.shape(a)[0]], tf.shape(a)[0])
        return {"rows": rows, "total": tf.reduce_sum(a, 1), "b": b + b"\0", "count": tf.size(a)}


def request_of(*values, width=1, name=b"b"):
    a = np.repeat(np.array(values, np.float32)[:, np.newaxis], width, axis=1)
    return a, np.array([name] * len(values), object)


def tensors_of(a, b):
    return {"a": tf.make_tensor_proto(a), "b": tf.make_tensor_proto(b)}
