"""The messages that say which models are served, as TensorFlow Serving reads them."""

import pathlib
from typing import TypeVar
from urllib.parse import urlsplit

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.config import model_server_config_pb2

from data.utils.errors import UsageError
from serving.server.errors import invalid_argument

MessageT = TypeVar("MessageT", bound=Message)

_PLATFORM = "tensorflow"


def read_text_proto(path: pathlib.Path, message: MessageT) -> MessageT:
    """Reads a text proto into an empty message.

    Args:
        path: of the file.
        message: of the type that the file holds; filled.

    Returns:
        The message.

    Raises:
        UsageError: the file cannot be read or is not such a message; the message is that of
            protobuf's C++ parser, which users of TensorFlow Serving look for.
    """
    try:
        text_format.Parse(path.read_bytes().decode(), message)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Error parsing text-format {message.DESCRIPTOR.full_name}: {error}\n"
            f"Invalid protobuf file: '{path}'"
        ) from error
    return message


def single_model(name: str, base_path: str) -> model_server_config_pb2.ModelServerConfig:
    """The config that `--model_name` and `--model_base_path` mean.

    Example:
        >>> single_model("xception", "/models/xception").model_config_list.config[0].base_path
        '/models/xception'
    """
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=_PLATFORM)
    return config


def check(config: model_server_config_pb2.ModelServerConfig) -> None:
    """Checks a config before it is used (`server_core.cc`).

    Raises:
        StatusError: INVALID_ARGUMENT, with TensorFlow Serving's message if it has one.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise invalid_argument("ModelServer does not yet support custom model config.")
    names = set()
    for model in config.model_config_list.config:
        if model.name in names:
            raise invalid_argument(
                f"Illegal to list model {model.name} multiple times in config list"
            )
        names.add(model.name)
        _check_base_path(model)
        _check_platform(model)


def _check_base_path(model: model_server_config_pb2.ModelConfig) -> None:
    if urlsplit(model.base_path).scheme:
        raise invalid_argument(
            f"Model {model.name} has its base path on a remote store, {model.base_path}, which "
            "this server cannot read; copy or mount it and give the local folder"
        )
    if not pathlib.PurePath(model.base_path).is_absolute():
        raise invalid_argument(
            f"Expected model {model.name} to have an absolute path or URI; "
            f"got base_path()={model.base_path}"
        )


def _check_platform(model: model_server_config_pb2.ModelConfig) -> None:
    types = model_server_config_pb2.ModelType
    if model.model_type != types.MODEL_TYPE_UNSPECIFIED:
        if model.model_platform:
            raise invalid_argument(
                "Illegal setting both ModelServerConfig::model_type (deprecated) "
                "and ModelServerConfig::model_platform."
            )
        if model.model_type != types.TENSORFLOW:
            raise invalid_argument(
                f"ModelServerConfig::model_type choice {model.model_type} not supported."
            )
    elif not model.model_platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            "nor ModelServerConfig::model_platform."
        )
    elif model.model_platform != _PLATFORM:
        raise invalid_argument(
            f"Model {model.name} requests unsupported platform {model.model_platform}"
        )
