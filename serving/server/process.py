"""Set-up of a process that runs a server: TensorFlow's threads, the collector, signals."""

import gc
import signal
import threading

import tensorflow as tf

from serving.server.options import ServerOptions


def configure_tensorflow(options: ServerOptions) -> None:
    """Sets the threads of TensorFlow for the whole process, before its first operation.

    One thread per operation and one operation per core doubled the throughput of concurrent
    requests.
    """
    tf.config.threading.set_intra_op_parallelism_threads(options.tensorflow_intra_op_parallelism)
    tf.config.threading.set_inter_op_parallelism_threads(options.tensorflow_inter_op_parallelism)


def freeze_imports() -> None:
    """Exempts imported modules from garbage collection; called once, before models are loaded.

    The collector frees the graph of an unloaded version. If it searched TensorFlow's modules as
    well, it would delay every request by half a second.
    """
    gc.collect()
    gc.freeze()


class ShutdownSignal:
    """Turns SIGINT and SIGTERM into something to wait for; made by the main thread."""

    def __init__(self) -> None:
        self._received = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._received.set())

    def wait(self) -> None:
        """Waits for the first of the signals, or returns at once if one came before."""
        self._received.wait()
