"""ServingCheck: the candidate, loaded in our server, answers real requests as it does directly."""

import pathlib
import tempfile

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from absl import logging
from tensorflow.core.example import example_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model
from tfx.utils import io_utils, path_utils

from serving.server.server import ModelServer

TOLERANCE = 1e-5
"""Largest difference between a served and a direct probability."""

_VIDEOS = 4
_TIMEOUT_S = 300.0


@component
def ServingCheck(
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    blessing: OutputArtifact[InfraBlessing],
    model_name: Parameter[str],
    code_hash: Parameter[str],
) -> None:
    """Blesses a model that serves a few videos of `eval` as it scores them directly."""
    path = path_utils.serving_model_path(model.uri)
    uri = artifact_utils.get_split_uri([examples], "eval")
    files = sorted(tf.io.gfile.glob(io_utils.all_files_pattern(uri)))
    records = tf.data.TFRecordDataset(files, "GZIP").take(_VIDEOS).as_numpy_iterator()
    problem = find_difference(path, model_name, list(records))
    if problem:
        logging.error("ServingCheck refuses %s: %s", model_name, problem)
    blessing.set_int_custom_property("blessed", int(not problem))
    blessing.set_string_custom_property("problem", problem)


def find_difference(path: str, model_name: str, records: list[bytes]) -> str:
    """Compares a served model with the same model called directly.

    Args:
        path: folder of the SavedModel.
        model_name: what it is served as.
        records: serialised Examples of videos.

    Returns:
        What differs, for people; empty if nothing does.
    """
    examples = np.array(records, object)
    faces = np.array(
        [
            example_pb2.Example.FromString(record)
            .features.feature["face/image"]
            .bytes_list.value[0]
            for record in records
        ],
        object,
    )
    requests = {
        "serving_default": {"faces": faces},
        "serving_examples": {"examples": examples},
    }
    loaded = tf.saved_model.load(path)
    with tempfile.TemporaryDirectory(prefix="unmask-serving-check-") as root:
        version = pathlib.Path(root) / model_name / "1"
        version.parent.mkdir()
        version.symlink_to(pathlib.Path(path).resolve(), target_is_directory=True)
        with ModelServer(root, port=0) as server, grpc.insecure_channel(server.target) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            for signature, inputs in requests.items():
                direct = loaded.signatures[signature](
                    **{name: tf.constant(value) for name, value in inputs.items()}
                )
                try:
                    served = _predict(stub, model_name, signature, inputs)
                except grpc.RpcError as error:
                    return f"{signature} fails when served: {error.code().name}: {error.details()}"
                if sorted(served) != sorted(direct):
                    return f"{signature} answers {sorted(served)} instead of {sorted(direct)}"
                for name, value in direct.items():
                    if not np.allclose(
                        served[name], value.numpy(), rtol=0, atol=TOLERANCE, equal_nan=True
                    ):
                        return f"{signature}: {name} differs when served by more than {TOLERANCE}"
    return ""


def _predict(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    model_name: str,
    signature: str,
    inputs: dict[str, npt.NDArray],
) -> dict[str, npt.NDArray]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value, dtype=tf.string))
    response = stub.Predict(request, timeout=_TIMEOUT_S, wait_for_ready=True)
    return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}
