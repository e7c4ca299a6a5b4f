import numpy as np
import pytest
import tensorflow as tf

from serving.server.signature_function import SignatureFunction


class Outputs(tf.Module):
    """`sum` always works, `product` for two columns only; inputs are declared out of order."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, name="z"),
            tf.TensorSpec([None], tf.string, name="b"),
        ]
    )
    def serve(self, z, b):
        return {"sum": tf.reduce_sum(z, 1), "product": z @ tf.ones([2, 1]), "name": b + b"\0"}


@pytest.fixture(scope="module")
def signature(tmp_path_factory):
    module, folder = Outputs(), str(tmp_path_factory.mktemp("outputs"))
    tf.saved_model.save(module, folder, signatures=module.serve)
    loaded = tf.saved_model.load(folder)
    yield loaded.signatures["serving_default"]
    del loaded  # which its functions depend on


Z = np.array([[1, 2], [3, 4]], np.float32)
B = np.array([b"x", b"y\0"], object)


def test_inputs_and_outputs_come_in_the_order_asked_for(signature):
    function = SignatureFunction(signature, ["b", "z"], ["sum", "name", "product"])
    total, name, product = function([B, Z])
    np.testing.assert_array_equal(total, [3, 7])
    assert name.tolist() == [b"x\0", b"y\0\0"]
    np.testing.assert_array_equal(product, [[3], [7]])
    assert function.dtypes == [tf.float32, tf.string, tf.float32]


def test_what_an_unwanted_output_needs_is_not_run(signature):
    wide = np.ones([2, 5], np.float32)
    (total,) = SignatureFunction(signature, ["b", "z"], ["sum"])([B, wide])
    np.testing.assert_array_equal(total, [5, 5])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size-incompatible"):
        SignatureFunction(signature, ["b", "z"], ["sum", "product"])([B, wide])
