"""Functions in a process of their own: no argument can make the caller hang or crash.

A damaged file can make a decoder loop for ever, run out of memory or crash its process. Functions
are called in a child process, which is killed when it takes too long and started anew when
it is needed again. The child is a fresh interpreter: TensorFlow and gRPC do not survive a fork, and
a child that `multiprocessing` spawns imports our main module again, which may be a Beam worker's.
"""

import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

START_LIMIT_S = 300.0
"""What importing TensorFlow may take on a machine that is busy."""


class WorkerTimeoutError(Exception):
    """The function took longer than it may; its process was killed."""


class WorkerDiedError(Exception):
    """The process ended before the function returned; the message says how."""


_CHILD = """\
import sys
sys.path[:] = {path!r}
from data.utils import isolation
isolation.serve({connection}, {lifeline})
"""


class IsolatedWorker:
    """Calls functions in a child process, one call at a time.

    The child is started by `start` or by the first call, and dies with this process, however
    that ends. What a function prints goes where this process prints.

    Args:
        initializer: called once in each child before the first call, with `initial_arguments`.
        initial_arguments: of `initializer`.
        memory_bytes: what the child may allocate beyond what it holds when it is ready; None
            for no limit.

    Example:
        with IsolatedWorker() as worker:
            frames = worker.run(60, decode, "clip.mp4")
    """

    def __init__(
        self,
        *,
        initializer: Callable[..., None] | None = None,
        initial_arguments: tuple[Any, ...] = (),
        memory_bytes: int | None = None,
    ) -> None:
        self._serve_arguments = (initializer, initial_arguments, memory_bytes)
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._lifeline: Connection | None = None
        self._is_ready = False

    def start(self) -> None:
        """Starts the child without waiting for it; does nothing if there is one."""
        if self._process is not None:
            return
        self._connection, theirs = Pipe()
        its_lifeline, self._lifeline = Pipe(duplex=False)
        numbers = {"connection": theirs.fileno(), "lifeline": its_lifeline.fileno()}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD.format(path=sys.path, **numbers)],
            pass_fds=tuple(numbers.values()),
            stdin=subprocess.DEVNULL,
        )
        # So that the child's ends are the only ones left.
        theirs.close()
        its_lifeline.close()
        self._connection.send(self._serve_arguments)
        self._is_ready = False

    def wait(self) -> None:
        """Starts the child if there is none, and waits until it is ready.

        Raises:
            WorkerTimeoutError: it took more than `START_LIMIT_S`.
            WorkerDiedError: it ended.
            Exception: what `initializer` raised.
        """
        self.start()
        if not self._is_ready:
            self._receive(START_LIMIT_S)
            self._is_ready = True

    def run(
        self,
        time_limit_s: float,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Calls a function with `args` and `kwargs`, and returns what it returns.

        Args:
            time_limit_s: seconds that the call may take; starting the child does not count.
            function: of a module other than the main one, so that the child can import it;
                arguments and result are pickled.
            *args: of the function.
            **kwargs: of the function.

        Raises:
            WorkerTimeoutError: it took longer.
            WorkerDiedError: the child ended in mid-call, or could not be started.
            Exception: what the function raised.
        """
        self.wait()
        assert self._process is not None
        assert self._connection is not None
        try:
            self._connection.send((function, args, kwargs))
        except BrokenPipeError:
            raise self._death(self._process) from None
        result: Result = self._receive(time_limit_s)
        return result

    def close(self) -> None:
        """Ends the child, whatever it is doing; the next call starts another.

        May be called while another thread waits for an answer: that gets a `WorkerDiedError`.
        """
        process, self._process = self._process, None
        if process is None or self._connection is None or self._lifeline is None:
            return
        connection, lifeline = self._connection, self._lifeline
        process.kill()
        process.wait()
        connection.close()
        lifeline.close()

    def __enter__(self) -> "IsolatedWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self, time_limit_s: float) -> Any:
        process, connection = self._process, self._connection
        assert process is not None
        assert connection is not None
        try:
            if not connection.poll(time_limit_s):
                self.close()
                raise WorkerTimeoutError(f"it took longer than {time_limit_s:g} seconds")
            value, error = connection.recv()
        except (EOFError, OSError):
            raise self._death(process) from None
        if error is not None:
            raise error
        return value

    def _death(self, process: subprocess.Popen[bytes]) -> WorkerDiedError:
        code = process.wait()
        self.close()
        if code < 0:
            return WorkerDiedError(f"its process was ended by {signal.Signals(-code).name}")
        return WorkerDiedError(f"its process ended with exit code {code}")


def serve(connection_number: int, lifeline_number: int) -> None:
    """Answers a parent's calls until it closes the connection; what the child process runs.

    Args:
        connection_number: file descriptor of the connection.
        lifeline_number: file descriptor of a pipe that nothing is written to, and that ends
            when the parent does.
    """
    connection, lifeline = Connection(connection_number), Connection(lifeline_number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    try:
        initializer, initial_arguments, memory_bytes = connection.recv()
        if initializer is not None:
            initializer(*initial_arguments)
    except Exception as error:  # noqa: BLE001 - the caller gets it
        connection.send((None, _portable(error)))
        return
    if memory_bytes is not None:
        _limit_memory(memory_bytes)
    connection.send((None, None))
    while True:
        try:
            function, args, kwargs = connection.recv()
        except EOFError:
            return
        try:
            answer: tuple[Any, Exception | None] = (function(*args, **kwargs), None)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            answer = (None, _portable(error))
        connection.send(answer)


def _portable(error: Exception) -> Exception:
    """An error that can be sent: itself, or its text if it does not survive pickling."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a library's error does
        return RuntimeError(f"{type(error).__name__}: {error}")


def _die_with_parent(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)  # also out of a call that would never return


def _limit_memory(further_bytes: int) -> None:
    """Limits private writable memory (RLIMIT_DATA, Linux 4.7); TensorFlow reserves far more."""
    with open("/proc/self/status", encoding="ascii") as file:
        held_kib = next(int(line.split()[1]) for line in file if line.startswith("VmData"))
    limit = held_kib * 1024 + further_bytes
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
