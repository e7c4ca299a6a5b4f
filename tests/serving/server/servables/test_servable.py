import gc
import weakref

import grpc
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from serving.server.batching import BatchingParameters, ServerBatching
from serving.server.errors import StatusError
from serving.server.servables.servable import Servable


class Double(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(self, x):
        return {"y": 2 * x}


@pytest.fixture(scope="module")
def double(tmp_path_factory):
    folder = tmp_path_factory.mktemp("double")
    module = Double()
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return folder


@pytest.mark.parametrize(
    "batching", [None, ServerBatching(BatchingParameters())], ids=["no", "yes"]
)
def test_a_closed_servable_leaves_nothing(double, batching):
    """The process's context must not grow either: it outlives every model."""
    gc.collect()
    known = len(context.context().list_function_names())
    servable = Servable(double, batching)
    outputs = servable.predict("", {"x": tf.make_tensor_proto([1.0, 2.0])})
    assert list(outputs["y"].float_val) == [2, 4]
    graph = weakref.ref(servable._session.graph)
    servable.close()
    assert graph() is None
    assert len(context.context().list_function_names()) == known


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (None, "Could not find SavedModel .pb or .pbtxt at supplied export directory path: "),
        (["train"], "Could not find meta graph def matching supplied tags: { serve }"),
    ],
    ids=["no SavedModel", "other tags"],
)
def test_what_is_no_model_to_serve_is_not_found(tmp_path, tags, message):
    v1, folder = tf.compat.v1, tmp_path / "1"
    if tags:
        with v1.Session(graph=tf.Graph()) as session:
            tf.constant(0)
            builder = v1.saved_model.Builder(str(folder))
            builder.add_meta_graph_and_variables(session, tags)
            builder.save()
    with pytest.raises(StatusError) as caught:
        Servable(folder)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert caught.value.message == message + ("" if tags else str(folder))
