import numpy as np
import pytest
import tensorflow as tf

from serving.server.servables.signature_function import SignatureFunction


@pytest.fixture(scope="module")
def signature(tmp_path_factory):
    """The session that a SavedModel was loaded into, and its signature.

    `sum` always works, `product` for two columns only; inputs are declared out of order.
    """
    v1, folder = tf.compat.v1, str(tmp_path_factory.mktemp("outputs") / "1")
    with v1.Session(graph=tf.Graph()) as session:
        z, b = v1.placeholder(tf.float32, [None, None]), v1.placeholder(tf.string, [None])
        outputs = {"sum": tf.reduce_sum(z, 1), "product": z @ tf.ones([2, 1]), "name": b + b"\0"}
        outputs["first"] = b[0]
        v1.saved_model.simple_save(session, folder, {"z": z, "b": b}, outputs)
    session = v1.Session(graph=tf.Graph())
    graph = v1.saved_model.load(session, ["serve"], folder)
    yield session, graph.signature_def["serving_default"]
    session.close()


Z = np.array([[1, 2], [3, 4]], np.float32)
B = np.array([b"x", b"y\0"], object)


def test_inputs_and_outputs_come_in_the_order_asked_for(signature):
    function = SignatureFunction(*signature, ["b", "z"], ["sum", "name", "product"])
    total, name, product = function([B, Z])
    np.testing.assert_array_equal(total, [3, 7])
    assert name.tolist() == [b"x\0", b"y\0\0"]
    np.testing.assert_array_equal(product, [[3], [7]])
    assert function.dtypes == [tf.float32, tf.string, tf.float32]


def test_a_lone_string_keeps_its_nuls(signature):
    (first,) = SignatureFunction(*signature, ["b", "z"], ["first"])([B[1:], Z])
    assert (first.shape, first.item()) == ((), b"y\0")


def test_what_an_unwanted_output_needs_is_not_run(signature):
    wide = np.ones([2, 5], np.float32)
    (total,) = SignatureFunction(*signature, ["b", "z"], ["sum"])([B, wide])
    np.testing.assert_array_equal(total, [5, 5])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Matrix size-incompatible"):
        SignatureFunction(*signature, ["b", "z"], ["sum", "product"])([B, wide])
