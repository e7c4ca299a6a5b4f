import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from data.utils.errors import UsageError
from serving.server.core import configuration
from serving.server.errors import StatusError
from serving.server.protos import batching_parameters_pb2, ssl_config_pb2


def test_a_text_proto_is_read(tmp_path):
    path = tmp_path / "batching.config"
    path.write_text("max_batch_size { value: 32 } allowed_batch_sizes: [8, 32]  # comment\n")
    parameters = configuration.read_text_proto(path, batching_parameters_pb2.BatchingParameters())
    assert parameters.max_batch_size.value == 32
    assert list(parameters.allowed_batch_sizes) == [8, 32]


@pytest.mark.parametrize(
    ("content", "message", "expected"),
    [
        pytest.param(
            b"model_config_list { conig {} }",
            model_server_config_pb2.ModelServerConfig(),
            "Error parsing text-format tensorflow.serving.ModelServerConfig: 1:21",
            id="unknown field",
        ),
        pytest.param(
            b"server_key: ",
            ssl_config_pb2.SSLConfig(),
            "Error parsing text-format tensorflow.serving.SSLConfig",
            id="torn",
        ),
        pytest.param(
            b"\xff\xfe",
            ssl_config_pb2.SSLConfig(),
            "Error parsing text-format tensorflow.serving.SSLConfig",
            id="no text",
        ),
    ],
)
def test_a_file_that_is_no_such_message_is_an_error(tmp_path, content, message, expected):
    path = tmp_path / "bad.config"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        configuration.read_text_proto(path, message)
    assert str(caught.value).startswith(expected)
    assert f"Invalid protobuf file: '{path}'" in str(caught.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    path = tmp_path / "none.config"
    with pytest.raises(UsageError, match=r"none\.config: cannot be read: No such file"):
        configuration.read_text_proto(path, model_server_config_pb2.ModelServerConfig())


def parse(text):
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("model_config_list {}", id="no models"),
        pytest.param(
            "model_config_list { config { name: 'a' base_path: '/a' model_platform: 'tensorflow' }"
            " config { name: 'b' base_path: '/a' model_type: TENSORFLOW } }",
            id="two models",
        ),
    ],
)
def test_good_configs_pass(text):
    configuration.check(parse(text))


def test_flags_for_one_model_make_a_good_config():
    config = configuration.single_model("tiny", "/models/tiny")
    configuration.check(config)
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("tiny", "/models/tiny")


@pytest.mark.parametrize(
    ("models", "message"),
    [
        pytest.param(
            "config { name: 'a' base_path: '/a' model_platform: 'tensorflow' }"
            "config { name: 'a' base_path: '/b' model_platform: 'tensorflow' }",
            "Illegal to list model a multiple times in config list",
            id="a name twice",
        ),
        pytest.param(
            "config { name: 'a' base_path: 'models/a' model_platform: 'tensorflow' }",
            "Expected model a to have an absolute path or URI; got base_path()=models/a",
            id="relative path",
        ),
        pytest.param(
            "config { name: 'a' base_path: 'gs://bucket/a' model_platform: 'tensorflow' }",
            "Model a has its base path on a remote store, gs://bucket/a, which this server "
            "cannot read; copy or mount it and give the local folder",
            id="remote store",
        ),
        pytest.param(
            "config { name: 'a' base_path: '/a' }",
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            "nor ModelServerConfig::model_platform.",
            id="no platform",
        ),
        pytest.param(
            "config { name: 'a' base_path: '/a' model_platform: 'tensorflow' model_type: OTHER }",
            "Illegal setting both ModelServerConfig::model_type (deprecated) "
            "and ModelServerConfig::model_platform.",
            id="two platforms",
        ),
        pytest.param(
            "config { name: 'a' base_path: '/a' model_type: OTHER }",
            "ModelServerConfig::model_type choice 2 not supported.",
            id="other type",
        ),
        pytest.param(
            "config { name: 'a' base_path: '/a' model_platform: 'onnx' }",
            "Model a requests unsupported platform onnx",
            id="other platform",
        ),
    ],
)
def test_bad_configs_are_refused(models, message):
    with pytest.raises(StatusError) as caught:
        configuration.check(parse(f"model_config_list {{ {models} }}"))
    assert (caught.value.code.name, caught.value.message) == ("INVALID_ARGUMENT", message)


def test_a_custom_config_is_refused():
    with pytest.raises(StatusError, match="does not yet support custom model config"):
        configuration.check(parse("custom_model_config {}"))
