"""`python -m serving.server`: starts the server as `tensorflow_model_server` is started.

Example:
    python -m serving.server --port=8500 --model_name=xception --model_base_path=/models/xception
"""

import importlib.metadata
import sys
from collections.abc import Sequence

from data.utils.errors import UsageError
from serving.server import flags


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM.

    Args:
        arguments: of the command line; see `flags`.

    Returns:
        Exit code: 0 after a signal, once the requests under way have ended; 2 if the server
        could not be started, with the reason on standard error.
    """
    try:
        values = flags.parse(arguments)
        if values.version:
            print(f"unmask ModelServer: {importlib.metadata.version('unmask')}")
            print(f"TensorFlow Library: {importlib.metadata.version('tensorflow')}")
            return 0
        options = flags.build_options(values)
    except UsageError as error:
        return _fail(error)

    import logging

    from serving.server import process
    from serving.server.errors import StatusError
    from serving.server.monitoring import logs
    from serving.server.server import Server

    logs.configure(sys.stderr)
    for name in flags.WITHOUT_EFFECT:
        if getattr(values, name) is not None:
            logging.getLogger(__name__).warning("--%s has no effect in this server", name)
    process.configure_tensorflow(options)
    process.freeze_imports()
    try:
        server = Server(options)
        server.start()
    except (OSError, UsageError) as error:
        return _fail(error)
    except StatusError as error:
        return _fail(f"{error.code.name}: {error.message}")
    shutdown_signal = process.ShutdownSignal()
    print(f"Running gRPC ModelServer at {server.target} ...", flush=True)
    if server.rest_target is not None:
        print(f"Exporting HTTP/REST API at:{server.rest_target} ...", flush=True)
    shutdown_signal.wait()
    server.stop()
    return 0


def _fail(reason: object) -> int:
    print(f"Failed to start server. Error: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
