"""Models that are configured while the server runs, over the wire."""

import contextlib

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from serving.server.core.manager import RetryPolicy
from serving.server.errors import StatusError
from serving.server.model_server import ModelServer
from serving.server.options import ServerOptions
from serving.server.server import Server

pytestmark = pytest.mark.slow

STATE = get_model_status_pb2.ModelVersionStatus


class Stub:
    """What the tests ask a server."""

    def __init__(self, channel):
        self.models = model_service_pb2_grpc.ModelServiceStub(channel)
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def reload(self, config):
        request = model_management_pb2.ReloadConfigRequest(config=config)
        return self.models.HandleReloadConfigRequest(request).status

    def states(self, name, label=""):
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        if label:
            request.model_spec.version_label = label
        statuses = self.models.GetModelStatus(request).model_version_status
        return {status.version: status.state for status in statuses}

    def version(self, name, label=""):
        """The version that answers; its number is what it multiplies by."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.model_spec.signature_name = "two_inputs"
        if label:
            request.model_spec.version_label = label
        request.inputs["a"].CopyFrom(tf.make_tensor_proto([[1.0, 1.0]]))
        request.inputs["b"].CopyFrom(tf.make_tensor_proto(["b"]))
        response = self.predictions.Predict(request)
        number = response.model_spec.version.value
        assert list(response.outputs["x"].float_val) == [number, number]
        return number


@contextlib.contextmanager
def serve(server):
    with server, grpc.insecure_channel(server.target) as channel:
        yield Stub(channel)


def options(config, **more):
    return ServerOptions(
        model_server_config=config,
        port=0,
        file_system_poll_wait_seconds=0.05,
        retry_policy=RetryPolicy(retries=0),
        **more,
    )


def config_of(*models):
    """A config of `(name, base path, further text)` each."""
    text = "".join(
        f"config {{ name: '{name}' base_path: '{path}' model_platform: 'tensorflow' {more} }}"
        for name, path, more in models
    )
    return text_format.Parse(
        f"model_config_list {{ {text} }}", model_server_config_pb2.ModelServerConfig()
    )


@pytest.fixture
def base_path(push, tmp_path):
    """Holds the versions 1 and 2."""
    push("tiny", 1)
    push("tiny", 2)
    return tmp_path / "serving" / "tiny"


def label(name, version):
    return f"version_labels {{ key: '{name}' value: {version} }}"


def error_of(function, *arguments):
    with pytest.raises(grpc.RpcError) as caught:
        function(*arguments)
    return caught.value.code().name, caught.value.details()


def test_models_come_and_go_by_request(base_path):
    with serve(Server(options(config_of(("one", base_path, ""))))) as stub:
        assert stub.version("one") == 2
        status = stub.reload(config_of(("one", base_path, ""), ("two", base_path, "")))
        assert (status.error_code, status.error_message) == (0, "")
        assert [stub.version("one"), stub.version("two")] == [2, 2]
        stub.reload(config_of(("two", base_path, "")))
        assert stub.states("one") == {2: STATE.END}
        assert error_of(stub.version, "one") == (
            "NOT_FOUND",
            "Servable not found for request: Latest(one)",
        )
        stub.reload(config_of())
        assert stub.states("two") == {2: STATE.END}


def test_policies_choose_versions(base_path, wait_until):
    with serve(Server(options(config_of(("m", base_path, "model_version_policy { all {} }"))))) as (
        stub
    ):
        assert stub.states("m") == {2: STATE.AVAILABLE, 1: STATE.AVAILABLE}
        specific = "model_version_policy { specific { versions: 1 } }"
        stub.reload(config_of(("m", base_path, specific)))
        assert stub.states("m") == {2: STATE.END, 1: STATE.AVAILABLE}
        assert stub.version("m") == 1
        stub.reload(config_of(("m", base_path, "model_version_policy { latest {} }")))
        assert stub.version("m") == 2
        wait_until(lambda: stub.states("m") == {2: STATE.AVAILABLE, 1: STATE.END})


def test_labels_stand_for_versions_in_every_method(base_path):
    every = "model_version_policy { all {} }"
    with serve(Server(options(config_of(("m", base_path, every))))) as stub:
        labels = label("stable", 1) + label("canary", 2)
        stub.reload(config_of(("m", base_path, every + labels)))
        assert [stub.version("m", "stable"), stub.version("m", "canary")] == [1, 2]
        every_state = {1: STATE.AVAILABLE, 2: STATE.AVAILABLE}
        assert stub.states("m", "stable") == every_state  # as TensorFlow Serving answers
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name, request.model_spec.version_label = "m", "stable"
        response = stub.predictions.GetModelMetadata(request)
        assert response.model_spec.version.value == 1
        stub.reload(config_of(("m", base_path, every + label("stable", 2))))
        assert stub.version("m", "stable") == 2
        assert error_of(stub.version, "m", "canary") == (
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: canary",
        )


NOT_AVAILABLE = (
    "FAILED_PRECONDITION",
    "Request to assign label to version 7 of model m, which is not currently available for "
    "inference",
)


def test_a_label_for_a_version_that_is_not_loaded_changes_nothing(base_path):
    with serve(Server(options(config_of(("m", base_path, ""))))) as stub:
        refused = config_of(("m", base_path, label("stable", 7)), ("new", base_path, ""))
        assert error_of(stub.reload, refused) == NOT_AVAILABLE
        assert stub.version("m") == 2
        assert error_of(stub.states, "new")[0] == "NOT_FOUND"


def test_labels_may_precede_their_versions_where_allowed(base_path, tmp_path):
    config = config_of(("m", base_path, label("next", 2)))
    with pytest.raises(StatusError, match="which is not currently available for inference"):
        Server(options(config)).start()
    allowed = options(config, allow_version_labels_for_unavailable_models=True)
    with serve(Server(allowed)) as stub:
        assert stub.version("m", "next") == 2
        moved = config_of(("m", base_path, label("next", 7)))
        assert error_of(stub.reload, moved) == NOT_AVAILABLE
        stub.reload(config_of(("m", base_path, label("other", 7))))
        assert error_of(stub.version, "m", "other") == (
            "NOT_FOUND",
            "Servable not found for request: Specific(m, 7)",
        )


UNSUPPORTED = (
    "INVALID_ARGUMENT",
    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
    "currently supported",
)


def test_configs_that_are_refused_change_nothing(base_path):
    custom = model_server_config_pb2.ModelServerConfig()
    custom.custom_model_config.SetInParent()
    with serve(Server(options(config_of(("m", base_path, ""))))) as stub:
        assert error_of(stub.reload, custom) == UNSUPPORTED
        assert error_of(stub.reload, None) == UNSUPPORTED
        twice = config_of(("new", base_path, ""), ("new", base_path, ""))
        assert error_of(stub.reload, twice) == (
            "INVALID_ARGUMENT",
            "Illegal to list model new multiple times in config list",
        )
        assert stub.version("m") == 2
        assert error_of(stub.states, "new")[0] == "NOT_FOUND"


def test_a_model_that_cannot_be_loaded_is_reported_and_the_others_serve(base_path, tmp_path):
    broken = tmp_path / "broken" / "3"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"torn")
    models = [
        ("m", base_path, ""),
        ("broken", broken.parent, ""),
        ("absent", tmp_path / "absent", ""),
        ("empty", tmp_path, ""),
    ]
    with serve(Server(options(config_of(*models)))) as stub:
        assert stub.version("m") == 2
        assert stub.states("broken") == {3: STATE.END}
        stub.reload(config_of(("m", base_path, "")))
        code, message = error_of(stub.reload, config_of(*models))
        assert code == "UNKNOWN"
        assert message.startswith(
            "3 model(s) did not become available: {{{name: broken version: 3}"
        )
        assert "{{name: absent} due to error: " in message
        assert "absent'}, " in message
        assert f"{{{{name: empty}} due to error: no versions found at {tmp_path}}}, }}" in message
        assert stub.version("m") == 2
        # The config was adopted, and models that it does not change are not reported again.
        assert stub.reload(config_of(*models)).error_code == 0


def test_a_config_replaces_a_serving_root(base_path):
    with serve(ModelServer(base_path.parent, poll_interval_s=0.05)) as stub:
        assert stub.version("tiny") == 2
        stub.reload(config_of(("other", base_path, "")))
        assert stub.version("other") == 2
        assert stub.states("tiny") == {2: STATE.END}


@pytest.mark.parametrize(("enabled", "state"), [(True, STATE.END), (False, STATE.AVAILABLE)])
def test_warm_up_is_an_option(base_path, enabled, state):
    requests = base_path / "2" / "assets.extra" / "tf_serving_warmup_requests"
    requests.parent.mkdir()
    with tf.io.TFRecordWriter(str(requests)) as writer:
        writer.write(b"\xff")
    with serve(
        Server(options(config_of(("m", base_path, "")), enable_model_warmup=enabled))
    ) as stub:
        assert stub.states("m") == {2: state}


@pytest.mark.parametrize("both", [True, False])
def test_options_say_one_thing_to_serve(tmp_path, both):
    with pytest.raises(ValueError, match="either a serving_root or a model_server_config"):
        ServerOptions(
            serving_root=tmp_path if both else None,
            model_server_config=config_of() if both else None,
        )
