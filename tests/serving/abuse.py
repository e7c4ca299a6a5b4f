"""Ill-treats a gRPC server and shows that it answers the next request as before.

`python -m tests.serving.abuse` prints, before and after each abuse, how long a request takes
and how much memory the server holds. Ends with 1 where a request failed. Takes a minute; the
suite runs the same with smaller numbers (`tests/serving/server/grpc_api/test_calls.py`).
"""

import contextlib
import pathlib
import resource
import socket
import statistics
import struct
import sys
import time

import grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.channel import MAX_MESSAGE_BYTES
from serving.server.grpc_api import GrpcServer
from tests.serving.server.echo_api import EchoApi
from tests.serving.server.http2 import begin_call

PREDICT = "/tensorflow.serving.PredictionService/Predict"


def request_of(size: int = 0) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.inputs["a"].tensor_content = bytes(size)
    return request


class Abuse:
    def __init__(self, server: GrpcServer) -> None:
        self.address = ("127.0.0.1", server.port)
        self.target = f"127.0.0.1:{server.port}"

    def nothing(self) -> None:
        pass

    def thousand_idle_connections(self) -> list[socket.socket]:
        return [socket.create_connection(self.address) for _ in range(1000)]

    def thousand_half_messages(self) -> list[socket.socket]:
        half = begin_call(PREDICT, struct.pack(">BI", 0, 1000) + b"half")
        sockets = []
        for _ in range(1000):
            sockets.append(socket.create_connection(self.address))
            sockets[-1].sendall(half)
        return sockets

    def slow_client(self) -> socket.socket:
        connection = socket.create_connection(self.address)
        for byte in begin_call(PREDICT, struct.pack(">BI", 0, 1000)):
            connection.sendall(bytes([byte]))
            time.sleep(0.01)
        return connection

    def sixteen_messages_of_64_mib(self) -> None:
        options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
        with grpc.insecure_channel(self.target, options) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            large = request_of(64 * 2**20)
            for _ in range(16):
                stub.Predict(large)

    def thousand_cancelled_calls(self) -> None:
        with grpc.insecure_channel(self.target) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            for _ in range(1000):
                stub.Predict.future(request_of(1000)).cancel()

    def thousand_expired_calls(self) -> None:
        with grpc.insecure_channel(self.target) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            calls = [stub.Predict.future(request_of(1000), timeout=1e-4) for _ in range(1000)]
            for call in calls:
                call.code()


def milliseconds(target: str) -> list[float]:
    """Durations of requests on a connection of their own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(target, options=options) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        stub.Predict(request_of(), timeout=30)
        durations = []
        for _ in range(300):
            started = time.perf_counter()
            stub.Predict(request_of(), timeout=30)
            durations.append((time.perf_counter() - started) * 1e3)
    return durations


def main() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    server = GrpcServer(EchoApi())
    server.start()
    server.health.serve()
    abuse = Abuse(server)
    failed = False
    print(f"{'abuse':30} {'p50 ms':>8} {'p99 ms':>8} {'MiB':>6}")
    for name in [name for name in vars(Abuse) if not name.startswith("_")]:
        held = getattr(abuse, name)()
        try:
            durations = milliseconds(abuse.target)
        except grpc.RpcError as error:
            failed = True
            print(f"{name:30} failed: {error.code().name} {error.details()}")
        else:
            p50, p99 = statistics.median(durations), statistics.quantiles(durations, n=100)[98]
            pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
            mebibytes = pages * resource.getpagesize() / 2**20
            print(f"{name:30} {p50:8.2f} {p99:8.2f} {mebibytes:6.0f}", flush=True)
        for connection in held if isinstance(held, list) else [held]:
            with contextlib.suppress(AttributeError):
                connection.close()
    server.stop(10.0)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
