"""ServingCheck: the candidate gives the same answers in our server as when called directly."""

import tempfile
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from absl import logging
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model
from tfx.utils import io_utils, path_utils

from components import served_versions
from data import example_encoding
from data.utils.errors import UsageError
from serving.server.model_server import ModelServer

TOLERANCE = 1e-5
"""Largest difference between a served and a direct probability."""

SIGNATURES = ("serving_default", "serving_tracks", "serving_examples", "serving_frames")
"""Signatures that clients call."""

_NOT_ASKED = (
    *(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED),
    *(grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED),
)
"""Codes of faults that may pass, and say nothing about the model."""

_VIDEOS = 4
_TIMEOUT_S = 300.0


class ServingCheckError(UsageError):
    """The served model could not be asked; the next run tries again."""


@component
def ServingCheck(
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    blessing: OutputArtifact[InfraBlessing],
    model_name: Parameter[str],
    code_hash: Parameter[str],
) -> None:
    """Blesses a model that scores a few videos of `eval` the same served and called directly."""
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
        The difference, as a sentence; empty if there is none.

    Raises:
        ServingCheckError: the model could not be asked.
    """
    loaded = tf.saved_model.load(path)
    missing = sorted(set(SIGNATURES) - set(loaded.signatures))
    if missing:
        return f"it lacks the signatures {', '.join(missing)}"
    requests = _requests(loaded, records)
    with tempfile.TemporaryDirectory(prefix="unmask-serving-check-") as root:
        served_versions.copy_tree(path, served_versions.version_path(root, model_name, 1))
        with (
            ModelServer(root, port=0) as server,
            grpc.insecure_channel(server.target, [("grpc.enable_http_proxy", 0)]) as channel,
        ):
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            for signature, (name, value) in requests.items():
                direct = loaded.signatures[signature](**{name: tf.constant(value)})
                try:
                    served = _predict(stub, model_name, signature, name, value)
                except grpc.RpcError as error:
                    if error.code() in _NOT_ASKED:
                        raise ServingCheckError(
                            f"{model_name} could not be asked, run again: {signature}: "
                            f"{error.code().name}: {error.details()}"
                        ) from error
                    return f"{signature} fails when served: {error.code().name}: {error.details()}"
                if sorted(served) != sorted(direct):
                    return f"{signature} answers {sorted(served)} instead of {sorted(direct)}"
                for output, expected in direct.items():
                    if not _agree(served[output], expected.numpy()):
                        return f"{signature}: {output} differs when served by more than {TOLERANCE}"
    return ""


def _agree(served: npt.NDArray, direct: npt.NDArray) -> bool:
    if direct.dtype == object:  # text
        return np.array_equal(served, direct)
    return np.allclose(served, direct, rtol=0, atol=TOLERANCE, equal_nan=True)


def _requests(loaded: Any, records: list[bytes]) -> dict[str, tuple[str, npt.NDArray[np.object_]]]:
    """Name and value of the input of each signature, from real videos."""
    videos = [example_encoding.parse(record) for record in records]
    faces = np.array([video.usable_faces[0].image for video in videos], object)
    width = loaded.signatures["serving_tracks"].structured_input_signature[1]["faces"].shape[1]
    tracks = np.full([len(videos), width], b"", object)
    for row, video in enumerate(videos):
        first = [face.image for face in video.usable_faces if face.track == 0][:width]
        tracks[row, : len(first)] = first
    return {
        "serving_default": ("faces", faces),
        "serving_tracks": ("faces", tracks),
        "serving_examples": ("examples", np.array(records, object)),
        # A crop serves as a frame; one is enough, since detection costs the most.
        "serving_frames": ("frames", faces[:1]),
    }


def _predict(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    model_name: str,
    signature: str,
    name: str,
    value: npt.NDArray[np.object_],
) -> dict[str, npt.NDArray]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto(value, dtype=tf.string))
    response = stub.Predict(request, timeout=_TIMEOUT_S, wait_for_ready=True)
    return {output: tf.make_ndarray(proto) for output, proto in response.outputs.items()}
