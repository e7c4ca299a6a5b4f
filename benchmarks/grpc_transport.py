"""What the gRPC transport costs beside a bare gRPC handler, with a model that does nothing.

Usage: python -m benchmarks.grpc_transport [--requests 3000]

Requests alternate between the servers, so that a shared machine's other work falls on all of
them alike; each is a lone Predict of one 16 KB face on an open connection. The last line is JSON.
"""

import argparse
import concurrent.futures
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable

import grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.config import logging_config_pb2

from benchmarks.utils.figures import print_figure
from serving.server.admission import BearerTokens
from serving.server.grpc_api import GrpcServer
from serving.server.monitoring import RequestLogger
from serving.server.monitoring.request_log import RequestLog

TARGET_MS = 0.3


class _NoModel(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers at once, as an API and as a bare servicer."""

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        return response

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return self.predict(request)


def _start(server: GrpcServer) -> int:
    server.start()
    server.health.serve()
    return server.port


def _start_bare() -> tuple[grpc.Server, int]:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(32))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_NoModel(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _asker(port: int) -> Callable[[], float]:
    """A function that sends one request and returns its milliseconds."""
    stub = prediction_service_pb2_grpc.PredictionServiceStub(
        grpc.insecure_channel(f"127.0.0.1:{port}")
    )
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.inputs["faces"].string_val.append(bytes(16_000))
    metadata = (("authorization", "Bearer token"),)

    def ask() -> float:
        started = time.perf_counter()
        stub.Predict(request, metadata=metadata)
        return (time.perf_counter() - started) * 1e3

    return ask


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=3000, help="to each server")
    requests = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as folder:
        tokens = pathlib.Path(folder) / "tokens"
        tokens.write_text("token\n" * 5)
        config = logging_config_pb2.LoggingConfig()
        config.sampling_config.sampling_rate = 0.01
        config.log_collector_config.filename_prefix = f"{folder}/m"
        request_log = RequestLog({"m": config})
        bare, bare_port = _start_bare()
        plain = GrpcServer(_NoModel())
        full = GrpcServer(
            _NoModel(), tokens=BearerTokens(tokens), observers=[RequestLogger(), request_log]
        )
        askers = {
            "bare gRPC": _asker(bare_port),
            "transport": _asker(_start(plain)),
            "transport, tokens, logs, 1 % sampled": _asker(_start(full)),
        }
        durations: dict[str, list[float]] = {name: [] for name in askers}
        for number in range(requests + 100):
            for name, ask in askers.items():
                duration = ask()
                if number >= 100:  # warm
                    durations[name].append(duration)
        plain.stop(5.0)
        full.stop(5.0)
        bare.stop(5.0).wait()
        request_log.stop()
    medians = {name: round(statistics.median(values), 3) for name, values in durations.items()}
    for name, median in medians.items():
        print(f"{name:40} p50 {median:.3f} ms")
    added = round(list(medians.values())[-1] - medians["bare gRPC"], 3)
    print_figure(
        "grpc_transport", added, unit="ms above a bare handler, p50", target=TARGET_MS, p50=medians
    )


if __name__ == "__main__":
    main()
