"""What a caller of the client has to deal with."""

import grpc

_CURES = {
    grpc.StatusCode.UNAVAILABLE: (
        "the server cannot be reached: is it running, and is the address right? "
        "`unmask serve --models DIR` starts one"
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
        "keep fewer tracks, or raise its grpc.max_receive_message_length"
    ),
    grpc.StatusCode.FAILED_PRECONDITION: "the model lacks a signature",
    grpc.StatusCode.UNIMPLEMENTED: "this is no model server: check the address and the port",
}


class ServingError(Exception):
    """The server or the model could not be asked; the message says why and what helps.

    Attributes:
        target: `host:port` of the server.
        model: name of the model.
        code: gRPC status code.
    """

    def __init__(self, target: str, model: str, code: grpc.StatusCode, problem: str) -> None:
        super().__init__(f"model '{model}' at {target}: {problem}")
        self.target = target
        self.model = model
        self.code = code

    @classmethod
    def of(cls, error: grpc.RpcError, target: str, model: str) -> "ServingError":
        """The error that a failed call means, with its cure where one is known."""
        code, details = error.code(), error.details()
        said = f"{code.name}: {details}"
        return cls(target, model, code, f"{_CURES[code]} ({said})" if code in _CURES else said)

    @classmethod
    def no_tracks(cls, target: str, model: str, signature: str) -> "ServingError":
        """The model lacks the signature that the client asks."""
        problem = (
            f"it has no signature '{signature}' with an input 'faces' [n, faces of a track]: "
            "is it a model that unmask pushed?"
        )
        return cls(target, model, grpc.StatusCode.FAILED_PRECONDITION, problem)
