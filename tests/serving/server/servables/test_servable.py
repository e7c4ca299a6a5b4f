import gc
import shutil
import weakref

import grpc
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.eager import context

from serving.server.batching import BatchingParameters, ServerBatching
from serving.server.errors import StatusError
from serving.server.servables.servable import Servable, type_name


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


@pytest.fixture
def with_default(rows_model, tmp_path):
    """`Rows`, whose input `b` has a default, as `tf.saved_model` cannot yet write it."""
    folder = tmp_path / "1"
    shutil.copytree(rows_model, folder)
    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    signature.defaults["b"].CopyFrom(tf.make_tensor_proto([b"default"]))
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    return folder


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


def test_a_torn_graph_is_lost_data(double, tmp_path):
    whole = (double / "saved_model.pb").read_bytes()
    (tmp_path / "saved_model.pb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StatusError) as caught:
        Servable(tmp_path)
    assert caught.value.code is grpc.StatusCode.DATA_LOSS
    assert caught.value.message == f"Can't parse {tmp_path}/saved_model.pb as binary proto"


def test_an_absent_input_has_the_signatures_default(with_default):
    servable = Servable(with_default)
    a = tf.make_tensor_proto([[1.0, 2.0]])
    assert list(servable.predict("", {"a": a})["b"].string_val) == [b"default\0"]
    sent = {"a": a, "b": tf.make_tensor_proto([b"sent"])}
    assert list(servable.predict("", sent)["b"].string_val) == [b"sent\0"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["b"],
            "Signature input alias: a(feed name: serving_default_a:0) not found in request and no "
            "default value provided. Inputs expected to be in the request {b}, or default input "
            "alias set: b",
        ),
        (
            ["a", "z"],
            "Inputs contains invalid name. Used request inputs: a, request input: a,z",
        ),
        (
            ["a", "b", "z"],
            "input size does not match signature: 3!=2 len({a,b,z}) != len({a,b}). "
            "Sent extra: {z}. Missing but required: {}.",
        ),
    ],
    ids=["no default", "unknown name", "too many"],
)
def test_inputs_that_do_not_fit_a_signature_with_defaults(with_default, names, message):
    values = {"a": [[1.0]], "b": [b"b"], "z": [1.0]}
    inputs = {name: tf.make_tensor_proto(values[name]) for name in names}
    with pytest.raises(StatusError) as caught:
        Servable(with_default).predict("", inputs)
    assert (caught.value.code, caught.value.message) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        message,
    )


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(tf.float16, "half"), (tf.float32, "float"), (tf.float64, "double"), (tf.int64, "int64")],
)
def test_types_have_the_names_of_tensorflows_cpp(dtype, name):
    assert type_name(dtype.as_datatype_enum) == name
