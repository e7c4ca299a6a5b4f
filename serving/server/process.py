"""What a process that serves does around its server."""

import gc
import signal
import threading

import tensorflow as tf

from serving.server.options import ServerOptions
from serving.server.server import Server

_DRAIN_S = 30.0


def configure_tensorflow(options: ServerOptions) -> None:
    """Sets the threads of TensorFlow, process-wide; only before its first operation.

    One thread an operation and one operation a core doubled the throughput of concurrent
    requests.
    """
    tf.config.threading.set_intra_op_parallelism_threads(options.tensorflow_intra_op_parallelism)
    tf.config.threading.set_inter_op_parallelism_threads(options.tensorflow_inter_op_parallelism)


def freeze_imports() -> None:
    """Takes what was imported from what Python's collector looks through; once, before loading.

    An unloaded version's graph is left to the collector, which would hold up every request for
    half a second while it looked through TensorFlow's modules as well.
    """
    gc.collect()
    gc.freeze()


class Interruption:
    """Turns SIGINT and SIGTERM into something to wait for; from the main thread alone."""

    def __init__(self) -> None:
        self._told = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._told.set())

    def wait(self) -> None:
        """Waits for the first of the signals, now or earlier."""
        self._told.wait()


def drain(server: Server) -> None:
    """Stops a server; requests under way may end."""
    server.stop(_DRAIN_S)
