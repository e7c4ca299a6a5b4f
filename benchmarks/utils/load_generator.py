"""Clients that keep a server busy."""

import concurrent.futures
import dataclasses
import itertools
import random
import threading
import time
from collections.abc import Callable

import grpc
from tensorflow_serving.apis import predict_pb2

from benchmarks.utils.serving import PREDICT


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to one request.

    Attributes:
        sent: `time.perf_counter()`.
        received: the same.
        version: of the model that answered; 0 if it failed.
        code: gRPC status.
        details: message of the status.
    """

    sent: float
    received: float
    version: int = 0
    code: grpc.StatusCode = grpc.StatusCode.OK
    details: str = ""

    @property
    def seconds(self) -> float:
        """From sending to receiving."""
        return self.received - self.sent


def _finish(sent: float, call: grpc.Future) -> Answer:
    """Waits for a call."""
    try:
        message = call.result()
    except grpc.RpcError as error:
        return Answer(sent, time.perf_counter(), code=error.code(), details=error.details())
    received = time.perf_counter()
    response = predict_pb2.PredictResponse.FromString(message)
    return Answer(sent, received, response.model_spec.version.value)


def keep_asking(
    target: str, message: bytes, concurrency: int, until: Callable[[], bool]
) -> list[Answer]:
    """Sends requests from several clients; each sends its next one when it has an answer.

    Args:
        target: `host:port`.
        message: the serialised request.
        concurrency: number of clients.
        until: clients stop when it returns True.

    Returns:
        All answers, by the time of sending.
    """
    with grpc.insecure_channel(target) as channel:
        predict = channel.unary_unary(PREDICT)

        def ask_on(_: int) -> list[Answer]:
            answers = []
            while not until():
                sent = time.perf_counter()
                answers.append(_finish(sent, predict.future(message)))
                if answers[-1].code is not grpc.StatusCode.OK:
                    time.sleep(0.01)  # refused at once: do not flood the server
            return answers

        with concurrent.futures.ThreadPoolExecutor(concurrency) as clients:
            answers = itertools.chain.from_iterable(clients.map(ask_on, range(concurrency)))
    return sorted(answers, key=lambda answer: answer.sent)


def ask_for(target: str, message: bytes, concurrency: int, seconds: float) -> list[Answer]:
    """`keep_asking` for a time."""
    end = time.perf_counter() + seconds
    return keep_asking(target, message, concurrency, lambda: time.perf_counter() >= end)


def requests_per_second(answers: list[Answer]) -> float:
    """Answers a second; all must have succeeded."""
    check(answers)
    return len(answers) / (max(a.received for a in answers) - answers[0].sent)


def ask_at_rate(target: str, message: bytes, rate: float, seconds: float) -> list[Answer]:
    """Sends requests at random times (a Poisson process, the same every time).

    Unlike clients that wait for their answers, these do not send less when the server is slow.

    Args:
        target: `host:port`.
        message: the serialised request.
        rate: requests a second on average.
        seconds: how long.

    Returns:
        All answers, by the time of sending.
    """
    draw = random.Random(0)
    answers: list[Answer] = []
    lock = threading.Lock()

    def note(sent: float, call: grpc.Future) -> None:
        answer = _finish(sent, call)
        with lock:
            answers.append(answer)

    with grpc.insecure_channel(target) as channel:
        predict = channel.unary_unary(PREDICT)
        start = due = time.perf_counter()
        calls = []
        while due < start + seconds:
            time.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            calls.append(predict.future(message))
            calls[-1].add_done_callback(lambda call, sent=sent: note(sent, call))
            due += draw.expovariate(rate)
        for call in calls:
            call.exception()
        while len(answers) < len(calls):  # the last callbacks are under way
            time.sleep(0.001)
    return sorted(answers, key=lambda answer: answer.sent)


def check(answers: list[Answer]) -> None:
    """Raises a RuntimeError if a request failed: failures must not be timed."""
    failed = [answer for answer in answers if answer.code is not grpc.StatusCode.OK]
    if failed or not answers:
        first = f"{failed[0].code.name}: {failed[0].details}" if failed else "no request was sent"
        raise RuntimeError(f"{len(failed)} of {len(answers)} requests failed, {first}")
