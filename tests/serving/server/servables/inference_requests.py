"""Classify, Regress and MultiInference requests for the models of `inference_stub`."""

import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def example(**features):
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
                for name, value in features.items()
            }
        )
    )


def request_of(message, signature, examples=(2.0,), model="default"):
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    message.input.example_list.examples.extend(example(x=x) for x in examples)
    return message


def classify_request(signature, examples=(2.0,), model="default"):
    return request_of(classification_pb2.ClassificationRequest(), signature, examples, model)


def regress_request(signature, examples=(2.0,), model="default"):
    return request_of(regression_pb2.RegressionRequest(), signature, examples, model)


def inference_request(*tasks, examples=(2.0,)):
    request = inference_pb2.MultiInferenceRequest()
    for signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = "default"
        task.model_spec.signature_name = signature
    request.input.example_list.examples.extend(example(x=x) for x in examples)
    return request
