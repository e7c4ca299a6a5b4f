import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc


@pytest.fixture
def reflect(serve, connect):
    stub = reflection_pb2_grpc.ServerReflectionStub(connect(serve()))

    def ask(**request):
        (answer,) = stub.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(**request)])
        )
        return answer

    return ask


def test_reflection_lists_our_services(reflect):
    services = reflect(list_services="").list_services_response.service
    assert {service.name for service in services} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "tensorflow.serving.ModelService",
        "tensorflow.serving.PredictionService",
    }


def test_reflection_describes_them(reflect):
    answer = reflect(file_containing_symbol="tensorflow.serving.PredictionService")
    assert b"PredictRequest" in answer.file_descriptor_response.file_descriptor_proto[0]
