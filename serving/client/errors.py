"""Errors of the client, and what helps against each."""

from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from serving.client.connection import Connection

_NOT_REACHED = {
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNKNOWN,
}
"""Codes of errors that a proxy on the way may have made."""

_CURES = {
    grpc.StatusCode.UNAVAILABLE: (
        "the server cannot be reached: is it running, and is the address right? "
        "`unmask serve --models DIR` starts one; one that wants TLS, or a client's certificate, "
        "answers nothing without"
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "no answer in time: the server is overloaded or the time limit too short"
    ),
    grpc.StatusCode.NOT_FOUND: (
        "the server does not serve this model: check the name, that its folder holds a version "
        "with saved_model.pb, and in the server's log whether loading it failed"
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        "the message is larger than the other end takes, or the server has run out of memory: "
        "keep fewer tracks, lower max_message_bytes so that requests are split, or raise the "
        "server's grpc.max_receive_message_length"
    ),
    grpc.StatusCode.FAILED_PRECONDITION: "the model lacks a signature",
    grpc.StatusCode.UNIMPLEMENTED: (
        "this is no model server: check the address and the port (8500 gRPC, 8501 REST)"
    ),
    grpc.StatusCode.UNAUTHENTICATED: "the server wants a token: give the right one as `token`",
    grpc.StatusCode.PERMISSION_DENIED: "the token does not allow it: ask whoever runs the server",
}

_TLS_CURE = (
    "the TLS handshake failed: give the authority that signed the server's certificate as "
    "`root_certificates`, the name that stands in it as host, and, where the server asks for one, "
    "your own certificate as `client_certificate` and `client_key`"
)

_REQUEST_FAILURES = {
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNKNOWN,
}


class CallError(Exception):
    """One attempt to call the server failed.

    Attributes:
        code: gRPC status code; of REST, the one that its HTTP status stands for.
        details: what the server or the connection said.
        transient: whether the same call may succeed soon.
        tls: whether the TLS handshake failed.
    """

    def __init__(
        self, code: grpc.StatusCode, details: str, *, transient: bool = False, tls: bool = False
    ) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details
        self.transient = transient
        self.tls = tls


class ServingError(Exception):
    """The server or the model could not be asked; the message says why and what helps.

    Attributes:
        target: `host:port` or URL of the server.
        model: name of the model.
        code: gRPC status code.
    """

    def __init__(self, target: str, model: str, code: grpc.StatusCode, problem: str) -> None:
        super().__init__(f"model '{model}' at {target}: {problem}")
        self.target = target
        self.model = model
        self.code = code

    @property
    def concerns_one_request(self) -> bool:
        """Whether other requests may well be answered."""
        return self.code in _REQUEST_FAILURES

    @classmethod
    def from_call_error(cls, error: CallError, connection: "Connection") -> "ServingError":
        """From a failed call; the message says what helps, where that is known."""
        cure = _TLS_CURE if error.tls else _CURES.get(error.code)
        problem = f"{cure} ({error})" if cure else str(error)
        if connection.proxy is not None and error.code in _NOT_REACHED:
            problem += (
                f"; it was asked through the proxy {connection.proxy}, which the environment "
                "names: add the host to no_proxy if it is reached without"
            )
        return cls(connection.target, connection.model, error.code, problem)
