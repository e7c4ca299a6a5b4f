"""SavedModels as other people's programs write them, and a gRPC server in front of an API that
tests hold in their hands."""

import pathlib
from collections.abc import Callable, Iterator

import grpc
import pytest
import tensorflow as tf
import trustme
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server.grpc_api import GrpcServer
from serving.server.protos import ssl_config_pb2
from tests.serving.server.echo_api import EchoApi
from tests.serving.server.rows_model import Rows

v1 = tf.compat.v1


def _signature(method, inputs, outputs):
    return v1.saved_model.build_signature_def(
        {name: v1.saved_model.build_tensor_info(tensor) for name, tensor in inputs.items()},
        {name: v1.saved_model.build_tensor_info(tensor) for name, tensor in outputs.items()},
        f"tensorflow/serving/{method}",
    )


@pytest.fixture(scope="session")
def half_plus_two(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """TensorFlow Serving's own test model, y = x / 2 + 2 and y2 = x / 2 + 3, as TensorFlow 1
    writes it, and signatures that are wrong in one way each."""
    folder = tmp_path_factory.mktemp("half_plus_two") / "123"
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        a = v1.get_variable("a", initializer=0.5)
        b = v1.get_variable("b", initializer=2.0)
        examples = v1.placeholder(tf.string, name="tf_example")
        parsed = tf.io.parse_example(
            examples,
            {
                "x": tf.io.FixedLenFeature([1], tf.float32),
                "x2": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0]),
            },
        )
        x = tf.identity(parsed["x"], name="x")
        y = a * x + b
        y2 = a * x + b + 1.0
        labels = tf.strings.as_string(tf.cast(y, tf.int32))
        two = tf.concat([y, y2], 1)
        example = {"inputs": examples}
        signatures = {
            "serving_default": _signature("predict", {"x": x}, {"y": y}),
            "regress_x_to_y": _signature("regress", example, {"outputs": y}),
            "regress_x_to_y2": _signature("regress", example, {"outputs": y2}),
            "regress_x2": _signature("regress", example, {"outputs": a * parsed["x2"] + b}),
            "regress_flat": _signature("regress", example, {"outputs": y[:, 0]}),
            "classify_x_to_y": _signature("classify", example, {"scores": y}),
            "classify_labels": _signature("classify", example, {"classes": labels}),
            "classify_both": _signature(
                "classify", example, {"classes": tf.concat([labels, labels], 1), "scores": two}
            ),
            "wrong_count": _signature("classify", example, {"classes": labels, "scores": two}),
            "wrong_rank": _signature("classify", example, {"scores": y[:, 0]}),
            "wrong_type": _signature("classify", example, {"scores": tf.cast(y, tf.int64)}),
            "wrong_classes": _signature("classify", example, {"classes": y}),
            "wrong_rows": _signature("classify", example, {"scores": y[:1]}),
            "wrong_outputs": _signature("classify", example, {"results": y}),
            "wrong_inputs": _signature("classify", {"examples": examples}, {"scores": y}),
            "float_inputs": _signature("regress", {"inputs": x}, {"outputs": y}),
            "regress_rank": _signature("regress", example, {"outputs": two}),
            "regress_rows": _signature("regress", example, {"outputs": y[:1]}),
            "regress_type": _signature("regress", example, {"outputs": labels}),
            "regress_results": _signature("regress", example, {"results": y}),
        }
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()
    return folder


@pytest.fixture(scope="session")
def rows_model(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """`Rows` as a SavedModel."""
    module, folder = Rows(), tmp_path_factory.mktemp("rows")
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return folder


@pytest.fixture
def api() -> EchoApi:
    return EchoApi()


@pytest.fixture
def serve(api: EchoApi) -> Iterator[Callable[..., GrpcServer]]:
    """Starts a server with `GrpcServer`'s arguments; it takes requests and is ready."""
    servers: list[GrpcServer] = []

    def start(**arguments: object) -> GrpcServer:
        server = GrpcServer(api, **arguments)
        server.start()
        server.health.serve()
        server.health.set_loaded()
        servers.append(server)
        return server

    yield start
    api.gate.set()
    for server in servers:
        server.stop(10.0)


@pytest.fixture
def connect() -> Iterator[Callable[..., grpc.Channel]]:
    """Opens a channel of its own connection to a server."""
    channels: list[grpc.Channel] = []

    def open_channel(server: GrpcServer) -> grpc.Channel:
        channel = grpc.insecure_channel(
            f"127.0.0.1:{server.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        channels.append(channel)
        return channel

    yield open_channel
    for channel in channels:
        channel.close()


@pytest.fixture
def predict_stub(connect) -> Callable[..., prediction_service_pb2_grpc.PredictionServiceStub]:
    return lambda server: prediction_service_pb2_grpc.PredictionServiceStub(connect(server))


@pytest.fixture(scope="session")
def ask() -> Callable[[str], predict_pb2.PredictRequest]:
    """A Predict request for a model."""

    def request(model: str) -> predict_pb2.PredictRequest:
        message = predict_pb2.PredictRequest()
        message.model_spec.name = model
        return message

    return request


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs the certificates of servers and clients."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_certificate(authority) -> trustme.LeafCert:
    return authority.issue_cert("localhost", "127.0.0.1")


@pytest.fixture
def tls_config(server_certificate) -> ssl_config_pb2.SSLConfig:
    return ssl_config_pb2.SSLConfig(
        server_key=server_certificate.private_key_pem.bytes(),
        server_cert=b"".join(pem.bytes() for pem in server_certificate.cert_chain_pems),
    )


@pytest.fixture
def mutual_tls_config(tls_config, authority) -> ssl_config_pb2.SSLConfig:
    tls_config.custom_ca = authority.cert_pem.bytes().decode()
    tls_config.client_verify = True
    return tls_config
