"""Writes the SavedModel that is evaluated, checked, pushed and served, with its side files."""

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from models.export.served_model import ServedModel

_WARMUP_ROWS = (1, 16)
_WARMUP_FACE_SIZE = 224  # pixels


def export(served: ServedModel, folder: str, *, name: str, card: Mapping[str, Any]) -> None:
    """Writes a served model.

    Args:
        served: the model.
        folder: receives the SavedModel; `assets.extra` in it receives `model.json` and
            `tf_serving_warmup_requests`.
        name: of the model, which requests name.
        card: content of `model.json` besides name, scope and track length.
    """
    tf.saved_model.save(served, folder, signatures=served.signatures())
    extra = os.path.join(folder, "assets.extra")  # perhaps in an object store
    tf.io.gfile.makedirs(extra)
    content = {
        "name": name,
        "scope": served.scope,
        "track_length": served.track_length,
        **card,
    }
    with tf.io.gfile.GFile(os.path.join(extra, "model.json"), "w") as file:
        file.write(json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")
    with tf.io.TFRecordWriter(os.path.join(extra, "tf_serving_warmup_requests")) as writer:
        for request in warmup_requests(name, served.track_length):
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(
                prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString(
                    deterministic=True
                )
            )


def warmup_requests(name: str, track_length: int) -> list[predict_pb2.PredictRequest]:
    """Requests that TensorFlow Serving runs before it serves a new version.

    Args:
        name: of the model.
        track_length: faces in a row of `serving_tracks`.

    Returns:
        For `serving_default` rows of 1 and 16 faces, for `serving_tracks` one full track, for
        `serving_frames` one frame.
    """
    # The same noise every time: no person's photo has to be shipped.
    noise = np.random.default_rng(0).integers(
        0, 256, (_WARMUP_FACE_SIZE, _WARMUP_FACE_SIZE, 3), np.uint8
    )
    face = tf.io.encode_jpeg(noise).numpy()
    batches = [("serving_default", "faces", [face] * rows) for rows in _WARMUP_ROWS]
    batches.append(("serving_tracks", "faces", [[face] * track_length]))
    batches.append(("serving_frames", "frames", [face]))
    requests = []
    for signature, name_of_input, rows in batches:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.model_spec.signature_name = signature
        request.inputs[name_of_input].CopyFrom(tf.make_tensor_proto(rows, tf.string))
        requests.append(request)
    return requests
