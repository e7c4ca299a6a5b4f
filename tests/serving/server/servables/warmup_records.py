"""Warm-up requests of a version."""

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2


def write_records(folder, records):
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


def predict_log(signature="two_inputs", **inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "another name does not matter"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()
